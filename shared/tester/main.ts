/*
 * The process in which tests run (see test-process.ts). It loads what all tests need, waits to be
 * told which to run, and tells how they ended.
 */
import { findStep, writesIndex, type Kind, type Step } from '../lesson/steps.ts';
import { loadEnvFile } from '../app/settings.ts';
import { guardProcess } from './crash.ts';
import { endEntries, prepareEntries } from './entry.ts';
import type { Report } from './report.ts';
import { currentRun, runTests, type Choice } from './run.ts';
import { subjectOf } from './subject.ts';
import { startWatchdog } from './watchdog.ts';
import { messageOf, Problem } from '../terminal/problem.ts';

/** How many processes wait for an index.ts, written by learners or given. Each takes 50 MB. */
const SPARE_PROCESSES = { written: 4, given: 2 };

/** What this process is told to do. */
export type Order =
  /** To load what the tests of a step need, before they are to run. */
  | { type: 'prepare'; step: number }
  | Run
  | { type: 'stop' };

/** The order to run the tests of a step. */
export interface Run {
  type: 'run';
  /** The step whose app is tested. */
  step: number;
  kind: Kind;
  /** The step whose tests run, if not the same. */
  tests?: number;
  /** Where the app lies, if not in its step's folder. */
  folder?: string;
  choice?: Choice;
}

/** What it tells of a run. */
export type News =
  /** The step's own tests pass, and earlier steps' are next. */
  | { type: 'own pass'; report: Report }
  /** The run has ended, and whether this process is blocked and about to end as well. */
  | { type: 'ended'; verdict: Verdict; last: boolean };

/** How a run ended: with a report, or without one. */
export type Verdict = { report: Report } | Failure;

/** Why there's no report. */
export interface Failure {
  /** In a sentence, and what was printed instead. */
  failure: string;
  /** The command to type now. */
  next: string;
}

// The learner's code must not find the channel: outside the tests there is none.
const send = process.send?.bind(process);
process.on('message', (order: Order) => void obey(order));
process.once('disconnect', () => void stop());
Object.assign(process, { send: undefined });

const exit = guardProcess();

const settings = Promise.resolve().then(() => { loadEnvFile(); });
// The run that waits for them tells what's wrong with them.
settings.catch(() => undefined);
process.env.NODE_ENV = 'test';
// Only index.ts reads the environment. An app that reads it all the same gets another secret.
process.env.SESSION_SECRET = 'not the one that createApp() is given';
// express-session speaks of missing options on every start; the tests say it better.
process.env.NO_DEPRECATION = 'express-session';
let database: Promise<typeof import('./database.ts')> | undefined;
const harness = load('./harness.ts', 'express', 'express-session');

async function obey(order: Order): Promise<void> {
  if (order.type === 'stop') return stop();
  const step = findStep(order.step);
  // They start while the rest is loaded. The proof, which chooses, may not need them.
  if (order.type === 'prepare' || !order.choice) {
    await prepareEntries(step, SPARE_PROCESSES[writesIndex(step) ? 'written' : 'given']);
  }
  // Loading takes so much at once that it could be taken for a loop of the learner's.
  await harness;
  // The driver is loaded only where a step needs it: it takes longer than all else together.
  if (step.needsDatabase) {
    await load('connect-mongo');
    await (database ??= import('./database.ts'));
  }
  if (order.type === 'prepare') return;
  const { kind, tests = order.step, folder, choice } = order;
  startWatchdog((lesson) => {
    const report = currentRun().report(lesson);
    tell(report.tests.length > 0 ? { report } : tooSlow(step), true);
    endEntries();
  });
  try {
    await settings;
    const tested = findStep(tests);
    const report = await runTests(tested, subjectOf(step, kind, folder), choice, (report) => {
      send?.({ type: 'own pass', report } satisfies News);
    });
    tell({ report });
  } catch (error) {
    const next = error instanceof Problem ? error.next : 'npm run doctor';
    tell({ failure: messageOf(error), next });
  }
}

/** Before the first test is defined, none of the learner's code runs. */
function tooSlow({ number }: Step): Failure {
  return {
    failure: 'This machine was too busy to begin with the tests.',
    next: `npm run test:${number}, once it's less busy`,
  };
}

function tell(verdict: Verdict, last = false): void {
  send?.({ type: 'ended', verdict, last } satisfies News);
}

/** Loads modules. What can't be loaded is missed, and explained, by the tests that need it. */
async function load(...modules: string[]): Promise<void> {
  await Promise.allSettled(modules.map((module) => import(module)));
}

async function stop(): Promise<void> {
  endEntries();
  await (await database)?.closeTestServer().catch(() => undefined);
  exit(0);
}
