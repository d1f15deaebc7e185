import type { MongoClient } from 'mongodb';

declare module 'express-serve-static-core' {
  interface Locals {
    /** The login in this browser; null if nobody is logged in. */
    login: Login | null;
  }
}

/** A login: whose it is, since when, and where. */
export interface Login {
  _id: string;
  user: string;
  since: Date;
  /** When it was last looked up. */
  seen: Date;
  /** What the browser says it is. It may say anything. */
  agent: string;
}

const ONE_HOUR_IN_MS = 60 * 60 * 1000;
const EIGHT_HOURS_IN_MS = 8 * ONE_HOUR_IN_MS;

function logins(client: MongoClient) {
  return client.db().collection<Login>('logins');
}

/** The condition that a login hasn't ended by itself. */
function alive() {
  return {
    since: { $gt: new Date(Date.now() - EIGHT_HOURS_IN_MS) },
    seen: { $gt: new Date(Date.now() - ONE_HOUR_IN_MS) },
  };
}

/** Lets MongoDB delete the logins that have ended. It does so now and then, so don't rely on it. */
export async function sweepLogins(client: MongoClient): Promise<void> {
  const expireAfterSeconds = EIGHT_HOURS_IN_MS / 1000;
  await logins(client).createIndexes([{ key: { since: 1 }, expireAfterSeconds }]);
}

/** Begins a login. @returns its id, for the session */
export async function beginLogin(
  client: MongoClient,
  user: string,
  agent = 'An unknown browser',
): Promise<string> {
  const id = crypto.randomUUID();
  const now = new Date();
  const login = { _id: id, user, since: now, seen: now, agent: agent.slice(0, 200) };
  await logins(client).insertOne(login);
  return id;
}

/** Finds a login, and notes that it was seen. @returns null if there's none, or it has ended */
export async function findLogin(
  client: MongoClient,
  id: string | undefined,
): Promise<Login | null> {
  if (!id) return null;
  return logins(client).findOneAndUpdate({ _id: id, ...alive() }, { $set: { seen: new Date() } });
}

/** A user's logins, latest first. */
export function listLogins(client: MongoClient, user: string): Promise<Login[]> {
  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
}

/** Ends a login for good, if it's this user's. */
export async function endLogin(
  client: MongoClient,
  { _id, user }: Pick<Login, '_id' | 'user'>,
): Promise<void> {
  await logins(client).deleteOne({ _id, user });
}

/** Ends all of a user's logins. */
export async function endLogins(client: MongoClient, user: string): Promise<void> {
  await logins(client).deleteMany({ user });
}
