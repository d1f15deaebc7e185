import type { RunningApp } from './app.ts';
import { findSessionCookie, type Exchange } from './browser.ts';
import type { Held } from './held.ts';
import { expect, Lesson, lookAtOrigin } from './lesson.ts';

/** Explanations by what was shown instead of the expected number. */
type Reasons = Record<string, string>;

/** Why a browser that came back is told a number that's too low. */
function tooLow(answer: Exchange): string {
  const sent = findSessionCookie(answer.cookie.split('; '));
  const fresh = findSessionCookie(answer.setCookie);
  if (!sent) {
    return 'The same browser came back and had no session cookie to send: it got none before, or '
      + 'had to throw it away, or keeps it for other paths.';
  }
  if (fresh && fresh.id !== sent.id) {
    return "The same browser came back and sent its cookie, but its session wasn't found: it got a "
      + 'new one, with a new id.';
  }
  return "The server recognised the browser, but its count didn't grow. Was it stored before the "
    + 'answer was sent? And does it grow at all? `visits ?? 0 + 1` means `visits ?? (0 + 1)`, and '
    + '`visits++` gives the old number.';
}

/**
 * Expects `Hello World, visit N`, in whatever words, and explains another number.
 * @throws {Lesson}
 */
export function expectVisit(
  answer: Exchange,
  expected: number,
  reasons: Reasons = {},
  lookAt = 'app.ts: where is the count kept, and when is it stored?',
): void {
  expectNoServerError(answer);
  expectPrivate(answer);
  const numbers = numbersIn(answer.body);
  const shown = numbers.find((number) => Number(number) === expected) ?? numbers[0];
  expect(shown !== undefined, {
    observed: `GET / answered ${quote(answer.body)}: there's no number of visits in it.`,
    why: 'The count shows that the server recognises this browser.',
    lookAt: 'app.ts: is the count in the answer, as in "Hello World, visit 2"?',
    exchange: answer,
  });
  expect(Number(shown) === expected, {
    observed: `Visit ${expected} was answered with ${quote(answer.body)}.`,
    why: reasons[shown] ?? commonReasons[shown]
      ?? (expected === 1 ? newcomer : undefined)
      ?? (Number(shown) < expected ? tooLow(answer) : 'Each visit counts one more than the last.'),
    lookAt,
    exchange: answer,
  });
  expectNoId(answer);
}

/**
 * Expects that a page keeps the session's id to itself.
 * @throws {Lesson}
 */
export function expectNoId(page: Exchange): void {
  const session = findSessionCookie([...page.setCookie, ...page.cookie.split('; ')]);
  const others = page.setCookie.filter((cookie) => !cookie.startsWith(`${session?.name}=`));
  expect(![page.body, ...others].some((text) => session && text.includes(session.id)), {
    observed: `The answer to ${page.method} ${page.path} holds the session's id outside its `
      + 'cookie.',
    why: 'HttpOnly keeps the id away from scripts. In a page, or in another cookie, any script can '
      + 'read it.',
    lookAt: 'app.ts: does the answer need req.sessionID?',
    exchange: page,
  });
}

/** An answer's text as a learner should read it: its beginning, on one line, in quotes. */
export function quote(body: string): string {
  const line = body.trim().replaceAll(/\s+/g, ' ');
  return `"${line.length > 60 ? `${line.slice(0, 60)}…` : line}"`;
}

const newcomer = "A browser that's never been here was taken for another, all browsers share one "
  + 'count, or 1 is added twice. A variable in the module belongs to the whole server; req.session '
  + 'belongs to one browser.';

const commonReasons: Reasons = {
  0: 'The count was shown before this visit was added to it. It should say how often this browser '
    + 'has been here, including this time.',
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
  if (answer.status < 500) return;
  const [, message = ''] = /(\w*Error: (?:(?!<br>|<\/pre>|\n).)*)/.exec(readable(answer.body)) ?? [];
  const { why, lookAt } = serverErrors
    .find(({ says, at }) => says.test(message) && (at ?? answer.path) === answer.path)
    ?? {
      why: 'An error in a handler becomes a 500 for the visitor.',
      lookAt: lookAtOrigin(
        'app.ts: what stands above the route, and what does the route use?', answer.body,
      ),
    };
  throw new Lesson({
    observed: `${answer.method} ${answer.path} answered with status ${answer.status}`
      + `${message && `: ${message.replace(/\.$/, '')}`}.`,
    why,
    lookAt,
    exchange: answer,
  });
}

const serverErrors: { says: RegExp; at?: string; why: string; lookAt: string }[] = [
  {
    says: /undefined \(reading 'req'\)/,
    why: 'A method of the session was called without the session: `const { destroy } = '
      + 'req.session` takes the function out, and then it has no `this`.',
    lookAt: 'app.ts: does it say req.session.destroy(…), in one piece?',
  },
  {
    says: /undefined \((?:reading|setting) '(?!destroy|regenerate)/,
    at: '/logout',
    why: 'Once a session is destroyed, req.session is undefined.',
    lookAt: 'app.ts: what does POST /logout do with req.session after destroy()?',
  },
  {
    says: /secret option required/,
    why: 'express-session got no secret. createApp() was given one, so it got lost on the way: '
      + 'from createApp() to sessionOptions(), or from there to session(). Only index.ts reads '
      + 'SESSION_SECRET from the environment.',
    lookAt: 'app.ts and session.ts: is sessionOptions(settings) called (and not awaited: it '
      + 'returns no promise), and does it return the secret that it is given?',
  },
  {
    says: /null \(reading '(?:user|_id)'|of '\S*login' as it is null/,
    why: 'res.locals.login is null if nobody is logged in, and anyone can send any form. Send '
      + "visitors who aren't logged in to /login.",
    lookAt: "app.ts: what does the route do for visitors who aren't logged in?",
  },
  {
    says: /undefined|null/,
    why: 'Most likely req.session is undefined in the route. Express goes from top to bottom, so '
      + "app.use(session(…)) goes above the routes. And for a path outside cookie.path there's no "
      + 'session at all.',
    lookAt: 'app.ts: is the middleware above the route, and does each one call next() only once? '
      + 'And session.ts: does the cookie have a path?',
  },
  {
    says: /must be connected|client was closed|Topology is closed/,
    why: "The store uses a client that's closed. Either it isn't the one that createApp() was "
      + 'given, or something has closed it. A store in a variable of the module keeps the first '
      + "app's client, too.",
    lookAt: "session.ts and index.ts: where does the store's client come from, and what closes it?",
  },
  {
    says: /\.db is not a function/,
    why: 'The store was given something other than a MongoClient, such as a Db.',
    lookAt: 'session.ts: what is handed over as `client`, from index.ts to the store?',
  },
  {
    says: /\bres\w*\.\w+ is not a function/,
    why: 'Express gives a route\'s function the request first and then the response, whatever you '
      + 'call them.',
    lookAt: 'app.ts: are the parameters in the order (req, res), and is the method spelt right?',
  },
  {
    says: /\.(?:add|has|size|get\w*|set\w*|push|map|to\w+) is not a function/,
    why: 'A session is kept as JSON: numbers, strings, arrays and plain objects come back as they '
      + "were; a Date, a Map or an instance of a class doesn't. A promise has to be awaited first.",
    lookAt: 'app.ts: what is put into req.session? Or is a promise used before it was awaited?',
  },
];

/** Text out of HTML. Express shows errors as HTML. */
export function readable(html: string): string {
  const signs: Record<string, string> = {
    quot: '"', '#39': "'", lt: '<', gt: '>', amp: '&', nbsp: ' ',
  };
  return html.replaceAll(/&(#?\w+);/g, (entity, name: string) => signs[name] ?? entity);
}

/** Expects that no cache may hand an answer to another visitor. @throws {Lesson} */
export function expectPrivate(answer: Exchange): void {
  const { method, path, cacheControl = '' } = answer;
  const isKept = /\bpublic\b|s-maxage=[1-9]/i.test(cacheControl)
    || (/max-age=[1-9]/i.test(cacheControl) && !/private|no-store|no-cache/i.test(cacheControl));
  expect(!isKept, {
    observed: `${method} ${path} came with Cache-Control: ${cacheControl}.`,
    why: 'Any cache on the way may keep this answer and give it to the next visitor, cookie and '
      + 'all. And the browser may show it again without asking your app.',
    lookAt: 'app.ts: what sets Cache-Control? An answer that depends on the session is for one '
      + 'visitor only.',
    exchange: answer,
  });
}

/**
 * Looks whether a request is answered while the database still holds up what it asked for. Then
 * lets the database go on.
 * @param begin sends the request
 * @param meanwhile what else happens then
 * @returns the answer that came too early; undefined if it waited
 */
export async function earlyAnswer(
  app: RunningApp,
  held: Held | undefined,
  begin: () => Promise<Exchange>,
  meanwhile?: () => Promise<void>,
): Promise<Exchange | undefined> {
  let early: Exchange | undefined;
  const answer = begin().then((exchange) => { early = exchange; }, () => undefined);
  try {
    await Promise.race([held?.asked, answer]);
    if (held?.wasAsked) await meanwhile?.();
    // While the database is busy, the app answers other visitors.
    for (let visit = 0; visit < 5; visit++) await app.newBrowser().get('/no-such-page');
    return held?.wasAsked ? early : undefined;
  } finally {
    held?.release();
    await answer;
  }
}
