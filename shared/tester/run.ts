import type { TestDatabase } from './database.ts';
import type { Entry } from './entry.ts';
import { testSecret, type Lesson } from './lesson.ts';
import type { Report } from './report.ts';
import { currentSubject, setSubject, type Subject } from './subject.ts';
import { steps, type Step } from '../lesson/steps.ts';
import { messageOf, Problem } from '../terminal/problem.ts';

/** A test, its place in the lesson, and what is known of it so far. */
export interface PlannedTest {
  readonly name: string;
  readonly step: number;
  readonly move: number;
  state: 'left out' | 'waiting' | 'running' | 'passed' | 'failed';
  /** Why it failed. */
  lesson?: Lesson;
}

/** What stays open for a while. */
export interface Closable {
  close(): Promise<void>;
}

/** Closes what was opened, the last first. */
export async function closeAll(opened: Closable[]): Promise<void> {
  for (const each of opened.toReversed()) await each.close();
}

/** An index.ts that was started, and the database at its MONGO_URL. */
export interface StartedEntry {
  entry: Entry;
  database: TestDatabase | undefined;
}

/** Which of a step's tests are run. The proof leaves out what can't change its result. */
export interface Choice {
  /** The name of the last one. */
  last?: string | undefined;
  /** Whether those of index.ts are left out, except for the last. */
  withoutEntries?: boolean;
}

/** One run of a step's tests: what is planned, what each test did, and what happens now. */
class TestRun {
  readonly subject: Subject;
  /** The number of the step whose tests are run. */
  readonly step: number;
  readonly choice: Choice;
  /** In the order of the lesson. */
  readonly tests: PlannedTest[] = [];
  /** Fulfilled once everything that was planned has ended. */
  readonly ended: Promise<unknown>[] = [];
  /** The index.ts that several tests share. */
  shared?: Promise<StartedEntry>;
  /** What is closed when the run ends. */
  readonly opened: Closable[] = [];
  /** Which MongoDB runs, in one line. */
  database?: string;
  /** What the app is doing now: `GET /`, or undefined between requests. */
  request?: string | undefined;
  /** What the app must not print, and what it is. */
  readonly secrets = new Map([[testSecret, 'the SESSION_SECRET']]);
  /** Whether the rest is left out: the app hangs, and each test would wait for it again. */
  hangs = false;

  constructor(subject: Subject, step = subject.step.number, choice: Choice = {}) {
    this.subject = subject;
    this.step = step;
    this.choice = choice;
  }

  /**
   * What is known so far. Tests of earlier steps are mentioned only if they failed.
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
      tests: this.tests.flatMap((test) => {
        const { name, step, move, state } = test;
        const lesson = test === stuck ? stopped : test.lesson;
        const isEarlier = step !== this.step;
        if (isEarlier && !lesson) return [];
        return [{
          name,
          step: this.step,
          move: isEarlier ? this.tests.findLast(({ step }) => step === this.step)?.move ?? 1 : move,
          ...isEarlier && { promisedIn: { step, move } },
          ...lesson && { failure: lesson.parts },
          ...!lesson && state !== 'passed' && { notRun: true },
        }];
      }),
    };
  }

  /** Runs what the files of these steps define. @throws {Problem} when one can't be loaded */
  async add(...added: Step[]): Promise<void> {
    for (const { folder } of added) {
      // Its tests are defined anew each time it's read.
      const file = `steps/${folder}/app.test.ts`;
      const { href } = new URL(`../../${file}?${++reads}`, import.meta.url);
      await import(href).catch((error: unknown) => {
        throw new Problem(`The tests can't be loaded: ${messageOf(error)}`,
          `git checkout ${file}, which brings them back as they came`);
      });
    }
    await Promise.all(this.ended);
  }
}

let reads = 0;

let run: TestRun | undefined;

/** The run that is under way. */
export function currentRun(): TestRun {
  return run ??= new TestRun(currentSubject());
}

/**
 * Runs the tests of a step in this process. Once they pass, what the steps before it promised has
 * to hold as well.
 * @param step whose tests
 * @param subject the app that is tested
 * @param ownPass is told once the step's own tests pass, if those of earlier steps are to follow
 * @throws {Problem} when a file with tests can't be loaded
 */
export async function runTests(
  step: Step,
  subject: Subject,
  choice?: Choice,
  ownPass?: (report: Report) => void,
): Promise<Report> {
  setSubject(subject);
  run = new TestRun(subject, step.number, choice);
  await run.add(step);
  const isDone = run.tests.every(({ name, state }) => (
    name !== choice?.last && (state === 'passed' || state === 'left out')
  ));
  const earlier = steps.slice(0, step.number - 1);
  if (isDone && step === subject.step && earlier.length > 0) {
    ownPass?.(run.report());
    await run.add(...earlier);
  }
  await closeAll(run.opened);
  return run.report();
}
