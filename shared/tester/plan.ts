import type { Lesson } from './lesson.ts';
import type { Subject } from './subject.ts';

/** A test, its place in the lesson, and what is known of it so far. */
export interface PlannedTest {
  readonly name: string;
  readonly step: number;
  /** The numbered move of WORKSHOP.md that makes it pass. */
  readonly move: number;
  /** The app that is tested. */
  readonly subject: Subject;
  state: 'waiting' | 'running' | 'passed' | 'failed';
  /** Why it failed. */
  lesson?: Lesson;
  /** Resolves when it has ended. */
  ended: Promise<void>;
}

/** The tests of this run, in the order of the lesson. */
export const plan: PlannedTest[] = [];

/** What the reporter tells besides. */
export const run: {
  /** Which MongoDB runs, in one line. */
  database?: string;
  /** What the app is doing now: `GET /`, or undefined between requests. */
  request?: string | undefined;
} = {};
