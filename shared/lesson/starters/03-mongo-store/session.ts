import type { SessionOptions } from 'express-session';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

// TODO Move 2: take the client and add a store to the options: a MongoStore that uses it.

// TODO Move 3: a session lives one hour after its last visit. Mind the unit of `ttl`.

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
