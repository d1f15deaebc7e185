import { hash, verify, type Options } from '@node-rs/argon2';
import type { MongoClient } from 'mongodb';

interface Account {
  /** The name. As the _id, it's unique and quick to find. */
  _id: string;
  /** The argon2id hash of the password. Nobody can get the password back out of it. */
  passwordHash: string;
}

/** The hash of a random password that nobody kept. It's checked when there's no such account. */
const nobodysHash = '$argon2id$v=19$m=19456,t=2,p=1'
  + '$0fKuyDLXct8HPKr/BAG3Gg$JxPp89ECCdVj6DRKpG4gsZHB6LeJAujA1VWXQc9ejf0';

function accounts(client: MongoClient) {
  return client.db().collection<Account>('accounts');
}

/**
 * Stores a new account.
 * @param name 1 to 20 lower-case letters and digits
 * @param cost how much work the hash takes; the library's defaults are what OWASP recommends
 * @throws {Error} when the name isn't allowed, or is taken
 */
export async function createAccount(
  client: MongoClient,
  name: string,
  password: string,
  cost?: Options,
): Promise<void> {
  if (!/^[a-z0-9]{1,20}$/.test(name)) throw new Error(`"${name}" can't be the name of an account.`);
  await accounts(client).insertOne({ _id: name, passwordHash: await hash(password, cost) });
}

/**
 * Checks a name and a password.
 * @returns the account's name, or undefined if either is wrong: nobody learns which
 */
export async function authenticate(
  client: MongoClient,
  name: string,
  password: string,
): Promise<string | undefined> {
  const account = await accounts(client).findOne({ _id: name });
  // An unknown name takes as long as a known one. Otherwise the time would tell them apart.
  const matches = await verify(account?.passwordHash ?? nobodysHash, password);
  return account && matches ? account._id : undefined;
}

/**
 * Gives an account a new password.
 * @returns whether it did: a password needs at least 8 characters
 */
export async function changePassword(
  client: MongoClient,
  name: string,
  password: string,
): Promise<boolean> {
  if (password.length < 8) return false;
  await accounts(client).updateOne({ _id: name }, { $set: { passwordHash: await hash(password) } });
  return true;
}
