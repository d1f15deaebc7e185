import type { TestEvent } from 'node:test/reporters';
import { findFrame } from './frame.ts';
import { crashLesson } from '../harness/crash.ts';
import { Lesson, messageOf, type LessonParts } from '../harness/lesson.ts';
import { plan, run, type PlannedTest } from '../harness/plan.ts';
import { currentSubject } from '../harness/subject.ts';
import { findStep, type Step } from '../steps.ts';

/** How one test ended. */
export interface TestReport extends PlannedTest {
  failure?: LessonParts & {
    /** The line of the learner's code that the error came from: `steps/04-logout/app.ts:20`. */
    frame?: string | undefined;
  };
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

/** Gathers the events of node:test into one report. */
export async function gather(events: AsyncIterable<TestEvent>): Promise<Report> {
  const failures = new Map<string, unknown>();
  for await (const { type, data } of events) {
    if (type === 'test:fail') failures.set(data.name, data.details.error);
  }
  const subject = currentSubject();
  const step = plan[0] ? findStep(String(plan[0].step), 'test:N') : subject;
  return {
    step,
    subject,
    solutions: process.execArgv.some((argument) => argument.endsWith('=solutions')),
    database: run.database,
    tests: plan.map((test) => (
      failures.has(test.name) ? { ...test, failure: explain(failures.get(test.name)) } : test
    )),
  };
}

function explain(error: unknown): NonNullable<TestReport['failure']> {
  const lesson = toLesson(error);
  const frame = findFrame(lesson.origin) ?? findFrame(lesson.parts.exchange?.body);
  return { ...lesson.parts, frame };
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
