/*
 * What the tests of the steps are written with. A test is a black box: it visits the app over
 * HTTP, looks into its database and starts its index.ts; it knows nothing of the learner's code.
 */
import { mock, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { startApp, type RunningApp } from './app.ts';
import { watchForCrashes } from './crash.ts';
import type { TestDatabase } from './database.ts';
import { Entry } from './entry.ts';
import type { ProbeEnv } from './entry-probe.ts';
import { Lesson, testSecret } from './lesson.ts';
import { expectNothingSecret, forgetPrinted, keepSecret } from './printed.ts';
import { closeAll, currentRun, type Closable, type PlannedTest, type StartedEntry } from './run.ts';
import { awaitSecondAnswer, forgetSecondAnswers } from './second-answer.ts';
import { currentSubject, hasSubject, setSubject, subjectOf } from './subject.ts';
import { findStep, isPartOne, writesIndex } from '../lesson/steps.ts';
import { messageOf } from '../terminal/problem.ts';

export {
  createAccount, fullPrice, logIn, noLogin, tryLogin, userOf, type Account,
} from './accounts.ts';
export type { RunningApp } from './app.ts';
export { findSessionCookie, type Browser, type Exchange } from './browser.ts';
export type { StoredSession, TestDatabase } from './database.ts';
export type { Entry } from './entry.ts';
export { ownPage, readForms, submit } from './forms.ts';
export { expect, Lesson, testSecret } from './lesson.ts';
export { within } from './patience.ts';
export { expectServing, expectStopped, said } from './starts.ts';
export { earlyAnswer, expectNoId, expectNoServerError, expectVisit, quote } from './visits.ts';
export { beginRequest, KeptAlive } from './watched-request.ts';

/** What a test is given. All that it opens is closed when it ends. */
export interface Context {
  /** Builds the app, with a database of its own where the app uses one, and lets it listen. */
  openApp: () => Promise<RunningApp>;
  /** Builds the app anew, as a restart does: with the same database and nothing else. */
  restart: (app: Pick<RunningApp, 'database'>) => Promise<RunningApp>;
  /**
   * Moves the app's clock forward. The database, like any other machine, keeps the real time.
   * @param ms milliseconds
   */
  advanceClock: (ms: number) => void;
}

/** A test's place in the lesson: the numbered move of WORKSHOP.md that makes it pass. */
export interface Place {
  move: number;
  /**
   * Whether the apps of later steps have to pass it, too. By default, those of the same part do,
   * except for tests that start index.ts: they take longer. Part two's don't have to pass part
   * one's: with a token in every form, for example, a POST without one logs nobody out.
   */
  later?: boolean;
}

/** What an index.ts is started with. */
interface Start extends Place {
  /**
   * PORT and whatever else of the environment matters to the test; undefined takes a variable
   * away. The step's other variables are set to something that works.
   */
  env: () => NodeJS.Dict<string> & ProbeEnv;
  /** Whether the test runs at once, too, as it waits for a long time or starts index.ts again. */
  atOnce?: boolean;
  /** Whether it shares one process with all tests that say so. They leave it as it is. */
  shared?: boolean;
  /** Whether its database can fall silent. */
  canFallSilent?: boolean;
}

/**
 * What the tests of one step are defined with.
 * @param number the step's number
 */
export function testsOfStep(number: number) {
  if (!hasSubject()) setSubject(subjectOf(findStep(number), 'steps'));

  return {
    /** A test of the app that createApp() builds. */
    test: (
      name: string,
      { move, later = true }: Place,
      run: (context: Context) => Promise<void>,
    ): void => {
      const { step } = currentRun();
      if (step !== number && !(later && isPartOne(step) === isPartOne(number))) return;
      define({ name, step: number, move }, async (open) => run(contextOf(open)));
    },

    /**
     * A test of index.ts, as a process of its own. It is started at once, while the tests before it
     * run, because starting takes longest.
     */
    testEntry: (
      name: string,
      start: Start,
      run: (entry: Entry, database: TestDatabase | undefined, context: Context) => Promise<void>,
    ): void => {
      const { move, later = false, env, atOnce = false, shared = false } = start;
      if (currentRun().step !== number && !isHeld(later, env())) return;
      if (isLeftOut(name, true)) return define({ name, step: number, move });
      const opened: Closable[] = [];
      const begin = () => (shared
        ? currentRun().shared ??= startEntry(start, currentRun().opened)
        : startEntry(start, opened));
      const runOn = async (started: StartedEntry, isAgain = false): Promise<StartedEntry> => {
        try {
          await run(started.entry, started.database, contextOf(opened));
          return started;
        } catch (error) {
          if (isAgain || 'MONGO_URL' in env() || !wasLate(started)) throw error;
          if (shared) delete currentRun().shared;
          return runOn(await begin(), true);
        }
      };
      const starting = Promise.resolve().then(async () => {
        const started = await begin();
        return atOnce ? runOn(started) : started;
      });
      // The test itself tells what went wrong, once it runs.
      starting.catch(() => undefined);
      define({ name, step: number, move }, async (open) => {
        open.push({ close: () => closeAll(opened) });
        const started = await starting;
        const { entry } = atOnce ? started : await runOn(started);
        expectNothingSecret(entry.output);
      });
    },
  };
}

async function startEntry({ env, canFallSilent }: Start, open: Closable[]): Promise<StartedEntry> {
  const database = await openTestDatabase(open, canFallSilent);
  if (database) keepSecret(database.url, 'MONGO_URL, which may hold a password');
  const entry = await Entry.start({ ...workingEnv(database), ...env() });
  open.push(entry);
  return { entry, database };
}

/** Whether our database was too slow for an app with short deadlines: this machine is very busy. */
function wasLate({ entry, database }: StartedEntry): boolean {
  return !database?.relay?.wasSilent
    && /MongoNetworkTimeoutError|timed out after \d+ ?ms/.test(entry.output);
}

/** Where index.ts is given, it's enough that it serves with everything in place. */
function isHeld(later: boolean, env: object): boolean {
  return later && (writesIndex(currentSubject().step) || Object.keys(env).length === 0);
}

function isLeftOut(name: string, isEntry: boolean): boolean {
  const { choice: { last, withoutEntries }, tests } = currentRun();
  return (isEntry && withoutEntries === true && name !== last)
    || tests.some((test) => test.name === last);
}

/** Puts a test into the plan and hands it to node:test. @param run nothing to leave it out */
function define(
  place: Pick<PlannedTest, 'name' | 'step' | 'move'>,
  run?: (open: Closable[]) => Promise<void>,
): void {
  const { tests, ended } = currentRun();
  const leftOut = isLeftOut(place.name, false);
  const isRun = run !== undefined && !leftOut;
  const planned: PlannedTest = { ...place, state: isRun ? 'waiting' : 'left out' };
  tests.push(planned);
  if (!isRun) return;
  let running: Promise<void> | undefined;
  // For node:test a test ends with the first exception that nobody caught.
  ended.push(test(place.name, () => running = runPlanned(planned, run))
    .then(() => running)
    .catch(() => undefined));
}

async function runPlanned(
  planned: PlannedTest,
  run: (open: Closable[]) => Promise<void>,
): Promise<void> {
  if (currentRun().hangs) return;
  planned.state = 'running';
  try {
    await runWatched(run);
    planned.state = 'passed';
  } catch (error) {
    planned.state = 'failed';
    planned.lesson = asLesson(error);
    currentRun().hangs ||= planned.lesson.parts.hangs === true;
    throw planned.lesson;
  }
}

/** Runs a test, closes what it opened, and fails if the app crashed, even after its answer. */
async function runWatched(run: (open: Closable[]) => Promise<void>): Promise<void> {
  const crash = watchForCrashes();
  forgetSecondAnswers();
  forgetPrinted();
  const open: Closable[] = [];
  try {
    await run(open);
  } catch (error) {
    throw crash.lesson() ?? await awaitSecondAnswer() ?? error;
  } finally {
    mock.timers.reset();
    await closeAll(open);
    await setImmediate();
    crash.stop();
  }
  const lesson = crash.lesson();
  if (lesson) throw lesson;
  expectNothingSecret();
}

function contextOf(open: Closable[]): Context {
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

async function openTestDatabase(open: Closable[], canFallSilent = false) {
  if (!currentSubject().step.needsDatabase) return undefined;
  // The driver is imported only where a step needs it: it takes longer than all else together.
  const { TestDatabase } = await import('./database.ts');
  const database = await TestDatabase.create(canFallSilent);
  open.push(database);
  return database;
}

function workingEnv(database: TestDatabase | undefined): NodeJS.Dict<string> {
  return {
    PORT: String(20_000 + Math.floor(Math.random() * 10_000)),
    SESSION_SECRET: testSecret,
    ...(database && { MONGO_URL: database.url }),
  };
}

function asLesson(error: unknown): Lesson {
  if (error instanceof Lesson) return error;
  return new Lesson({
    observed: messageOf(error),
    why: "This wasn't expected, so the test can't say more about it.",
    lookAt: 'app.ts: what is different here?',
  }, error);
}
