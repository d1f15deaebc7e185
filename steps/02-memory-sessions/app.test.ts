import { createHmac } from 'node:crypto';
import {
  expect,
  expectNoServerError,
  expectServing,
  expectStopped,
  expectVisit,
  findSessionCookie,
  quote,
  testSecret,
  testsOfStep,
  type Entry,
} from '#harness';

const { test, testEntry } = testsOfStep(2);

const withoutSecret = { move: 1, later: true, env: () => ({ SESSION_SECRET: undefined }) };
testEntry("index.ts doesn't start without a SESSION_SECRET", withoutSecret, async (entry) => {
  await expectStoppedWithoutSecret(entry, "SESSION_SECRET wasn't set");
});

const withEmptySecret = { move: 1, env: () => ({ SESSION_SECRET: '' }) };
testEntry('an empty SESSION_SECRET counts as missing', withEmptySecret, async (entry) => {
  await expectStoppedWithoutSecret(entry, 'SESSION_SECRET was empty');
});

async function expectStoppedWithoutSecret(entry: Entry, given: string): Promise<void> {
  await entry.settled();
  const answer = entry.port === undefined
    ? undefined
    : await entry.newBrowser().get('/').catch(() => undefined);
  await expectStopped(entry, {
    given,
    names: 'SESSION_SECRET',
    why: findSessionCookie(answer?.setCookie ?? []) === undefined
      ? "Without a secret, the app can't serve anyone. You'd notice only when the first visitor "
      + 'comes, so check for it when the app starts.'
      : "A secret in the code is known to everyone who reads the code, and you won't notice that "
        + 'the app uses it. Better not to start.',
    lookAt: "index.ts: what if process.env.SESSION_SECRET isn't set, or is empty?",
  });
}

test('the first visit gets a signed session cookie', { move: 2 }, async (context) => {
  const { openApp, advanceClock } = context;
  const app = await openApp();
  const browser = app.newBrowser();
  const first = await browser.get('/');
  expectNoServerError(first);
  const cookie = findSessionCookie(first.setCookie);
  expect(cookie !== undefined, {
    observed: first.setCookie.length > 0
      ? 'GET / set a cookie, but none that holds a signed session id.'
      : 'GET / came back without a Set-Cookie header.',
    why: 'The id in the cookie is all that ties a browser to its session. Without the cookie, '
      + 'every visit is a first visit.',
    lookAt: 'app.ts: is app.use(session(…)) above the route, do you put something into req.session '
      + 'before you send the answer, and are the options right (createApp() is given an object, '
      + '{ secret }; secure: true needs HTTPS; maxAge is a number)?',
    exchange: first,
  });
  expect(isSignedWith(testSecret, cookie.value), {
    observed: 'The session cookie is signed, but not with the secret that createApp() was given.',
    why: 'A secret in the code is known to everyone who reads the code, now or later in its '
      + 'history. And only index.ts reads the environment: it checks the secret and hands it over.',
    lookAt: 'session.ts: is `secret` the one that sessionOptions() is given?',
    exchange: first,
  });
  expect(browser.sessionCookie() !== undefined, {
    observed: "The browser threw the session cookie away, or doesn't send it back to /.",
    why: "Browsers don't keep a cookie for another Domain, or one that has already expired. A "
      + "cookie with another Path isn't sent to /. And SameSite=None, Partitioned and names that "
      + 'begin with __Host- or __Secure- work only with Secure.',
    lookAt: 'session.ts: which name and which cookie options are set?',
    exchange: first,
  });

  const others = await Promise.all([1, 2].map(() => app.newBrowser().get('/')));
  const ids = [first, ...others].map(({ setCookie }) => findSessionCookie(setCookie)?.id ?? '');
  expect(ids.every((id) => id.length >= 16) && !ids.some((id) => ids.some((other) => (
    other !== id && differingPart(id, other) < 8
  ))), {
    observed: `Three browsers got the ids ${ids.join(', ')}.`,
    why: "The id is the key to a session. It has to be long and random enough that visitors can't "
      + "guess someone else's from their own.",
    lookAt: 'session.ts: what does genid return? Without it, express-session makes good ids.',
  });

  // Both can be guessed: what Math.random() gives next, and what time it is.
  advanceClock(0);
  const { random } = Math;
  Math.random = () => 0.123456789;
  const guessed = [await app.newBrowser().get('/'), await app.newBrowser().get('/')]
    .map(({ setCookie }) => findSessionCookie(setCookie)?.id);
  Math.random = random;
  expect(guessed[0] !== guessed[1] || ids.includes(guessed[0] ?? ''), {
    observed: 'When Math.random() gave the same number twice, in the same millisecond, two '
      + `browsers got the same id, ${guessed[0]}.`,
    why: 'Everyone knows the time, and a few numbers from Math.random() give away the next ones. '
      + "It isn't made for secrets. crypto.randomUUID() is.",
    lookAt: 'session.ts: what does genid return? Without it, express-session makes good ids.',
  });
});

/** How long a text is without the beginning and the end that it shares with another. */
function differingPart(text: string, other: string): number {
  let [start, end] = [0, text.length];
  while (start < end && text[start] === other[start]) start++;
  while (end > start && text.at(end - text.length - 1) === other.at(end - text.length - 1)) end--;
  return end - start;
}

// As on a hosting platform, apart from HTTPS.
const withSecret = { move: 2, env: () => ({ PORT: '', NODE_ENV: 'production' }) };
testEntry('index.ts hands SESSION_SECRET over to createApp()', withSecret, async (entry) => {
  const [answer] = await expectServing(entry, 'SESSION_SECRET was set');
  const cookie = findSessionCookie(answer.setCookie);
  expect(cookie !== undefined, {
    observed: 'index.ts was started with NODE_ENV=production, as on a hosting platform, and '
      + 'visited over plain HTTP. It set no session cookie.',
    why: "Your visitors use the app that index.ts starts. With secure: true there's no cookie "
      + 'without HTTPS, so leave that for part two.',
    lookAt: 'index.ts: does the app from createApp() listen, and what is createApp() given? And '
      + 'session.ts: what is `secure`, and does anything depend on NODE_ENV?',
    exchange: answer,
  }, entry.output);
  expect(isSignedWith(testSecret, cookie.value), {
    observed: 'index.ts was started, and its session cookie is signed with a secret other than '
      + 'SESSION_SECRET.',
    why: "Wherever the app runs, it has a secret that isn't in the code. After a restart, cookies "
      + 'are good only if they were signed with the same secret.',
    lookAt: 'index.ts: is createApp() given { secret: SESSION_SECRET }?',
    exchange: answer,
  });
});

test('it counts the visits of a browser', { move: 3 }, async ({ openApp, advanceClock }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  expectVisit(await browser.get('/'), 1);
  const cookie = browser.cookieHeader();
  await browser.get('/favicon.ico');
  expectVisit(await browser.get('/'), 2, {
    3: 'In between, the browser asked for /favicon.ico, as browsers do by themselves, and that '
      + "counted as a visit. A visit is a GET /, so it's counted in that route.",
  }, 'app.ts: which requests are counted?');
  advanceClock(60_000);
  const answer = await browser.get('/');
  const isKnown = answer.cookie !== '';
  expectVisit(answer, 3, {
    ...!isKnown && { 1: 'A minute later the same browser was taken for a new one: its cookie had '
      + 'expired. maxAge is in milliseconds, and `expires` is one date for all visitors.' },
  }, isKnown ? undefined : 'session.ts: does the cookie have a maxAge, or `expires`?');
  for (let visit = 4; visit <= 12; visit++) expectVisit(await browser.get('/'), visit);
  expectVisit(await browser.getWithCookie('/', cookie), 13, {
    1: 'The cookie from the first visit was sent again, and it no longer opened the session. If '
      + 'the id changes on every visit, two requests at once lose the session. Change it when '
      + 'rights change, as at a login.',
    2: 'The cookies from the first visit were sent again, and the count went back. So the count is '
      + 'in a cookie, where visitors can change it. Keep it in req.session.',
  }, 'app.ts: where is the count kept, and is regenerate() called on each visit?');
});

test('two browsers are counted apart', { move: 3 }, async ({ openApp, advanceClock }) => {
  const app = await openApp();
  const [anna, ben] = [app.newBrowser(), app.newBrowser()];
  await anna.get('/');
  expectVisit(await anna.get('/'), 2);
  expectVisit(await ben.get('/'), 1);
  expectVisit(await anna.get('/'), 3, {
    2: "Another browser came, and its session replaced this one's: they have the same id.",
  }, 'session.ts: is every id different (genid)?');

  const crowd = Array.from({ length: 10 }, () => app.newBrowser());
  for (const visit of [1, 2]) {
    const answers = await app.atOnce(crowd.map((browser) => () => browser.get('/')))
      .catch(() => []);
    expect(answers.length > 0, { ...atOnce, observed: 'Ten browsers came at once, and not all of '
      + 'them were answered.' });
    for (const answer of answers) {
      expect(answer.body.includes(String(visit)), { ...atOnce, observed: 'Ten browsers came at '
        + `once, for the ${visit === 1 ? 'first' : 'second'} time, and one of them read `
        + `${quote(answer.body)}.` });
    }
  }

  // A server that has been running for more than a year gets a new visitor.
  advanceClock(400 * 24 * 60 * 60 * 1000);
  const cleo = app.newBrowser();
  await cleo.get('/');
  expectVisit(await cleo.get('/'), 2, {
    1: 'The server has been running for a long time, and now every cookie is dead on arrival: '
      + '`expires` was computed once, when the server started. maxAge counts from each visit.',
  }, 'session.ts: does the cookie have `expires`?');
});

test('a tampered cookie is a new visitor', { move: 3 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  await browser.get('/');
  expectVisit(await browser.get('/'), 2);

  const cookie = browser.sessionCookie();
  const answer = await app.newBrowser().getWithCookie('/', browser.tamperedCookieHeader());
  expectVisit(answer, 1, {
    3: "A cookie whose signature doesn't match was accepted. Anyone who learns an id could pose as "
      + 'that visitor.',
  });
  for (const known of ['keyboard cat', 'secret', 'your-secret-key', 'changeme', 'dev-secret']) {
    const id = cookie?.id ?? '';
    const signature = createHmac('sha256', known).update(id).digest('base64').replace(/=+$/, '');
    const forged = `${cookie?.name}=${encodeURIComponent(`s:${id}.${signature}`)}`;
    expectVisit(await app.newBrowser().getWithCookie('/', forged), 1, {
      3: `Mallory signed a cookie with “${known}”, and it was accepted. Everyone knows that `
        + 'secret. If `secret` is a list, every secret in it counts.',
    }, 'session.ts: is `secret` what sessionOptions() is given, and nothing else?');
  }
  const fresh = findSessionCookie(answer.setCookie);
  expect(fresh !== undefined && fresh.id !== cookie?.id, {
    observed: 'The answer to the tampered cookie came without a new session id.',
    why: "A visitor whose cookie can't be trusted has to start over, with a new id.",
    lookAt: 'app.ts: what sets the cookie?',
    exchange: answer,
  });
});

// With a database, two apps may well share their sessions.
test('a second app knows nobody', { move: 3, later: false }, async ({ openApp }) => {
  const first = await openApp();
  const browser = first.newBrowser();
  await browser.get('/');
  expectVisit(await browser.get('/'), 2);

  const second = await openApp();
  expectVisit(await browser.movedTo(second).get('/'), 1, {
    3: 'A second createApp() knew a browser that had only visited the first. Something outside '
      + 'createApp() keeps the sessions, or the count; build it inside, with the app.',
  }, 'app.ts and session.ts: what is built outside their functions?');
});

test('a request that stores nothing gets no cookie', { move: 4 }, async ({ openApp }) => {
  const app = await openApp();
  const home = await app.newBrowser().get('/');
  const cookie = findSessionCookie(home.setCookie);
  expect(cookie !== undefined, {
    observed: 'Not even GET / sets a session cookie.',
    why: 'GET / has a count to store, so it needs a session.',
    lookAt: 'app.ts: is app.use(session(…)) above the route?',
    exchange: home,
  });
  const nowhere = await app.newBrowser().get('/no-such-page');
  expect(!nowhere.setCookie.some((header) => header.startsWith(`${cookie.name}=`)), {
    observed: `GET /no-such-page stores nothing (status ${nowhere.status}) and got a session `
      + 'cookie.',
    why: 'Every bot and every health check would leave a session behind, thousands a day. With '
      + "saveUninitialized: false a session is stored only once there's something in it.",
    lookAt: "session.ts: what is saveUninitialized (if it's missing, or a string, it counts as "
      + 'true)? And app.ts: is GET / the only place that stores something in the session?',
    exchange: nowhere,
  });
});

test("a slow request doesn't undo a visit", { move: 4 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  expectVisit(await browser.get('/'), 1);

  // A slow request has read its session and has not answered yet. In between the browser visits
  // in another tab.
  const slow = await app.startSlowGet('/no-such-page', browser.cookieHeader());
  expectVisit(await browser.get('/'), 2);
  await slow.finish();

  expectVisit(await browser.get('/'), 3, {
    2: 'A slow request that only read the session was under way during visit 2, and wrote its '
      + "old copy back when it ended: visit 2 is lost. With resave: false a session isn't written "
      + 'unless it has changed.',
  }, "session.ts: what is resave (if it's missing, or a string, it counts as true)? And app.ts: is "
  + 'save() called?');
});

test('the cookie is HttpOnly and SameSite=Lax', { move: 5 }, async ({ openApp }) => {
  const app = await openApp();
  const answer = await app.newBrowser().get('/');
  const name = findSessionCookie(answer.setCookie)?.name;
  const header = answer.setCookie.find((cookie) => cookie.startsWith(`${name}=`));
  expect(header !== undefined, {
    observed: 'GET / sets no session cookie.',
    why: 'Without the cookie, every visit is a first visit.',
    lookAt: 'app.ts: is app.use(session(…)) above the route?',
    exchange: answer,
  });
  expect(/; *httponly/i.test(header), {
    observed: "The session cookie isn't HttpOnly.",
    why: "Any script in the page, even an attacker's, can read the cookie and send it elsewhere.",
    lookAt: 'session.ts: what is cookie.httpOnly?',
    exchange: answer,
  });
  expect(/; *samesite=(lax|strict)/i.test(header), {
    observed: /samesite/i.test(header)
      ? 'The session cookie is SameSite=None.'
      : 'The session cookie says nothing about SameSite.',
    why: 'A form on any other site could post to yours, and some browsers would send the cookie '
      + 'along. With SameSite=Lax, none of them does.',
    lookAt: 'session.ts: what is cookie.sameSite?',
    exchange: answer,
  });
});

const atOnce = {
  why: 'Requests overlap: while one waits, others are answered. Keep what belongs to one request '
    + 'in req and res. In a variable outside the handler, the next request overwrites it.',
  lookAt: 'app.ts: which variables are shared by all requests?',
};

/** Whether the value of a session cookie, `s:id.signature`, was signed with this secret. */
function isSignedWith(secret: string, value: string): boolean {
  const [, id = '', signature] = /^s:([^.]+)\.(.+)$/.exec(decodeURIComponent(value)) ?? [];
  return (['utf8', 'base64', 'hex'] as const).some((encoding) => (
    createHmac('sha256', Buffer.from(secret, encoding)).update(id).digest('base64')
      .replace(/=+$/, '') === signature
  ));
}
