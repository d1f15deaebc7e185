/*
 * npm run attack:N: mallory attacks the app of step N that runs in the cockpit; with --solution,
 * that of the solution, which is started for it. The attacks are in attacks/, and know only
 * localhost. Exit code 0: mallory stays outside; 1: she is in; 2: there was nothing to attack.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { readArguments } from './arguments.ts';
import { makeAccounts, readPasswords, type Passwords } from '../app/accounts.ts';
import { App } from '../app/app.ts';
import { loadEnvFile } from '../app/settings.ts';
import { findStep, root, type Step } from '../lesson/steps.ts';
import { openDatabase } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { Problem, runCommand } from '../terminal/problem.ts';

/** How long the solution may take to listen, in milliseconds, on a busy machine. */
const PATIENCE_MS = 20_000;

await runCommand(async () => {
  const { positionals: [text], flags } = readArguments('attack:N', ['solution', 'page']);
  const step = findStep(text, 'attack:N');
  const prefix = step.folder.slice(0, 2);
  const ending = flags.page ? '-page.ts' : '.ts';
  const name = (await readdir(path.join(root, 'attacks')))
    .filter((file) => file.startsWith(prefix) && file.endsWith('-page.ts') === flags.page)
    .find((file) => file.endsWith(ending));
  if (name === undefined) {
    throw new Problem(
      `There is no attack${flags.page ? ' page' : ''} for step ${step.number}.`,
      flags.page ? 'npm run attack:6 -- --page' : 'npm run attack:5',
    );
  }
  loadEnvFile();
  if (flags.solution) {
    await onSolution(step, (port, passwords) => run(name, port, passwords));
  } else {
    const port = Number(process.env.PORT || 4000);
    const passwords = await readPasswords();
    if (!passwords || !await answers(port)) {
      throw new Problem(
        `No app answers at http://localhost:${port}. It has to run in another terminal.`,
        `npm run step:${step.number}`,
      );
    }
    await run(name, port, passwords);
  }
});

/** Runs an attack to its end, and takes over its exit code. */
async function run(name: string, port: number, { ada, mallory }: Passwords): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', path.join('attacks', name)], {
    cwd: root,
    env: { ...process.env, PORT: String(port), ADA_PASSWORD: ada, MALLORY_PASSWORD: mallory },
    stdio: 'inherit',
  });
  await once(child, 'close');
  process.exitCode = child.exitCode ?? 1;
}

/** Starts the solution with a database and accounts of its own, and ends it afterwards. */
async function onSolution(
  step: Step,
  attack: (port: number, passwords: Passwords) => Promise<void>,
): Promise<void> {
  const say = (line: string) => {
    console.error(line);
  };
  const database = await openDatabase({ inProcess: true, mayDownload: false, say });
  const mongoUrl = withDatabase(database.url, `workshop-attack-${process.pid}`);
  const folder = path.join(root, 'solutions', step.folder);
  const port = await freePort();
  const app = new App({
    entry: path.join(folder, 'index.ts'),
    env: { ...process.env, PORT: String(port), MONGO_URL: mongoUrl, SESSION_SECRET: 'attacked' },
  });
  app.on('output', (line, stream) => {
    if (stream === 'stderr') say(line);
  });
  try {
    const passwords = await makeAccounts(path.join(folder, 'accounts.ts'), mongoUrl);
    await app.start();
    const deadline = Date.now() + PATIENCE_MS;
    while (!await answers(port)) {
      if (Date.now() > deadline) throw new Error(`The solution of step ${step.number} is silent.`);
    }
    await attack(port, passwords);
  } finally {
    await app.stop();
    await database.close();
  }
}

/** Whether something answers HTTP on a port of this machine. */
async function answers(port: number): Promise<boolean> {
  return fetch(`http://localhost:${port}/no-such-page`).then(
    () => true,
    () => new Promise((resolve) => setTimeout(() => { resolve(false); }, 100)),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
