import type { Lesson } from './lesson.ts';
import type { Report } from './report.ts';
import { currentSubject, setSubject, type Subject } from './subject.ts';
import type { Step } from '../lesson/steps.ts';

/** A test, its place in the lesson, and what is known of it so far. */
export interface PlannedTest {
  readonly name: string;
  readonly step: number;
  readonly move: number;
  state: 'waiting' | 'running' | 'passed' | 'failed';
  /** Why it failed. */
  lesson?: Lesson;
}

/** Which of a step's tests are run. The proof leaves out what can't change its result. */
export interface Choice {
  /** The name of the last one. */
  last?: string | undefined;
  /** Whether those of index.ts are left out, except for the last. */
  withoutEntries?: boolean;
}

/** One run of a step's tests: what is planned, what each test did, and what happens now. */
export class TestRun {
  readonly subject: Subject;
  readonly choice: Choice;
  /** In the order of the lesson. */
  readonly tests: PlannedTest[] = [];
  /** What is fulfilled when all that was planned has ended. */
  readonly ended: Promise<unknown>[] = [];
  /** Which MongoDB runs, in one line. */
  database?: string;
  /** What the app is doing now: `GET /`, or undefined between requests. */
  request?: string | undefined;
  /** Whether the rest is left out: the app hangs, and each test would wait for it again. */
  hangs = false;

  constructor(subject: Subject, choice: Choice = {}) {
    this.subject = subject;
    this.choice = choice;
  }

  /**
   * What is known so far.
   * @param stopped why the test that is running, or the next, will never end
   */
  report(stopped?: Lesson): Report {
    const { step, kind } = this.subject;
    const stuck = stopped && (this.tests.find(({ state }) => state === 'running')
      ?? this.tests.find(({ state }) => state === 'waiting'));
    return {
      step,
      kind,
      ...step.needsDatabase && { database: this.database },
      tests: this.tests.map((test) => {
        const { name, step, move, state } = test;
        const lesson = test === stuck ? stopped : test.lesson;
        return {
          name,
          step,
          move,
          ...lesson && { failure: { ...lesson.parts, frame: lesson.frame } },
          ...!lesson && state !== 'passed' && { notRun: true },
        };
      }),
    };
  }
}

let run: TestRun | undefined;

/** The run that is under way. */
export function currentRun(): TestRun {
  return run ??= new TestRun(currentSubject());
}

/**
 * Runs the tests of a step in this process.
 * @param step whose tests
 * @param subject the app that is tested
 * @throws {Error} when the file with the tests can't be loaded
 */
export async function runTests(step: Step, subject: Subject, choice?: Choice): Promise<Report> {
  setSubject(subject);
  run = new TestRun(subject, choice);
  // Its tests are defined anew each time it's read.
  const file = new URL(`../../steps/${step.folder}/app.test.ts?${++runs}`, import.meta.url);
  await import(file.href);
  await Promise.all(run.ended);
  return run.report();
}

let runs = 0;
