import { createApp } from './app.ts';

// TODO Move 2: read PORT from the environment (4000 if it isn't set, or is empty), let the app
// listen on it, and print `Server running on port 4000` once it really listens.

// TODO Move 3: if PORT isn't a port number, or the port is taken, stop() with one sentence.

function stop(reason: string): never {
  console.error(reason);
  process.exit(1);
}
