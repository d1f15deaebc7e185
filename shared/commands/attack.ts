import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readPasswords, type Passwords } from '../app/accounts.ts';
import { outages } from '../app/outages.ts';
import { tryPort } from '../app/port.ts';
import { loadEnvFile } from '../app/settings.ts';
import { withSolution } from '../app/solution.ts';
import { Problem } from '../terminal/problem.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run attack:N`: Mallory attacks step N's app, running in the cockpit; with `--solution` the
 * solution's app, which this starts; `--page` serves her page. In step 10 the attack is an outage,
 * named by a word. The scripts are in attacks/ and only know localhost. Exit code 0: Mallory stays
 * out; 1: she gets in; 2: there was nothing to attack.
 */
export default async function attack({ workshop, args, env }: Context): Promise<void> {
  const outage = outages.find((name) => args.includes(name));
  const words = args.filter((word) => word !== outage);
  const { step, flags } = readStep('attack:N', ['solution', 'page'], { args: words, env });
  if (step.processes && !outage) {
    throw new Problem(
      `Choose an outage: ${or.format(outages)}.`,
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
  const pagePort = Number(process.env['PAGE_PORT'] || 4666);
  if (flags.page && await tryPort(pagePort) !== undefined) {
    throw new Problem(
      `Mallory's page needs port ${pagePort}, and it's taken.`,
      `write another one into .env, as in PAGE_PORT=${pagePort + 1}`,
    );
  }
  const run = runIn(workshop, script, outage);
  if (flags.solution) {
    return withSolution(step, workshop, console.error, run);
  }
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

/** Runs an attack to its end and adopts its exit code. */
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

/** `silence, deploy or kill` */
const or = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** Whether an app responds on a local port, not just the proxy in front of it. */
async function answers(port: number): Promise<boolean> {
  return fetch(`http://localhost:${port}/no-such-page`).then(
    ({ status }) => status !== 502, () => false,
  );
}
