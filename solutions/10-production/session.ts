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

/** Browsers let no other host set a cookie whose name begins with `__Host-`. */
export const cookieName = '__Host-session';

export const cookieOptions: CookieOptions = {
  httpOnly: true,
  sameSite: 'lax',
  secure: true,
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
