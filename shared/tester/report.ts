import type { Lesson } from './lesson.ts';
import type { Kind, Step } from '../lesson/steps.ts';

/** How one test ended. */
export interface TestReport {
  name: string;
  step: number;
  /** The numbered move of WORKSHOP.md that makes it pass. */
  move: number;
  /** The earlier step that it belongs to, and its move there. */
  promisedIn?: { step: number; move: number };
  /** Why it failed. */
  failure?: Lesson['parts'];
  /** Whether the tests came to an end before this one. */
  notRun?: boolean;
}

/** How a run of one step's tests ended. */
export interface Report {
  step: Step;
  /** Whose code was tested. */
  kind: Kind;
  /** Which MongoDB ran, in one line. */
  database?: string | undefined;
  tests: TestReport[];
}

/** Whether a test was run and passed. */
export function passes({ failure, notRun }: TestReport): boolean {
  return !failure && notRun !== true;
}
