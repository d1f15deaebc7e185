import type { Exchange } from './browser.ts';
import { expect } from './lesson.ts';

/** Explanations by what was shown instead of the expected number. */
export type Reasons = Record<string, string>;

/** Why a browser that comes back may be taken for a new one. */
export const countStands: Reasons = {
  1: 'The same browser came back and was taken for a new one: it sent no cookie, its session was '
    + 'not found, or the count was stored after the answer had been sent.',
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
  const numbers = numbersIn(answer.body);
  const shown = numbers.find((number) => Number(number) === expected) ?? numbers[0];
  expect(shown !== undefined, {
    observed: `GET / answered ${quote(answer.body)}: it tells no number of visits.`,
    why: 'The count shows that the server knows this browser again.',
    lookAt: 'app.ts: does the answer hold the count, as in “Hello World, visit 2”?',
    exchange: answer,
  });
  expect(Number(shown) === expected, {
    observed: `Visit ${expected} was answered with ${quote(answer.body)}.`,
    why: reasons[shown] ?? commonReasons[shown]
      ?? (expected === 1 ? newcomer : 'Each visit of a browser counts one more than its last.'),
    lookAt,
    exchange: answer,
  });
}

/** An answer's text as a learner should read it: its beginning, on one line, in quotes. */
export function quote(body: string): string {
  const line = body.trim().replaceAll(/\s+/g, ' ');
  return `“${line.length > 60 ? `${line.slice(0, 60)}…` : line}”`;
}

const newcomer = 'A browser that has never been here was taken for another, or the count is shared '
  + 'by all. A variable of the module belongs to the whole server; req.session belongs to one '
  + 'browser.';

const commonReasons: Reasons = {
  0: 'The count was shown before this visit was added to it. It tells how often this browser has '
    + 'been here, this visit included.',
  NaN: 'undefined + 1 is NaN: a new session holds no visits yet, so the count needs a value to '
    + 'start from: (req.session.visits ?? 0) + 1.',
};

/** The numbers that a person reads in an answer, be it text, JSON or HTML. */
function numbersIn(body: string): string[] {
  const text = body.replaceAll(/<(style|script|title)\b.*?<\/\1>|<[^>]*>/gis, ' ');
  return text.match(/(?<!\w|\d[.:-])-?\d+(?!\w|[.:-]\d)|\bNaN\b/g) ?? [];
}

/**
 * Expects that the app did not fail.
 * @throws {Lesson}
 */
export function expectNoServerError(answer: Exchange): void {
  const [, message = ''] = /(\w*Error: (?:(?!<br>|<\/pre>|\n).)*)/.exec(readable(answer.body)) ?? [];
  const { why, lookAt } = serverErrors
    .find(({ says, at }) => says.test(message) && (at ?? answer.path) === answer.path)
    ?? anyServerError;
  expect(answer.status < 500, {
    observed: `${answer.method} ${answer.path} answered with status ${answer.status}`
      + `${message && `: ${message}`}.`,
    why,
    lookAt,
    exchange: answer,
  });
}

const serverErrors: { says: RegExp; at?: string; why: string; lookAt: string }[] = [
  {
    says: /undefined \((?:reading|setting) '(?!destroy|regenerate)/,
    at: '/logout',
    why: 'Once a session is destroyed, req.session is undefined.',
    lookAt: 'app.ts: what does POST /logout do with req.session after destroy()?',
  },
  {
    says: /secret option required/,
    why: 'express-session got no secret: it is undefined, or empty. createApp() was given one, and '
      + "SESSION_SECRET isn't set here: only index.ts reads the environment.",
    lookAt: 'session.ts: does sessionOptions() return the secret that it is given?',
  },
  {
    says: /undefined|null/,
    why: 'req.session is undefined in the route. Express runs middleware in the order in which it '
      + 'is registered: app.use(session(…)) has to stand above the routes.',
    lookAt: 'app.ts: what stands above the route, and what does the route use?',
  },
  {
    says: /\.(?:add|has|size|get\w*|set\w*|push|map|to\w+) is not a function/,
    why: 'A session is kept as JSON: numbers, texts, lists and plain objects come back, and a '
      + 'Date, a Map or an object of a class does not.',
    lookAt: 'app.ts: what is put into req.session?',
  },
];

const anyServerError = {
  why: 'An error in a handler becomes a 500 for the visitor.',
  lookAt: 'app.ts: what stands above the route, and what does the route use?',
};

/** Text out of HTML. Express shows errors as HTML. */
export function readable(html: string): string {
  const signs: Record<string, string> = {
    quot: '"', '#39': "'", lt: '<', gt: '>', amp: '&', nbsp: ' ',
  };
  return html.replaceAll(/&(#?\w+);/g, (entity, name: string) => signs[name] ?? entity);
}
