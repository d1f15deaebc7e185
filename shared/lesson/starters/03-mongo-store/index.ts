import { createApp } from './app.ts';

const { PORT, SESSION_SECRET } = process.env;
const port = Number(PORT || 4000);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  stop(`PORT must be a number from 1 to 65535, not "${PORT}".`);
}
if (!SESSION_SECRET) stop('SESSION_SECRET is not set. Set it to a long random value.');

// TODO Move 1: connect a MongoClient to MONGO_URL before the app is built, and hand it to
// createApp() too. If there's no MongoDB, stop() with one sentence.
createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
  if (error) stop(`Cannot listen on port ${port}: ${error.message}`);
  console.log(`Server running on port ${port}`);
});

function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}
