import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { App } from '../app/app.ts';
import { freePort } from '../testing/workshop.ts';
import { root, steps, type Step } from '../lesson/steps.ts';
import { observer, startLive, type Live } from './live.ts';
import type { Load } from './load.ts';

const connections = 20;
const secret = randomBytes(32).toString('hex');
const here = (file: string) => fileURLToPath(new URL(file, import.meta.url));

interface Subject {
  readonly name: string;
  readonly entry: string;
  /** Which of the bench's apps. */
  readonly kind?: string;
  readonly path: string;
  readonly observed?: boolean;
}

/**
 * What the live picture costs the app, and what a session costs: requests per second and p99,
 * medians of rounds in which everything is measured in turns. Needs about
 * `rounds × (2 + 6) × seconds`.
 *
 * @param say is called with each line for people
 * @returns the requests per second with the observer, divided by those without
 */
export async function benchSessions(
  say: (line: string) => void,
  { rounds = 7, seconds = 1 } = {},
): Promise<number> {
  const database = await openDatabase({ inProcess: false, mayDownload: false, say });
  const url = withDatabase(database.url, `workshop-bench-${process.pid}`);
  try {
    say(`${connections} connections, ${rounds} rounds of ${seconds} s. ${database.line}\n`);
    const step = steps.find(({ number }) => number === 3);
    if (!step) throw new Error('no step 3');
    const entry = join(root, 'solutions', step.folder, 'index.ts');
    const pair = await measure([
      { name: 'solution 3', entry, path: '/' },
      { name: 'solution 3 with the live picture', entry, path: '/', observed: true },
    ], { step, url, rounds, seconds });
    print(pair, say);
    const [without, observed] = pair;
    // Round by round: what slows down the machine slows down both.
    const ratio = median((observed?.loads ?? []).map(({ requestsPerSecond }, round) =>
      requestsPerSecond / (without?.loads[round]?.requestsPerSecond ?? NaN)));
    say(`with / without, median of ${rounds} rounds: ${ratio.toFixed(2)} (aim: 0.90 or more)\n`);

    say('What does a session cost?');
    const app = here('bench-app.ts');
    print(await measure([
      { name: 'hello world, no session', entry: app, kind: 'none', path: '/' },
      { name: 'MemoryStore, counts visits', entry: app, kind: 'memory', path: '/' },
      { name: 'connect-mongo, counts visits', entry: app, kind: 'mongo', path: '/' },
      { name: 'MemoryStore, only reads', entry: app, kind: 'memory', path: '/read' },
      { name: 'connect-mongo, only reads', entry: app, kind: 'mongo', path: '/read' },
      {
        name: 'connect-mongo with touchAfter, only reads', entry: app, kind: 'touchAfter',
        path: '/read',
      },
    ], { step, url, rounds, seconds }), say);
    return ratio;
  } finally {
    await drop(url);
    await database.close();
  }
}

/** An app, and what each round has measured. */
interface Measured {
  name: string;
  loads: Load[];
}

interface Setting {
  step: Step;
  url: string;
  rounds: number;
  seconds: number;
}

/** Starts all apps, and loads one after the other, round after round. */
async function measure(
  subjects: Subject[],
  { step, url, rounds, seconds }: Setting,
): Promise<Measured[]> {
  const running = await Promise.all(subjects.map((subject) => start(subject, step, url)));
  try {
    const loads: Load[][] = subjects.map(() => []);
    // The round that warms everything up does not count.
    for (let round = 0; round <= rounds; round++) {
      // Forth and back, so that none always comes after the same other.
      const order = [...running.entries()];
      for (const [index, { address }] of round % 2 === 0 ? order : order.reverse()) {
        const measured = await load(address, round === 0 ? 1 : seconds);
        if (round > 0) loads[index]?.push(measured);
      }
    }
    return subjects.map(({ name }, index) => ({ name, loads: loads[index] ?? [] }));
  } finally {
    for (const { app, live } of running) {
      await live?.close();
      await app.stop();
    }
  }
}

async function start({ entry, kind, path, observed }: Subject, step: Step, url: string) {
  const port = await freePort();
  const app = new App({
    entry,
    env: {
      ...process.env,
      PORT: String(port),
      SESSION_SECRET: secret,
      MONGO_URL: url,
      BENCH_STORE: kind,
    },
    ...observed === true && { imports: [observer] },
  });
  let live: Live | undefined;
  if (observed === true) {
    const database = { url, line: '' };
    live = await startLive({ step, app, appPort: port, secret, database, port: await freePort() });
  }
  const speaks = once(app, 'output');
  await app.start();
  await speaks;
  return { app, live, address: `http://127.0.0.1:${port}${path}` };
}

async function load(address: string, seconds: number): Promise<Load> {
  const args = [address, String(connections), String(seconds)];
  const child = fork(here('load.ts'), args, { execArgv: ['--import', 'tsx'] });
  const result = await new Promise<unknown>((resolve, reject) => {
    child.once('message', resolve).once('exit', () => {
      reject(new Error('the load test has measured nothing'));
    });
  });
  if (!isLoad(result)) throw new Error('the load test has measured nothing');
  if (result.errors > 0) throw new Error(`${address}: ${result.errors} errors`);
  return result;
}

function isLoad(value: unknown): value is Load {
  return value instanceof Object && 'requestsPerSecond' in value && 'p99' in value
    && 'errors' in value;
}

function print(measured: Measured[], say: (line: string) => void): void {
  say(`${''.padEnd(44)}${'requests/s'.padStart(10)}${'p99 in ms'.padStart(12)}`);
  for (const { name, loads } of measured) {
    const perSecond = median(loads.map(({ requestsPerSecond }) => requestsPerSecond));
    const p99 = median(loads.map(({ p99 }) => p99));
    const shown = Math.round(perSecond).toLocaleString('en');
    say(`${name.padEnd(44)}${shown.padStart(10)}${p99.toFixed(1).padStart(12)}`);
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

async function drop(url: string): Promise<void> {
  const { MongoClient } = await import('mongodb');
  const client = await MongoClient.connect(url);
  await client.db().dropDatabase();
  await client.close();
}
