import MongoStore from 'connect-mongo';
import type { CookieOptions } from 'express';
import type { SessionOptions } from 'express-session';
import type { MongoClient } from 'mongodb';

declare module 'express-session' {
  interface SessionData {
    visits: number;
    login: string;
  }
}

export interface Settings {
  client: MongoClient;
  secret: string;
}

const ONE_HOUR_IN_SECONDS = 60 * 60;

// TODO Move 3: give the cookie a name that no other host can set.
export const cookieName = 'connect.sid';

export const cookieOptions: CookieOptions = {
  httpOnly: true,
  sameSite: 'lax',
  // TODO Move 1: send the cookie over HTTPS only.
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
