import path from 'node:path';
import { folderOf, type Step } from '../lesson/steps.ts';
import { openDatabase } from '../mongo/database.ts';
import { openRelay, type Relay } from '../mongo/relay.ts';
import { withDatabase } from '../mongo/url.ts';
import { makeAccounts, type Passwords } from './accounts.ts';
import { App } from './app.ts';
import { cause, untilListening, type Process } from './outages.ts';
import { findAppPorts, freePort } from './port.ts';
import { startProxy } from './proxy.ts';

/** A running solution, and handles to control it. */
export interface Running {
  /** The port that people open. */
  port: number;
  passwords: Passwords;
  processes: readonly Process[];
  /** The relay to the database. */
  relay: Relay;
}

/**
 * Starts a step's solution with its own stand-in and accounts, and stops it after use.
 * @param say receives what the app prints to stderr, except in step 10, where outages fill the log
 */
export async function withSolution(
  step: Step,
  workshop: string,
  say: (line: string) => void,
  use: (running: Running) => Promise<void>,
): Promise<void> {
  // Leave nothing behind on a server that isn't ours.
  const env = { ...process.env, WORKSHOP_MONGO: 'stand-in' };
  const database = await openDatabase({ inProcess: true, mayDownload: false, say, env });
  const relay = await openRelay(database.url);
  const mongoUrl = withDatabase(relay.url, 'workshop');
  const folder = folderOf(step, 'solutions', workshop);
  const port = await freePort();
  const ports = step.behindProxy ? await findAppPorts(port, step.processes) : [port];
  const processes = ports.map((port) => ({ port, app: new App({
    entry: path.join(folder, 'index.ts'),
    env: { ...env, PORT: String(port), MONGO_URL: mongoUrl, SESSION_SECRET: 'attacked' },
  }) }));
  for (const { app } of processes) {
    app.on('output', (line, stream) => {
      if (stream === 'stderr' && !step.processes) say(line);
    });
  }
  const served = new Set(ports);
  const stopProxy = step.behindProxy && await startProxy(port, served, 'https', (outage) => (
    cause(outage, processes, served, relay)
  ));
  try {
    const passwords = await makeAccounts(path.join(folder, 'accounts.ts'), mongoUrl);
    for (const { app, port } of processes) {
      await app.start();
      await untilListening(port);
    }
    await use({ port, passwords, processes, relay });
  } finally {
    await Promise.all(processes.map(({ app }) => app.stop()));
    if (stopProxy) await stopProxy();
    await relay.close();
    await database.close();
  }
}
