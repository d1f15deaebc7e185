import type { Express } from 'express';
import { createApp } from './app.ts';

const { PORT = '4000' } = process.env;
const port = Number(PORT);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  stop(`PORT must be a number from 1 to 65535, not "${PORT}".`);
}

// TODO Move 1: connect a MongoClient to MONGO_URL before the app is built, and hand it to
// createApp(). When there is no MongoDB, stop() with one sentence.

let app: Express;
try {
  app = createApp();
} catch (error) {
  stop(String(error));
}

app.listen(port, (error) => {
  if (error) stop(`Cannot listen on port ${port}: ${error.message}`);
  console.log(`Server running on port ${port}`);
});

// TODO Move 4: on SIGINT and SIGTERM, close the server, then the client.

function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}
