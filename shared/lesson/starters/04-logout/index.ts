import type { Express } from 'express';
import { MongoClient } from 'mongodb';
import { createApp } from './app.ts';

const { PORT = '4000', MONGO_URL = '' } = process.env;
const port = Number(PORT);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  stop(`PORT must be a number from 1 to 65535, not "${PORT}".`);
}

const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
  stop(`Cannot connect to the MongoDB that MONGO_URL names: ${String(error)}`);
});

let app: Express;
try {
  app = createApp(client);
} catch (error) {
  stop(String(error));
}

const server = app.listen(port, (error) => {
  if (error) stop(`Cannot listen on port ${port}: ${error.message}`);
  console.log(`Server running on port ${port}`);
});

process.once('SIGINT', shutDown);
process.once('SIGTERM', shutDown);

function shutDown() {
  server.close(() => {
    void client.close();
  });
}

function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}
