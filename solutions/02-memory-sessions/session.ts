import type { SessionOptions } from 'express-session';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

export function sessionOptions(): SessionOptions {
  const secret = process.env.SESSION_SECRET;
  if (!secret) {
    throw new Error('SESSION_SECRET is not set. Put a long random value into .env.');
  }

  return {
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: {
      httpOnly: true,
      sameSite: 'lax',
    },
  };
}
