import type { Exchange } from './browser.ts';
import { findFrame } from './frame.ts';
import { currentSubject } from './subject.ts';

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
  /** Whether something never came to its end. The other tests would wait for it as well. */
  hangs?: boolean;
}

/**
 * A failed test, told as a lesson: the observed fact, why it matters, where to look. Its stack is
 * left out: the frames are the harness's own and help nobody.
 */
export class Lesson extends Error {
  override name = 'Lesson';
  readonly parts: LessonParts & {
    /** The line of the learner's code that the error came from: `steps/04-logout/app.ts:20`. */
    frame?: string | undefined;
  };

  /**
   * @param origin the error of the learner's own code that led here, or a text that holds its stack
   */
  constructor(parts: LessonParts, origin?: unknown) {
    const lookAt = `${currentSubject().name}/${parts.lookAt}`;
    const observed = redact(parts.observed);
    super([observed, parts.why, `Look at: ${lookAt}`].join('\n'));
    const frame = findFrame(origin) ?? findFrame(parts.exchange?.body);
    this.parts = { ...parts, observed, lookAt, frame };
    this.stack = `${this.name}: ${this.message}`;
  }
}

/**
 * Fails the test with a lesson unless the condition holds.
 * @param origin an error, or a text that holds its stack: the learner's line is found there
 * @throws {Lesson}
 */
export function expect(
  condition: boolean,
  parts: LessonParts,
  origin?: unknown,
): asserts condition {
  if (!condition) throw new Lesson(parts, origin);
}

/**
 * Where to look for an error: what `lookAt` says, or the error's line if it's in another file.
 * @param origin an error, or a text that holds its stack
 */
export function lookAtOrigin(lookAt: string, origin: unknown): string {
  const [, file, line] = /([^/]+):(\d+)$/.exec(findFrame(origin) ?? '') ?? [];
  return file === undefined || lookAt.startsWith(file)
    ? lookAt
    : `${file}: what goes wrong on line ${line}?`;
}

/**
 * Leaves two characters of each session id, and nothing of signatures, passwords in URLs and the
 * tests' secret.
 */
export function redact(text: string): string {
  return text
    .replaceAll(/(s%3A|s:)([\w-]{2})[^;,\s”"]*/g, '$1$2…')
    .replaceAll(/(\w:\/\/)[^\s/@]+@/g, '$1…@')
    .replaceAll(testSecret, '…');
}

/** The SESSION_SECRET of all tests. */
export const testSecret = 'a secret that only the tests use';
