import { MongoClient } from 'mongodb';
import { createApp } from './app.ts';
import { endGently } from './ending.ts';
import { sweepLogins } from './logins.ts';

const { PORT, SESSION_SECRET, MONGO_URL } = process.env;
const port = Number(PORT || 4000);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  stop(`PORT must be a number from 1 to 65535, not "${PORT}".`);
}
if (!SESSION_SECRET) stop('SESSION_SECRET is not set. Set it to a long random value.');
if (!MONGO_URL) stop('MONGO_URL is not set. Set it to the address of a MongoDB.');

// Silence becomes an error after a second and a half. Finding a server gets just as long.
const deadlines = {
  heartbeatFrequencyMS: 1000,
  connectTimeoutMS: 1000,
  socketTimeoutMS: 1500,
  serverSelectionTimeoutMS: 1500,
};
const client = await MongoClient.connect(MONGO_URL, deadlines).catch((error: unknown) => {
  stop(`Cannot connect to the MongoDB at MONGO_URL: ${String(error)}`);
});
await sweepLogins(client);

const server = createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
  if (error) stop(`Cannot listen on port ${port}: ${error.message}`);
  console.log(`Server running on port ${port}`);
});
endGently(server, client);

function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}
