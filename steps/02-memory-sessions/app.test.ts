import { createHmac } from 'node:crypto';
import {
  countStands,
  expect,
  expectNoServerError,
  expectVisit,
  findSessionCookie,
  testSecret,
  testsOfStep,
  type Entry,
} from '#harness';

const { test, testEntry } = testsOfStep(2);

const withoutSecret = { move: 1, env: () => ({ SESSION_SECRET: undefined }) };
testEntry('index.ts does not start without a SESSION_SECRET', withoutSecret, async (entry) => {
  await expectStopped(entry, 'SESSION_SECRET was not set');
});

const withEmptySecret = { move: 1, env: () => ({ SESSION_SECRET: '' }) };
testEntry('an empty SESSION_SECRET counts as missing', withEmptySecret, async (entry) => {
  await expectStopped(entry, 'SESSION_SECRET was empty');
});

async function expectStopped(entry: Entry, given: string): Promise<void> {
  await entry.settled();
  const cookies = entry.port && await setCookiesOf(entry);
  expect(cookies === undefined, {
    observed: `${given}, and index.ts listens all the same.`,
    why: findSessionCookie(cookies || []) !== undefined
      ? 'A secret that stands in the code is known to everyone who reads the code, and such a '
      + 'fallback goes unnoticed until it is too late. Better not to start.'
      : 'Without a secret express-session answers every request with an error. Nobody notices '
        + 'until the first visitor comes, so check it when the app starts.',
    lookAt: 'index.ts: what if process.env.SESSION_SECRET is not set, or empty?',
  });
  expect(await entry.ended(), {
    observed: `${given}, and index.ts neither listened nor ended.`,
    why: 'A program that cannot do its work must end, so that the person, or the platform '
      + 'that runs it, notices.',
    lookAt: 'index.ts: what ends the process?',
  });
  expect(entry.ending !== 0, {
    observed: `${given}, and index.ts ended with exit code ${entry.ending}, as if all were well.`,
    why: 'The exit code is how a shell or a hosting platform learns that the start failed.',
    lookAt: 'index.ts: does it call process.exit(1)?',
  });
  expect(entry.words.includes('SESSION_SECRET'), {
    observed: `${given}, and index.ts ended without naming it. It printed: “${entry.lastWords}”`,
    why: 'The person at the terminal has to read which variable is missing.',
    lookAt: 'index.ts: which sentence is stop() given?',
  }, entry.output);
}

test('the first visit gets a signed session cookie', { move: 2 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  const first = await browser.get('/');
  expectNoServerError(first);
  const cookie = findSessionCookie(first.setCookie);
  expect(cookie !== undefined, {
    observed: first.setCookie.length > 0
      ? 'GET / set a cookie, but none that holds a signed session id.'
      : 'GET / came back without a Set-Cookie header.',
    why: 'The session id in the cookie is all that ties a browser to its session. Without the '
      + 'cookie, every visit is a first visit.',
    lookAt: 'app.ts: does app.use(session(…)) stand above the route, is something put into '
      + 'req.session before the answer is sent, and are the options right (createApp() is given '
      + 'an object, { secret }; secure: true needs HTTPS; maxAge is a number)?',
    exchange: first,
  });
  expect(isSignedWith(testSecret, cookie.value), {
    observed: 'The session cookie is signed, but not with the secret that createApp() was given.',
    why: 'A secret in the code is known to everyone who reads the code, today or in the history '
      + 'of the repository. And only index.ts reads the environment: it checks the secret and '
      + 'hands it over.',
    lookAt: 'session.ts: is `secret` the one that sessionOptions() is given?',
    exchange: first,
  });
  expect(browser.sessionCookie() !== undefined, {
    observed: 'The browser threw the session cookie away, or will not send it back to /.',
    why: 'A cookie with another Path or Domain, or with an end in the past, is lost at once.',
    lookAt: 'session.ts: which cookie options are set?',
    exchange: first,
  });
});

const withSecret = { move: 2, env: () => ({ PORT: '' }) };
testEntry('index.ts hands SESSION_SECRET over to createApp()', withSecret, async (entry) => {
  await entry.settled();
  expect(entry.port !== undefined, {
    observed: entry.running
      ? 'SESSION_SECRET was set, and index.ts runs but does not listen.'
      : `SESSION_SECRET was set, and index.ts ended (exit code ${entry.ending}). It printed: `
        + `“${entry.lastWords}”`,
    why: 'With a secret, and on port 4000 if PORT is not set or empty, the app starts.',
    lookAt: 'index.ts: when does it stop, and what is asked to listen?',
  }, entry.output);
  const cookie = findSessionCookie(await setCookiesOf(entry));
  expect(cookie !== undefined, {
    observed: 'index.ts was started and visited, and set no session cookie.',
    why: 'The app that index.ts starts is the one that visitors meet.',
    lookAt: 'index.ts: is the app of createApp() asked to listen, and what is it given?',
  }, entry.output);
  expect(isSignedWith(testSecret, cookie.value), {
    observed: 'index.ts was started, and its session cookie is signed with another secret than '
      + 'SESSION_SECRET.',
    why: 'Each place where the app runs has a secret of its own, which is not in the code. After '
      + 'a restart, cookies are good only if they were signed with the same secret.',
    lookAt: 'index.ts: is createApp() given { secret: SESSION_SECRET }?',
  });
});

/** The Set-Cookie headers that an index.ts answers GET / with. */
function setCookiesOf({ port }: Entry): Promise<string[]> {
  return fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5000) })
    .then((answer) => answer.headers.getSetCookie(), () => []);
}

test('it counts the visits of a browser', { move: 3 }, async ({ openApp, advanceClock }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  expectVisit(await browser.get('/'), 1, {});
  expectVisit(await browser.get('/'), 2, countStands);
  advanceClock(5000);
  expectVisit(await browser.get('/'), 3, {
    1: 'Five seconds later the same browser was taken for a new one: its cookie had come to its '
      + 'end. maxAge is in milliseconds, and `expires` is one date for all.',
  }, 'session.ts: does the cookie have a maxAge, or `expires`?');
});

test('two browsers are counted apart', { move: 3 }, async ({ openApp, advanceClock }) => {
  const app = await openApp();
  const [anna, ben] = [app.newBrowser(), app.newBrowser()];
  await anna.get('/');
  expectVisit(await anna.get('/'), 2, countStands);
  expectVisit(await ben.get('/'), 1, {});
  expectVisit(await anna.get('/'), 3, {
    2: 'Another browser came, and its session took the place of this one: they have the same id.',
  }, 'session.ts: is every id different (genid)?');

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
  expectVisit(await browser.get('/'), 2, countStands);

  const cookie = browser.sessionCookie();
  const answer = await app.newBrowser().getWithCookie('/', browser.tamperedCookieHeader());
  expectVisit(answer, 1, {
    3: 'A cookie whose signature does not fit was taken for a real one. Whoever can guess an id '
      + 'would be that visitor.',
  });
  const fresh = findSessionCookie(answer.setCookie);
  expect(fresh !== undefined && fresh.id !== cookie?.id, {
    observed: 'The tampered cookie was answered without a new session id.',
    why: 'A visitor whose cookie cannot be trusted has to start over with an id of their own.',
    lookAt: 'app.ts: who makes the cookie?',
    exchange: answer,
  });
});

test('a second app knows nobody', { move: 3 }, async ({ openApp }) => {
  const first = await openApp();
  const browser = first.newBrowser();
  await browser.get('/');
  expectVisit(await browser.get('/'), 2, countStands);

  const second = await openApp();
  expectVisit(await browser.movedTo(second).get('/'), 1, {
    3: 'A second createApp() knew a browser that had only been at the first. Something outside '
      + 'createApp() keeps the sessions, or the count; build it inside, with the app.',
  });
});

test('a request that stores nothing gets no cookie', { move: 4 }, async ({ openApp }) => {
  const app = await openApp();
  const home = await app.newBrowser().get('/');
  const cookie = findSessionCookie(home.setCookie);
  expect(cookie !== undefined, {
    observed: 'Not even GET / sets a session cookie.',
    why: 'The page that counts has something to store, so it needs a session.',
    lookAt: 'app.ts: does app.use(session(…)) stand above the route?',
    exchange: home,
  });
  const nowhere = await app.newBrowser().get('/no-such-page');
  expect(!nowhere.setCookie.some((header) => header.startsWith(`${cookie.name}=`)), {
    observed: `GET /no-such-page stores nothing (status ${nowhere.status}) and got a session `
      + 'cookie.',
    why: 'Every robot and every health check would leave a session behind, thousands a day. '
      + 'With saveUninitialized: false a session is kept once something is in it.',
    lookAt: 'session.ts: what is saveUninitialized (if it is missing, it is true)? And app.ts: is '
      + 'only GET / counted?',
    exchange: nowhere,
  });
});

test('a slow request takes no visit back', { move: 4 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  expectVisit(await browser.get('/'), 1, {});

  // A slow request has read its session and has not answered yet. In between the browser visits
  // in another tab.
  const slow = await app.startSlowGet('/no-such-page', browser.cookieHeader());
  expectVisit(await browser.get('/'), 2, countStands);
  await slow.finish();

  expectVisit(await browser.get('/'), 3, {
    2: 'A slow request that only read the session was under way during visit 2 and wrote its '
      + 'old copy back when it ended: visit 2 is lost. With resave: false a session that nobody '
      + 'changed is not written.',
  }, 'session.ts: what is resave? If it is missing, it is true.');
});

test('the cookie is HttpOnly and SameSite=Lax', { move: 5 }, async ({ openApp }) => {
  const app = await openApp();
  const answer = await app.newBrowser().get('/');
  const name = findSessionCookie(answer.setCookie)?.name;
  const header = answer.setCookie.find((cookie) => cookie.startsWith(`${name}=`));
  expect(header !== undefined, {
    observed: 'GET / sets no session cookie.',
    why: 'Without the cookie, every visit is a first visit.',
    lookAt: 'app.ts: does app.use(session(…)) stand above the route?',
    exchange: answer,
  });
  expect(/; *httponly/i.test(header), {
    observed: 'The session cookie is not HttpOnly.',
    why: 'Any script in the page, an attacker\'s too, can read the cookie and carry it away.',
    lookAt: 'session.ts: what is cookie.httpOnly?',
    exchange: answer,
  });
  expect(/; *samesite=(lax|strict)/i.test(header), {
    observed: /samesite/i.test(header)
      ? 'The session cookie is SameSite=None.'
      : 'The session cookie says nothing about SameSite.',
    why: 'A form on any other site could post to yours, and the browser would send the cookie '
      + 'along. With SameSite=Lax it does not.',
    lookAt: 'session.ts: what is cookie.sameSite?',
    exchange: answer,
  });
});

/** Whether the value of a session cookie, `s:id.signature`, was signed with this secret. */
function isSignedWith(secret: string, value: string): boolean {
  const [, id = '', signature] = /^s:([^.]+)\.(.+)$/.exec(decodeURIComponent(value)) ?? [];
  return (['utf8', 'base64', 'hex'] as const).some((encoding) => (
    createHmac('sha256', Buffer.from(secret, encoding)).update(id).digest('base64')
      .replace(/=+$/, '') === signature
  ));
}
