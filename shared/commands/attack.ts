import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { makeAccounts, readPasswords, type Passwords } from '../app/accounts.ts';
import { App } from '../app/app.ts';
import { cause, outages, untilListening } from '../app/outages.ts';
import { freePort } from '../app/port.ts';
import { startProxy } from '../app/proxy.ts';
import { loadEnvFile } from '../app/settings.ts';
import { folderOf, type Step } from '../lesson/steps.ts';
import { openDatabase } from '../mongo/database.ts';
import { openRelay } from '../mongo/relay.ts';
import { withDatabase } from '../mongo/url.ts';
import { Problem } from '../terminal/problem.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run attack:N`: mallory attacks the app of step N that runs in the cockpit; with `--solution`
 * that of the solution, which is started for it; `--page` serves her page. In step 10 it's an
 * outage that a word names. The scripts are in attacks/ and know only localhost. Exit code 0:
 * mallory stays outside; 1: she is in; 2: there was nothing to attack.
 */
export default async function attack({ workshop, args, env }: Context): Promise<void> {
  const outage = outages.find((name) => args.includes(name));
  const words = args.filter((word) => word !== outage);
  const { step, flags } = readStep('attack:N', ['solution', 'page'], { args: words, env });
  if (step.processes && !outage) {
    throw new Problem(
      `Which outage is to happen? There are ${outages.join(', ')}.`,
      `npm run attack:${step.number} -- ${outages[0]}`,
    );
  }
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
  const run = runIn(workshop, script, outage);
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
function runIn(workshop: string, script: string, outage = ''): Run {
  return async (port, { ada, mallory }) => {
    const child = spawn(process.execPath, ['--import', 'tsx', path.join('attacks', script)], {
      cwd: workshop,
      env: {
        ...process.env,
        PORT: String(port), ADA_PASSWORD: ada, MALLORY_PASSWORD: mallory, OUTAGE: outage,
      },
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
  // Nothing of an attack should be left behind, on anybody's server.
  const env = { ...process.env, WORKSHOP_MONGO: 'stand-in' };
  const database = await openDatabase({ inProcess: true, mayDownload: false, say, env });
  const relay = await openRelay(database.url);
  const mongoUrl = withDatabase(relay.url, 'workshop');
  const folder = folderOf(step, 'solutions', workshop);
  const port = await freePort();
  const ports = [step.behindProxy ? await freePort() : port];
  if (step.processes) ports.push(await freePort());
  const processes = ports.map((port) => ({ port, app: new App({
    entry: path.join(folder, 'index.ts'),
    env: { ...env, PORT: String(port), MONGO_URL: mongoUrl, SESSION_SECRET: 'attacked' },
  }) }));
  for (const { app } of processes) {
    app.on('output', (line, stream) => {
      // What an outage leaves in the log isn't what it's about.
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
    await run(port, passwords);
  } finally {
    await Promise.all(processes.map(({ app }) => app.stop()));
    if (stopProxy) await stopProxy();
    await relay.close();
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
