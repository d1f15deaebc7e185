import { createApp } from './app.ts';

const { PORT } = process.env;
const port = Number(PORT || 4000);
if (!Number.isInteger(port) || port < 1 || port > 65535) {
  stop(`PORT must be a number from 1 to 65535, not "${PORT}".`);
}

// TODO Move 1: read SESSION_SECRET too, stop() with one sentence if it's missing, and hand it
// to createApp().
createApp().listen(port, (error) => {
  if (error) stop(`Cannot listen on port ${port}: ${error.message}`);
  console.log(`Server running on port ${port}`);
});

function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}
