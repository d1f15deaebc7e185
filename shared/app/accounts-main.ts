/*
 * Creates the accounts of Ada and Mallory with the given accounts.ts; see accounts.ts here.
 */
import { pathToFileURL } from 'node:url';
import { MongoClient } from 'mongodb';

type CreateAccount = (client: MongoClient, name: string, password: string) => Promise<void>;

const [accountsFile = ''] = process.argv.slice(2);
const { MONGO_URL = '', PASSWORDS = '{}' } = process.env;
const { createAccount } = await import(pathToFileURL(accountsFile).href) as {
  createAccount: CreateAccount;
};
const client = await MongoClient.connect(MONGO_URL);
try {
  for (const [name, password] of Object.entries(JSON.parse(PASSWORDS) as Record<string, string>)) {
    // A database that outlives a run still has the account from last time.
    await client.db().collection<{ _id: string }>('accounts').deleteOne({ _id: name });
    await createAccount(client, name, password);
  }
} finally {
  await client.close();
}
