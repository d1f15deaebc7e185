import type { SessionOptions } from 'express-session';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

export interface Settings {
  secret: string;
}

export function sessionOptions({ secret }: Settings): SessionOptions {
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
