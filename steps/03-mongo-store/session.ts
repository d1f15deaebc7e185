import type { SessionOptions } from 'express-session';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

// TODO Move 1: name the client here, so that createApp() and sessionOptions() take it.
export interface Settings {
  secret: string;
}

// TODO Move 2: add a store to the options: a MongoStore that uses the client.

// TODO Move 3: a session lives one hour after its last visit. Mind the unit of `ttl`.

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
