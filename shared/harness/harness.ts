/*
 * What the tests of the steps are written with. A test is a black box: it visits the app over
 * HTTP, looks into its database and starts its index.ts; it knows nothing of the learner's code.
 */
import { after, mock, test } from 'node:test';
import { startApp, type RunningApp } from './app.ts';
import type { TestDatabase } from './database.ts';
import { Entry } from './entry.ts';
import { Lesson, messageOf } from './lesson.ts';
import { plan } from './plan.ts';
import { currentSubject, setSubject } from './subject.ts';
import { findStep } from '../steps.ts';

export type { RunningApp } from './app.ts';
export { findSessionCookie, type Browser, type Exchange } from './browser.ts';
export type { StoredSession } from './database.ts';
export type { Entry } from './entry.ts';
export { expect } from './lesson.ts';
export { startSlowRequest } from './slow-request.ts';
export { countStands, expectNoServerError, expectVisit } from './visits.ts';

/** What a test is given. All that it opens is closed when it ends. */
export interface Bench {
  /** Builds the app, with a database of its own where the app uses one, and lets it listen. */
  openApp: () => Promise<RunningApp>;
  /** Builds the app anew, as a restart does: with the same database and nothing else. */
  restart: (app: RunningApp) => Promise<RunningApp>;
  /**
   * Moves the app's clock forward. The database, like any other machine, keeps the real time.
   * @param ms milliseconds
   */
  advanceClock: (ms: number) => void;
}

/** A test's place in the lesson: the numbered move of WORKSHOP.md that makes it pass. */
export interface Place {
  move: number;
}

/** What an index.ts is started with. */
export interface Start extends Place {
  /**
   * PORT and whatever else of the environment matters to the test; undefined takes a variable
   * away. The step's other variables are set to something that works.
   */
  env: () => NodeJS.Dict<string>;
}

/** What the tests of a step are defined with. */
export interface StepTests {
  /** A test of the app that createApp() builds. */
  test: (name: string, place: Place, run: (bench: Bench) => Promise<void>) => void;
  /**
   * A test of index.ts, as a process of its own. It is started at once, while the tests before it
   * run, because starting takes longest.
   */
  testEntry: (
    name: string,
    start: Start,
    run: (entry: Entry, database: TestDatabase | undefined) => Promise<void>,
  ) => void;
}

/**
 * Defines the tests of one step.
 * @param number the step's number
 */
export function testsOfStep(number: number): StepTests {
  const step = findStep(String(number), 'test:N');
  setSubject(step);

  return {
    test: (name, { move }, run) => {
      plan.push({ name, step: number, move });
      void test(name, async () => {
        const open: { close(): Promise<void> }[] = [];
        try {
          await run(bench(open));
        } catch (error) {
          throw asLesson(error);
        } finally {
          mock.timers.reset();
          for (const each of open.reverse()) await each.close();
        }
      });
    },

    testEntry: (name, { move, env }, run) => {
      plan.push({ name, step: number, move });
      const open: { close(): Promise<void> }[] = [];
      const starting = Promise.resolve().then(async () => {
        const database = await openTestDatabase(open);
        const entry = await Entry.start({ ...workingEnv(database), ...env() });
        open.push(entry);
        return { entry, database };
      });
      // The test itself will tell; until it runs, nobody else shall.
      starting.catch(() => undefined);
      void test(name, async () => {
        try {
          const { entry, database } = await starting;
          await run(entry, database);
        } catch (error) {
          throw asLesson(error);
        } finally {
          for (const each of open.reverse()) await each.close();
        }
      });
    },
  };
}

function bench(open: { close(): Promise<void> }[]): Bench {
  const start = async (database: TestDatabase | undefined) => {
    const app = await startApp(database);
    open.push(app);
    return app;
  };
  return {
    openApp: async () => start(await openTestDatabase(open)),
    restart: (app) => start(app.database),
    advanceClock: (ms) => {
      const now = Date.now();
      mock.timers.reset();
      mock.timers.enable({ apis: ['Date'], now: now + ms });
    },
  };
}

async function openTestDatabase(open: { close(): Promise<void> }[]) {
  if (!currentSubject().needsDatabase) return undefined;
  // The driver is imported only where a step needs it: it takes longer than all else together.
  const { TestDatabase } = await import('./database.ts');
  const database = await TestDatabase.create();
  open.push(database);
  return database;
}

function workingEnv(database: TestDatabase | undefined): NodeJS.Dict<string> {
  return {
    SESSION_SECRET: 'a secret that only the tests use',
    ...(database && { MONGO_URL: database.url }),
  };
}

function asLesson(error: unknown): Lesson {
  if (error instanceof Lesson) return error;
  return new Lesson({
    observed: messageOf(error),
    why: 'This was not expected, so the test cannot say more about it.',
    lookAt: 'app.ts: what is different here?',
  }, error);
}

after(async () => {
  if (!currentSubject().needsDatabase) return;
  const { closeTestServer } = await import('./database.ts');
  await closeTestServer();
});
