import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import autocannon from 'autocannon';
import { makeAccounts } from '../app/accounts.ts';
import { freePort } from '../app/port.ts';
import { withSolution } from '../app/solution.ts';
import { findStep, folderOf, packagesOf, steps, type Step } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';
import { openStageDatabase, startStage } from '../testing/stage.ts';
import { Workshop } from '../testing/workshop.ts';
import type { Context } from './command.ts';

/** How often to time a command, or save a file; the first of each doesn't count. */
const RUNS = 8;
/** How long to load an app, in seconds, and over how many connections. */
const SECONDS = 4;
const CONNECTIONS = 20;
/** How many browsers visit during outages. */
const VISITORS = 200;

const parts = { commands, saves, load, outages };

/**
 * `npm run bench`: how long a learner waits for a verdict, in a terminal and in the cockpit, and
 * what a session costs. `npm run bench -- load outages` measures only these parts.
 */
export default async function bench(context: Context): Promise<void> {
  const { args, print } = context;
  const names = Object.keys(parts);
  const unknown = args.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw new Problem(`There is no "${unknown}" to measure, only ${names.join(', ')}.`,
      'npm run bench');
  }
  print(`Node ${process.version}, ${process.platform}, ${availableParallelism()} cores`);
  print('Times in ms: median (least to most)');
  for (const [name, measure] of Object.entries(parts)) {
    if (args.length === 0 || args.includes(name)) await measure(context);
  }
}

/**
 * From a command to its verdict, on the solutions. The floor is a Node process that imports the
 * same packages and exits. npm's own start isn't counted.
 */
function commands({ workshop, print }: Context): void {
  print(`\n${'Command to verdict'.padEnd(34)}${'verdict'.padEnd(24)}${'floor'.padEnd(24)}ratio`);
  for (const step of steps) {
    const packages = ['node:test', 'supertest', ...packagesOf(step)];
    const imports = packages.map((name) => `import '${name}';`).join('');
    const script = `test:${step.number}`;
    const verdict = ['shared/commands/run.js', 'test', String(step.number), '--solution'];
    const verdicts: number[] = [];
    const floors: number[] = [];
    // Alternating, so that a machine that slows down affects both.
    for (let run = 0; run < RUNS; run++) {
      verdicts.push(time(workshop, verdict));
      floors.push(time(workshop, ['--import', 'tsx', '--input-type=module', '--eval', imports]));
    }
    const ratio = (median(verdicts) / median(floors)).toFixed(2);
    print(`${script.padEnd(34)}${formatTimes(verdicts)}${formatTimes(floors)}${ratio}`);
  }
}

/** From a save in the cockpit to its verdict. */
async function saves({ print }: Context): Promise<void> {
  print('\nCockpit, from a save to its verdict');
  for (const step of steps) {
    const times = await timeSaves(step);
    print(`${`step:${step.number}`.padEnd(34)}${formatTimes(times)}`);
  }
}

/** What sessions, accounts and logins cost a request. */
async function load({ print }: Context): Promise<void> {
  print(`\n${'Solutions under load'.padEnd(34)}${'requests/s'.padEnd(22)}p99 in ms`);
  const loads: [name: string, number: number, options?: LoadOptions][] = [
    ['1: no session', 1],
    ['2: MemoryStore', 2],
    ['3: connect-mongo', 3],
    ['3: with the live picture', 3, { observed: true }],
    ['6: an account', 6, { path: '/account' }],
    ['7: an account, its login looked up', 7, { path: '/account' }],
    ['7: logging in', 7, { path: '/login' }],
  ];
  for (const [name, number, options] of loads) {
    const { requests, latency } = await loadSolution(number, options);
    const perSecond = Math.round(requests.average).toLocaleString('en');
    print(`${name.padEnd(34)}${perSecond.padEnd(22)}${latency.p99}`);
  }
}

/** What visitors of step 10 notice of outages. */
async function outages({ workshop, print }: Context): Promise<void> {
  print(`\nStep 10: ${VISITORS} browsers, two processes, two outages`);
  await withSolution(findStep(10), workshop, print, async (port) => {
    const counts = await measureUnderOutages(`http://localhost:${port}/`);
    print(`${counts.answered} answers, ${counts.failed} failures, ${counts.unsaved} visits shown `
      + `but not stored, ${counts.lost} sessions lost, ${counts.mixedUp} visitors taken for `
      + `another, longest wait ${Math.round(counts.longest)} ms`);
  });
}

/** @returns how long a Node command took, in ms */
function time(cwd: string, args: string[]): number {
  const start = performance.now();
  const { status } = spawnSync(process.execPath, args, { cwd, stdio: 'ignore' });
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
  return performance.now() - start;
}

/** Saves a step's solution in a copy of the workshop, breaks it again, and so on. */
async function timeSaves(step: Step): Promise<number[]> {
  const workshop = await Workshop.copy();
  workshop.solve(step);
  const file = `steps/${step.folder}/app.ts`;
  const solved = await workshop.read(file);
  const verdict = /^Step \d+ {2}[●○]+ /m;
  const times: number[] = [];
  try {
    const cockpit = workshop.run(
      ['step', String(step.number), '--plain'], { PORT: String(await freePort()) },
    );
    await cockpit.printed(verdict);
    for (let save = 0; save < RUNS; save++) {
      // A person takes longer; by then the app is running and the next tests are ready.
      await setTimeout(2000);
      const from = cockpit.output.length;
      const start = performance.now();
      workshop.write(file, save % 2 ? solved : solved.replace('Hello World', 'Hello, World'));
      await cockpit.printed(verdict, from);
      times.push(performance.now() - start);
    }
  } finally {
    await workshop.remove();
  }
  return times;
}

interface LoadOptions {
  /** The path to request: `/` counts visits, `/account` needs a login, `/login` is one. */
  path?: '/' | '/account' | '/login';
  /** Whether the live picture is watching. */
  observed?: boolean;
}

/** Puts load on a step's solution; every connection is a visitor with a session. */
async function loadSolution(
  number: number,
  { path = '/', observed = false }: LoadOptions = {},
): Promise<autocannon.Result> {
  const { database, of } = await openStageDatabase();
  const mongo = of(`workshop-bench-${process.pid}`);
  const stage = await startStage({ number, secret: 'of the bench', mongo, observed });
  try {
    const form = path === '/' ? undefined : await loginForm(findStep(number), mongo);
    const first = { '/': '/', '/account': '/login', '/login': '/' }[path];
    const cookies: string[] = [];
    for (let visitor = 0; visitor < CONNECTIONS; visitor++) {
      const visit = first === '/login' && form ? { ...form, redirect: 'manual' as const } : {};
      const answer = await fetch(new URL(first, stage.appUrl), visit);
      cookies.push(answer.headers.getSetCookie()[0]?.split(';')[0] ?? '');
    }
    return await autocannon({
      url: new URL(path, stage.appUrl).href,
      connections: CONNECTIONS,
      duration: SECONDS,
      ...path === '/login' && form,
      setupClient: (client) => client.setHeaders({
        ...path === '/login' && form?.headers, cookie: cookies.pop() ?? '',
      }),
    });
  } finally {
    await stage.close();
    await database.close();
  }
}

/**
 * Half a minute under load, in which a process is killed and the database goes silent.
 * @param app where visitors find it
 * @returns counts, and the longest response time, in milliseconds
 */
async function measureUnderOutages(app: string) {
  const counts = { answered: 0, failed: 0, unsaved: 0, lost: 0, mixedUp: 0, longest: 0 };
  let isOver = false;
  const visit = async (visitor: number) => {
    const headers = new Headers();
    // Each visitor has a different pace, so a count identifies the visitor.
    let [count, mayHaveCounted] = [0, 0];
    const send = async () => {
      const start = performance.now();
      const answer = await fetch(app, { headers }).catch(() => undefined);
      const text = await answer?.text().catch(() => undefined) ?? '';
      counts.longest = Math.max(counts.longest, performance.now() - start);
      const shown = Number(/visit (\d+)/.exec(text)?.[1]);
      mayHaveCounted++;
      if (Number.isNaN(shown)) return counts.failed++;
      counts.answered++;
      const [cookie] = answer?.headers.getSetCookie() ?? [];
      if (count > 0 && cookie) counts.lost++;
      // express-session sends the page even if it couldn't store the session.
      else if (count > 0 && shown === count) counts.unsaved++;
      else if (shown <= count || shown > count + mayHaveCounted) counts.mixedUp++;
      if (cookie) headers.set('Cookie', cookie.split(';')[0] ?? '');
      [count, mayHaveCounted] = [shown, 0];
    };
    while (!isOver) {
      await send();
      await setTimeout(100 + visitor);
    }
  };
  const visitors = Array.from({ length: VISITORS }, (_, visitor) => visit(visitor));
  for (const outage of ['kill', 'silence']) {
    await setTimeout(7000);
    await fetch(app, { headers: { 'X-Outage': outage } });
  }
  await setTimeout(7000);
  isOver = true;
  await Promise.all(visitors);
  return counts;
}

/** Creates Ada's account. @returns the request that logs her in */
async function loginForm(step: Step, mongo: { url: string }) {
  const { ada } = await makeAccounts(join(folderOf(step, 'solutions'), 'accounts.ts'), mongo.url);
  return {
    method: 'POST' as const,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ name: 'ada', password: ada }).toString(),
  };
}

function median(times: number[]): number {
  return times.slice(1).toSorted((a, b) => a - b)[Math.floor((times.length - 1) / 2)] ?? NaN;
}

function formatTimes(times: number[]): string {
  const [least, most] = [Math.min(...times.slice(1)), Math.max(...times.slice(1))].map(Math.round);
  return `${Math.round(median(times))} (${least} to ${most})`.padEnd(24);
}
