import { once } from 'node:events';
import { createServer, Server as HttpServer, type RequestListener } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { Server, type AddressInfo } from 'node:net';
import nodeTimers from 'node:timers';
import timersPromises from 'node:timers/promises';
import { promisify } from 'node:util';
import { Browser, type Exchange } from './browser.ts';
import type { TestDatabase } from './database.ts';
import { watchForCrashes } from './crash.ts';
import { explainBuild, explainLoad } from './explain.ts';
import { findFrame } from './frame.ts';
import { holdAnswer, holdHeader, holdUp } from './held.ts';
import { expect, Lesson, testSecret } from './lesson.ts';
import { lessAtWork, patience } from './patience.ts';
import { watchAnswer } from './second-answer.ts';
import { currentSubject, subjectFile } from './subject.ts';

/** What every step's app.ts exports. */
type CreateApp = (settings?: object) => unknown;

/** An app under test, listening on a port of its own. */
export interface RunningApp {
  readonly url: string;
  /** Whether something opened a port while app.ts was read or the app was built. */
  readonly openedPort: boolean;
  /** The database that the app was given; steps 1 and 2 have none. */
  readonly database: TestDatabase | undefined;
  /** A browser that has never been here. */
  newBrowser: () => Browser;
  /**
   * Begins a GET whose handler takes its time: it has read the session that its cookie names, and
   * ends only when it's told to.
   * @returns what lets the handler come to its end, and reads the answer
   */
  startSlowGet: (path: string, cookie: string) => Promise<{ finish: () => Promise<Exchange> }>;
  /** Makes requests that reach the app at the same moment. */
  atOnce: (requests: readonly (() => Promise<Exchange>)[]) => Promise<Exchange[]>;
  /** Runs, at once, what the app has set to run at long intervals. */
  runIntervals: () => Promise<void>;
  /**
   * From now on notes the timers that the learner's own code sets.
   * @returns a function that runs them at once
   */
  catchTimers: () => () => void;
  close: () => Promise<void>;
}

/** How long createApp() may take, in milliseconds, and how long the reading of its files. */
const BUILD_PATIENCE_MS = 2000;
const LOAD_PATIENCE_MS = 3000;

/** How much a turn counts while packages are still loading, which is slow on a busy machine. */
const LOADING_TURN = 0.2;

/** Shorter intervals come round by themselves while a test runs, in milliseconds. */
const LONG_INTERVAL_MS = 1000;

/** Longer intervals come too late to count, in milliseconds. */
const ONE_DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Builds the learner's app and lets it listen on any free port of 127.0.0.1.
 * @param database what the app gets a client for
 * @throws {Lesson} when app.ts cannot be read or builds no app
 */
export async function startApp(database: TestDatabase | undefined): Promise<RunningApp> {
  // From step 2 on a secret, from step 3 on a connected client, too.
  const settings = {
    ...(database && { client: await database.connect() }),
    ...(currentSubject().step.number > 1 && { secret: testSecret }),
  };
  const firstInterval = intervals.length;
  const { result: app, openedPort } = await withoutOpeningPorts(async () => (
    build(await loadCreateApp(), settings)
  ));

  const waits = new Map<unknown, () => Promise<void>>();
  const arrived: (() => void)[] = [];
  let awaited = 1;
  const server = createServer((req, res) => {
    const wait = waits.get(req.headers[holdHeader]);
    // The proxy says that a request came over HTTPS. A test may say something else.
    if (currentSubject().step.behindProxy) req.headers['x-forwarded-proto'] ??= 'https';
    watchAnswer(req, res);
    if (wait) holdAnswer(res, wait);
    arrived.push(() => { app(req, res); });
    if (arrived.length < awaited) return;
    awaited = 1;
    for (const handle of arrived.splice(0)) handle();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    url,
    openedPort,
    database,
    newBrowser: () => new Browser(url),
    startSlowGet: async (path, cookie) => {
      const key = String(waits.size);
      const { held, wait } = holdUp();
      waits.set(key, wait);
      const exchange = new Browser(url).getWithCookie(path, cookie, { [holdHeader]: key });
      // Without an answer there is nothing to hold, and the exchange says so.
      await Promise.race([held.asked, exchange]);
      return {
        finish: () => {
          held.release();
          return exchange;
        },
      };
    },
    atOnce: async (requests) => {
      awaited = requests.length;
      return Promise.all(requests.map((request) => request()));
    },
    runIntervals: async () => {
      for (const { run, ms } of intervals.slice(firstInterval)) {
        if (ms >= LONG_INTERVAL_MS && ms <= ONE_DAY_MS) run();
      }
      // By the time another request is answered, they have asked the database.
      await new Browser(url).get('/no-such-page');
    },
    catchTimers: () => {
      const caught: (() => void)[] = timers = [];
      return () => {
        for (const run of caught.splice(0)) run();
      };
    },
    close: async () => {
      timers = undefined;
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

// In a stack, the learner's line may be below many of Express's.
Error.stackTraceLimit = 50;

/*
 * An app that tidies up by itself does so at intervals. They are noted, so that a test doesn't
 * have to wait for them.
 */
const intervals: { run: () => void; ms: number }[] = [];
const { setInterval } = globalThis;
globalThis.setInterval = Object.assign(
  (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    intervals.push({ run: () => { run(...args); }, ms: ms ?? 0 });
    return setInterval(run, ms, ...args);
  },
  setInterval,
);

/*
 * Code that waits for a fixed time instead of an event gets away with it on a quick machine. The
 * timers of the learner's own code are noted, so that a test can let them run out.
 */
let timers: (() => void)[] | undefined;
const { setTimeout } = globalThis;
const { setTimeout: wait } = timersPromises;
timersPromises.setTimeout = (ms, value, options) => (timers && !options?.signal
  ? new Promise((resolve) => { globalThis.setTimeout(resolve, ms, value); })
  : wait(ms, value, options));
globalThis.setTimeout = nodeTimers.setTimeout = Object.assign(
  (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
    const timer = setTimeout(run, ms, ...args);
    // Their stack tells them from those of Express, the driver and the tests.
    if (timers && findFrame(new Error()) !== undefined) {
      timers.push(() => {
        clearTimeout(timer);
        run(...args);
      });
    }
    return timer;
  },
  setTimeout,
  { [promisify.custom]: timersPromises.setTimeout },
);
syncBuiltinESMExports();

const loading = new Map<string, Promise<CreateApp>>();

/** Reads app.ts, once. */
function loadCreateApp(): Promise<CreateApp> {
  const { href } = subjectFile('app.ts');
  const loaded = loading.get(href) ?? readCreateApp(href);
  loading.set(href, loaded);
  return loaded;
}

async function readCreateApp(href: string): Promise<CreateApp> {
  const exported = await settle(import(href), LOAD_PATIENCE_MS, explainLoad, {
    observed: `app.ts didn't finish loading within ${LOAD_PATIENCE_MS / 1000} s.`,
    why: 'An `await` outside all functions holds up everything that imports the file.',
    lookAt: 'app.ts: what does it await before createApp() is called?',
  }, lessAtWork(LOADING_TURN));
  const names = typeof exported === 'object' && exported !== null ? Object.keys(exported) : [];
  const createApp: unknown = Reflect.get(Object(exported), 'createApp');
  expect(typeof createApp === 'function', {
    observed: createApp === undefined
      ? `app.ts exports ${names.length > 0 ? `${names.join(', ')}, but ` : ''}no createApp.`
      : `app.ts exports createApp, but it isn't a function: it's ${kindOf(createApp)}.`,
    why: 'index.ts and the tests build the app by calling createApp().',
    lookAt: 'app.ts: does it say `export function createApp()`?',
  });
  return createApp as CreateApp;
}

async function build(createApp: CreateApp, settings: object) {
  const names = Object.keys(settings);
  const call = names.length > 0 ? `createApp({ ${names.join(', ')} })` : 'createApp()';
  const building = Promise.resolve().then(() => (
    names.length > 0 ? createApp(settings) : createApp()
  ));
  const app = await settle(building, BUILD_PATIENCE_MS, (error) => explainBuild(call, error), {
    observed: `${call} returned a promise that wasn't fulfilled within `
      + `${BUILD_PATIENCE_MS / 1000} s.`,
    why: "Nobody can visit the app before it's built.",
    lookAt: 'app.ts: what does createApp() wait for?',
  });
  expect(typeof app === 'function', {
    observed: app === undefined
      ? `${call} returned nothing.`
      : `${call} returned ${kindOf(app)}, not an Express app.`,
    why: 'index.ts calls listen() on the app that createApp() returns.',
    lookAt: 'app.ts: does createApp() end with `return app`?',
  });
  return app as RequestListener;
}

/** Waits for what the learner's code does, but not forever. @throws {Lesson} */
async function settle(
  work: Promise<unknown>,
  patienceMs: number,
  explain: (error: unknown) => Lesson,
  tooLate: ConstructorParameters<typeof Lesson>[0],
  weigh?: () => number,
): Promise<unknown> {
  const crash = watchForCrashes();
  const enough = patience(patienceMs, weigh);
  try {
    return await Promise.race([
      work.catch((error: unknown) => { throw crash.lesson() ?? explain(error); }),
      enough.isOver.then(() => { throw new Lesson({ ...tooLate, hangs: true }); }),
    ]);
  } finally {
    enough.stop();
    crash.stop();
  }
}

/** What a value is, in plain words: `a server`, `null`, `a string`. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof Server) return 'a server';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** Runs `work` and notices when it opens a port; the port is not opened. */
async function withoutOpeningPorts<T>(work: () => Promise<T>) {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back unchanged below
  const { listen } = Server.prototype;
  let openedPort = false;
  Server.prototype.listen = function (this: Server) {
    openedPort ||= this instanceof HttpServer;
    return this;
  };
  try {
    return { result: await work(), openedPort };
  } finally {
    Server.prototype.listen = listen;
  }
}
