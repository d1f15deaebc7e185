import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { makeAccounts, readPasswords, type Passwords } from '../app/accounts.ts';
import { App } from '../app/app.ts';
import { freePort } from '../app/port.ts';
import { startProxy } from '../app/proxy.ts';
import { loadEnvFile } from '../app/settings.ts';
import { folderOf, type Step } from '../lesson/steps.ts';
import { openDatabase } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { Problem } from '../terminal/problem.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/** How long the solution may take to listen, in milliseconds, on a busy machine. */
const PATIENCE_MS = 20_000;

/**
 * `npm run attack:N`: Mallory attacks the app of step N that runs in the cockpit; with `--solution`
 * that of the solution, which is started for it; `--page` serves her page. The scripts are in
 * attacks/ and know only localhost. Exit code 0: Mallory stays outside; 1: she is in; 2: there was
 * nothing to attack.
 */
export default async function attack({ workshop, ...input }: Context): Promise<void> {
  const { step, flags } = readStep('attack:N', ['solution', 'page'], input);
  const script = (await readdir(path.join(workshop, 'attacks')))
    .find((name) => name.startsWith(step.folder.slice(0, 2))
      && name.endsWith('-page.ts') === flags.page);
  if (script === undefined) {
    throw new Problem(
      `Step ${step.number} has no attack${flags.page ? ' with a page' : ''}.`,
      flags.page ? 'npm run attack:6 -- --page' : 'npm run attack:5',
    );
  }
  loadEnvFile();
  const run = runIn(workshop, script);
  if (flags.solution) return onSolution(step, workshop, run);
  const port = Number(process.env.PORT || 4000);
  const passwords = await readPasswords(workshop);
  if (!passwords || !await answers(port)) {
    throw new Problem(
      `No app answers at http://localhost:${port}. It has to run in another terminal, `
      + 'and may still be starting there.',
      `npm run step:${step.number}`,
    );
  }
  await run(port, passwords);
}

type Run = (port: number, passwords: Passwords) => Promise<void>;

/** Runs an attack to its end, and takes over its exit code. */
function runIn(workshop: string, script: string): Run {
  return async (port, { ada, mallory }) => {
    const child = spawn(process.execPath, ['--import', 'tsx', path.join('attacks', script)], {
      cwd: workshop,
      env: { ...process.env, PORT: String(port), ADA_PASSWORD: ada, MALLORY_PASSWORD: mallory },
      stdio: 'inherit',
    });
    await once(child, 'close');
    process.exitCode = child.exitCode ?? 1;
  };
}

/** Starts the solution with a database and accounts of its own, and ends it afterwards. */
async function onSolution(step: Step, workshop: string, run: Run): Promise<void> {
  const say = (line: string) => {
    console.error(line);
  };
  // An attack should leave nothing behind on a server that isn't ours.
  const env = { ...process.env, WORKSHOP_MONGO: 'stand-in' };
  const database = await openDatabase({ inProcess: true, mayDownload: false, say, env });
  const mongoUrl = withDatabase(database.url, 'workshop');
  const folder = folderOf(step, 'solutions', workshop);
  const port = await freePort();
  const appPort = step.behindProxy ? await freePort() : port;
  const app = new App({
    entry: path.join(folder, 'index.ts'),
    env: { ...env, PORT: String(appPort), MONGO_URL: mongoUrl, SESSION_SECRET: 'attacked' },
  });
  app.on('output', (line, stream) => {
    if (stream === 'stderr') say(line);
  });
  const stopProxy = step.behindProxy && await startProxy(port, appPort);
  try {
    const passwords = await makeAccounts(path.join(folder, 'accounts.ts'), mongoUrl);
    await app.start();
    const deadline = Date.now() + PATIENCE_MS;
    while (!await answers(port)) {
      if (Date.now() > deadline) throw new Error(`The solution of step ${step.number} is silent.`);
    }
    await run(port, passwords);
  } finally {
    await app.stop();
    if (stopProxy) await stopProxy();
    await database.close();
  }
}

/** Whether an app answers on a port of this machine, and not only the proxy before it. */
async function answers(port: number): Promise<boolean> {
  const status = await fetch(`http://localhost:${port}/no-such-page`).then(
    (response) => response.status, () => 502,
  );
  if (status === 502) await new Promise((resolve) => setTimeout(resolve, 100));
  return status !== 502;
}
