import MongoStore from 'connect-mongo';
import type { SessionOptions } from 'express-session';
import type { MongoClient } from 'mongodb';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

export interface Settings {
  client: MongoClient;
  secret: string;
}

const ONE_HOUR_IN_SECONDS = 60 * 60;

// TODO Move 3: give the cookie's name and options one home, so that app.ts can use them too.

export function sessionOptions({ client, secret }: Settings): SessionOptions {
  return {
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: {
      httpOnly: true,
      sameSite: 'lax',
    },
    store: MongoStore.create({
      client,
      ttl: ONE_HOUR_IN_SECONDS,
    }),
  };
}
