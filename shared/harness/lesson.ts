import type { Exchange } from './browser.ts';
import { describeSubject } from './subject.ts';

/** What a failed test has to say. */
export interface LessonParts {
  /** The fact that the test observed. */
  observed: string;
  /** What it means, and why it matters. */
  why: string;
  /** The file to look at and the question to ask there: `session.ts: is the store passed on?` */
  lookAt: string;
  /** The HTTP exchange that showed it. */
  exchange?: Exchange | undefined;
}

/**
 * A failed test, told as a lesson: the observed fact, why it matters, where to look. Its stack is
 * left out: the frames are the harness's own and help nobody.
 */
export class Lesson extends Error {
  override name = 'Lesson';
  // Private fields are not printed by reporters that inspect errors.
  readonly #parts: LessonParts;
  readonly #origin: unknown;

  constructor(parts: LessonParts, origin?: unknown) {
    const lookAt = `${describeSubject()}/${parts.lookAt}`;
    super([parts.observed, parts.why, `Look at: ${lookAt}`].join('\n'));
    this.#parts = { ...parts, lookAt };
    this.#origin = origin;
    this.stack = `${this.name}: ${this.message}`;
  }

  get parts(): LessonParts {
    return this.#parts;
  }

  /** The error of the learner's own code that led here, if there is one. */
  get origin(): unknown {
    return this.#origin;
  }
}

/**
 * Fails the test with a lesson unless the condition holds.
 * @throws {Lesson}
 */
export function expect(condition: boolean, parts: LessonParts): asserts condition {
  if (!condition) throw new Lesson(parts);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
