import MongoStore from 'connect-mongo';
import type { CookieOptions } from 'express';
import type { SessionOptions } from 'express-session';
import type { MongoClient } from 'mongodb';

declare module 'express-session' {
  interface SessionData {
    visits: number;
    user: string;
    // TODO Move 1: a session also holds the id of a login.
    // TODO Move 2: it no longer holds the user.
  }
}

export interface Settings {
  client: MongoClient;
  secret: string;
}

const ONE_HOUR_IN_SECONDS = 60 * 60;

export const cookieName = 'connect.sid';

export const cookieOptions: CookieOptions = {
  httpOnly: true,
  sameSite: 'lax',
};

export function sessionOptions({ client, secret }: Settings): SessionOptions {
  return {
    secret,
    name: cookieName,
    resave: false,
    saveUninitialized: false,
    cookie: cookieOptions,
    store: MongoStore.create({
      client,
      ttl: ONE_HOUR_IN_SECONDS,
    }),
  };
}
