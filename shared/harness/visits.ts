import type { Exchange } from './browser.ts';
import { expect } from './lesson.ts';

/** Explanations by what was shown instead of the expected number. */
export type Reasons = Record<string, string>;

/** Why a browser that comes back may be taken for a new one. */
export const countStands: Reasons = {
  1: 'The same browser came back and was taken for a new one: it sent no cookie, its session was '
    + 'not found, or the count was stored after the answer had been sent.',
  NaN: 'undefined + 1 is NaN: a new session holds no visits yet, so the count needs a value to '
    + 'start from: (req.session.visits ?? 0) + 1.',
};

/**
 * Expects `Hello World, visit N`, in whatever words, and explains another number.
 * @throws {Lesson}
 */
export function expectVisit(
  answer: Exchange,
  expected: number,
  reasons: Reasons,
  lookAt = 'app.ts: where is the count kept, and when is it stored?',
): void {
  expectNoServerError(answer);
  const shown = /\bNaN\b|\d+/.exec(answer.body)?.[0];
  expect(shown !== undefined, {
    observed: `GET / answered “${answer.body.slice(0, 60)}”: it tells no number of visits.`,
    why: 'The count shows that the server knows this browser again.',
    lookAt: 'app.ts: does the answer hold the count, as in “Hello World, visit 2”?',
    exchange: answer,
  });
  expect(Number(shown) === expected, {
    observed: `Visit ${expected} was answered with “${answer.body.slice(0, 60)}”.`,
    why: reasons[shown] ?? 'Each visit of a browser counts one more than its last.',
    lookAt,
    exchange: answer,
  });
}

/**
 * Expects that the app did not fail.
 * @throws {Lesson}
 */
export function expectNoServerError(answer: Exchange): void {
  const [, message = ''] = /(\w*Error: [^<\n&]*)/.exec(answer.body) ?? [];
  expect(answer.status < 500, {
    observed: `${answer.method} ${answer.path} answered with status ${answer.status}`
      + `${message && `: ${message}`}.`,
    why: /undefined|null/.test(message)
      ? 'req.session is undefined in the route. Express runs middleware in the order in which '
      + 'it is registered: app.use(session(…)) has to stand above the routes.'
      : 'An error in a handler becomes a 500 for the visitor.',
    lookAt: 'app.ts: what stands above the route, and what does the route use?',
    exchange: answer,
  });
}
