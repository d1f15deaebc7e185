import { MongoClient } from 'mongodb';
import { createApp } from './app.ts';
import { sweepLogins } from './logins.ts';

const port = Number(process.env.PORT || 4000);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  stop(`PORT must be a number from 1 to 65535, not "${process.env.PORT}".`);
}

const secret = process.env.SESSION_SECRET;
if (!secret) stop('SESSION_SECRET is not set. Put a long random value into .env.');

const mongoUrl = process.env.MONGO_URL;
if (!mongoUrl) stop('MONGO_URL is not set. Put the address of your MongoDB into .env.');

const client = await MongoClient.connect(mongoUrl).catch((error: unknown) => {
  stop(`Cannot connect to the MongoDB that MONGO_URL names: ${String(error)}`);
});
await sweepLogins(client);

createApp({ client, secret }).listen(port, (error) => {
  if (error) stop(`Cannot listen on port ${port}: ${error.message}`);
  console.log(`Server running on port ${port}`);
});

function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}
