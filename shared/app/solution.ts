import path from 'node:path';
import { folderOf, type Step } from '../lesson/steps.ts';
import { openDatabase } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { makeAccounts, type Passwords } from './accounts.ts';
import { App } from './app.ts';
import { untilListening } from './outages.ts';
import { freePort } from './port.ts';
import { createProcesses } from './processes.ts';

/**
 * Starts a step's solution with its own stand-in and accounts, and stops it after use.
 * @param say receives what the app prints to stderr, except in step 10, where outages fill the log
 * @param use uses it, at the port that people open
 */
export async function withSolution(
  step: Step,
  workshop: string,
  say: (line: string) => void,
  use: (port: number, passwords: Passwords) => Promise<void>,
): Promise<void> {
  // Leave nothing behind on a server that isn't ours.
  const env = { ...process.env, WORKSHOP_MONGO: 'stand-in' };
  const database = await openDatabase({ say, env });
  const mongoUrl = withDatabase(database.url, 'workshop');
  const folder = folderOf(step, 'solutions', workshop);
  const port = await freePort();
  try {
    const { processes, close } = await createProcesses(step, {
      port,
      protocol: 'https',
      mongoUrl,
      createApp: (port, mongoUrl) => new App({
        entry: path.join(folder, 'index.ts'),
        env: { ...env, PORT: String(port), MONGO_URL: mongoUrl, SESSION_SECRET: 'attacked' },
      }).on('output', (line, stream) => { if (stream === 'stderr' && !step.processes) say(line); }),
    });
    try {
      const passwords = await makeAccounts(path.join(folder, 'accounts.ts'), mongoUrl);
      for (const { app, port } of processes) {
        await app.start();
        await untilListening(port);
      }
      await use(port, passwords);
    } finally {
      await Promise.all(processes.map(({ app }) => app.stop()));
      await close();
    }
  } finally {
    await database.close();
  }
}
