import type { TestEvent } from 'node:test/reporters';
import { crashLesson } from './crash.ts';
import { Lesson, messageOf, type LessonParts } from './lesson.ts';
import { plan, run, type PlannedTest } from './plan.ts';
import { findStep, type Step } from '../lesson/steps.ts';

/** How one test ended. */
export interface TestReport {
  name: string;
  step: number;
  /** The numbered move of WORKSHOP.md that makes it pass. */
  move: number;
  /** Why it failed; nothing else in it means that it was not reached. */
  failure?: LessonParts & {
    /** The line of the learner's code that the error came from: `steps/04-logout/app.ts:20`. */
    frame?: string | undefined;
  };
  /** Whether the tests came to an end before this one. */
  notRun?: boolean;
}

/** How a run of one step's tests ended. */
export interface Report {
  step: Step;
  /** The step whose app was tested: the same, unless asked otherwise. */
  subject: Step;
  /** Whether the solutions were tested, and not the learner's code. */
  solutions: boolean;
  /** Which MongoDB ran, in one line. */
  database?: string | undefined;
  tests: TestReport[];
}

/** Gathers the events of node:test into one report for each app that was tested. */
export async function* gather(events: AsyncIterable<TestEvent>): AsyncGenerator<Report> {
  // node:test reports the tests in the order in which they were defined: that of the plan.
  let reported = 0;
  let tests: TestReport[] = [];
  for await (const { type, data } of events) {
    if ((type !== 'test:pass' && type !== 'test:fail') || data.nesting > 0) continue;
    const planned = plan[reported++];
    if (!planned) continue;
    tests.push(type === 'test:fail'
      ? failed(planned, planned.lesson ?? toLesson(data.details.error))
      : passed(planned));
    if (plan[reported]?.subject === planned.subject) continue;
    yield reportOn(planned, tests);
    tests = [];
  }
}

/**
 * The report of a run that cannot go on, from what the tests themselves know.
 * @param lesson what stopped the test that is running
 */
export function reportSoFar(lesson: Lesson): Report | undefined {
  const running = plan.find(({ state }) => state === 'running')
    ?? plan.find(({ state }) => state === 'waiting');
  if (!running) return undefined;
  const tests = plan.filter(({ subject }) => subject === running.subject).map((test) => {
    if (test === running) return failed(test, lesson);
    if (test.lesson) return failed(test, test.lesson);
    return test.state === 'passed' ? passed(test) : { ...passed(test), notRun: true };
  });
  return reportOn(running, tests);
}

function reportOn({ step, subject }: PlannedTest, tests: TestReport[]): Report {
  return {
    step: findStep(String(step), 'test:N'),
    subject: subject.step,
    solutions: process.execArgv.some((argument) => argument.endsWith('=solutions')),
    database: subject.step.needsDatabase ? run.database : undefined,
    tests,
  };
}

function passed({ name, step, move }: PlannedTest): TestReport {
  return { name, step, move };
}

function failed(test: PlannedTest, lesson: Lesson): TestReport {
  return { ...passed(test), failure: { ...lesson.parts, frame: lesson.frame } };
}

/** node:test wraps what a test threw, and reports what was thrown outside of it in the same way. */
function toLesson(error: unknown): Lesson {
  if (error instanceof Lesson) return error;
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Lesson) return cause;
  const outside = error instanceof Error && 'failureType' in error
    && ['uncaughtException', 'unhandledRejection'].includes(String(error.failureType));
  if (outside) return crashLesson(cause);
  return new Lesson({
    observed: messageOf(cause ?? error),
    why: 'This was not expected, so the test cannot say more about it.',
    lookAt: 'app.ts: what is different here?',
  }, cause);
}
