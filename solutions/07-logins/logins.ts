import type { MongoClient } from 'mongodb';

declare module 'express-serve-static-core' {
  interface Locals {
    /** Who is logged in. */
    user: string | undefined;
  }
}

/** A login: whose it is, and since when. */
interface Login {
  _id: string;
  user: string;
  since: Date;
}

const EIGHT_HOURS_IN_MS = 8 * 60 * 60 * 1000;

function logins(client: MongoClient) {
  return client.db().collection<Login>('logins');
}

/** Lets MongoDB delete the logins that have ended. It does so now and then, so don't rely on it. */
export async function sweepLogins(client: MongoClient): Promise<void> {
  const expireAfterSeconds = EIGHT_HOURS_IN_MS / 1000;
  await logins(client).createIndexes([{ key: { since: 1 }, expireAfterSeconds }]);
}

/** Begins a login. @returns its id, for the session */
export async function beginLogin(client: MongoClient, user: string): Promise<string> {
  const id = crypto.randomUUID();
  await logins(client).insertOne({ _id: id, user, since: new Date() });
  return id;
}

/** Finds out whose login it is. @returns undefined if there's no such login, or it has ended */
export async function findUser(
  client: MongoClient,
  id: string | undefined,
): Promise<string | undefined> {
  if (!id) return undefined;
  const oldest = new Date(Date.now() - EIGHT_HOURS_IN_MS);
  const login = await logins(client).findOne({ _id: id, since: { $gt: oldest } });
  return login?.user;
}

/** Ends a login for good, if there is one. */
export async function endLogin(client: MongoClient, id: string | undefined): Promise<void> {
  if (id) await logins(client).deleteOne({ _id: id });
}
