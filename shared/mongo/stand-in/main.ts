/**
 * The stand-in for MongoDB as a process of its own:
 * `node --import tsx shared/mongo/stand-in/main.ts [--port N]`
 *
 * If started with an IPC channel, it tells its parent where it listens and lives until the channel
 * closes. It then ignores Ctrl-C, which reaches all processes in a terminal at once: the app still
 * needs to close its connections.
 */
import { parseArgs } from 'node:util';

import { startStandIn } from './server.ts';

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(1);
}

function readPort(): number {
  try {
    const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
    const port = /^\d+$/.test(values.port) ? Number(values.port) : NaN;
    if (port <= 65_535) return port;
  } catch {
    // an unknown option: reported below
  }
  return fail('The stand-in for MongoDB takes one option, --port N, with N from 0 to 65535.');
}

const isChild = process.send !== undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => { if (!isChild) process.exit(0); });
}
// The parent is gone or no longer wants the stand-in. There's nothing to save.
process.once('disconnect', () => process.exit(0));

const port = readPort();

try {
  const { url, version } = await startStandIn({ port });
  if (isChild) process.send?.({ type: 'listening', url, version });
  else console.log(`stand-in listening on ${url}`);
} catch (error) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    fail(`Port ${port} is taken by another program: stop it, or start the stand-in for MongoDB `
      + 'with another --port.');
  }
  const reason = error instanceof Error ? error.message : String(error);
  fail(`The stand-in for MongoDB could not listen on port ${port}: ${reason}`);
}
