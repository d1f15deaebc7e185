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

// TODO Move 1: export beginLogin(). It stores a login under a new random id, and returns the id.

// TODO Move 2: export findUser(). It takes a login's id and returns the user, unless the login is
// too old.

// TODO Move 3: export endLogin(). It deletes a login.
