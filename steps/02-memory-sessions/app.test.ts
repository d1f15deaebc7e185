import {
  countStands,
  expect,
  expectNoServerError,
  expectVisit,
  findSessionCookie,
  startSlowRequest,
  testsOfStep,
} from '#harness';

const { test, testEntry } = testsOfStep(2);

const withoutSecret = { move: 1, env: () => ({ SESSION_SECRET: undefined }) };
testEntry('index.ts does not start without a SESSION_SECRET', withoutSecret, async (entry) => {
  await entry.settled();
  expect(entry.port === undefined, {
    observed: 'SESSION_SECRET was not set, and index.ts listens all the same.',
    why: 'Without a secret express-session answers every single request with an error. Nobody '
      + 'notices until the first visitor comes, so look for it at start-up.',
    lookAt: 'session.ts: what if process.env.SESSION_SECRET is not set?',
  });
  expect(await entry.ended() && entry.ending !== 0, {
    observed: `SESSION_SECRET was not set, and index.ts ended with exit code ${entry.ending}, `
      + 'as if all were well.',
    why: 'The exit code is how a shell or a hosting platform learns that the start failed.',
    lookAt: 'index.ts: does it call process.exit(1)?',
  });
  expect(entry.output.includes('SESSION_SECRET'), {
    observed: 'SESSION_SECRET was not set, and index.ts ended without naming it. It printed: '
      + `“${entry.lastWords}”`,
    why: 'The person at the terminal has to read which variable is missing.',
    lookAt: 'session.ts: which sentence does the Error hold?',
  });
});

test('the first visit gets a signed session cookie', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  const first = await browser.get('/');
  expectNoServerError(first);
  expect(browser.sessionCookie() !== undefined, {
    observed: first.setCookie.length > 0
      ? `GET / set a cookie, but none that holds a signed session id: ${first.setCookie.join()}`
      : 'GET / came back without a Set-Cookie header.',
    why: 'The session id in the cookie is all that ties a browser to its session. Without the '
      + 'cookie, every visit is a first visit.',
    lookAt: 'app.ts: does app.use(session(…)) stand above the route, and does the cookie need '
      + 'HTTPS (secure: true)?',
    exchange: first,
  });
});

test('it counts the visits of a browser', { move: 2 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  expectVisit(await browser.get('/'), 1, {
    NaN: 'undefined + 1 is NaN: a new session holds no visits yet, so the count needs a value '
      + 'to start from: (req.session.visits ?? 0) + 1.',
  });
  expectVisit(await browser.get('/'), 2, countStands);
  expectVisit(await browser.get('/'), 3, countStands);
});

test('two browsers are counted apart', { move: 2 }, async ({ openApp }) => {
  const app = await openApp();
  const [anna, ben] = [app.newBrowser(), app.newBrowser()];
  await anna.get('/');
  expectVisit(await anna.get('/'), 2, countStands);
  expectVisit(await ben.get('/'), 1, {
    3: 'A browser that has never been here was told that it is visit 3: the count is shared by '
      + 'all. A variable of the module belongs to the whole server; req.session belongs to one '
      + 'browser.',
  });
});

test('a tampered cookie is a new visitor', { move: 2 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  await browser.get('/');
  expectVisit(await browser.get('/'), 2, countStands);

  const cookie = browser.sessionCookie();
  const tampered = browser.cookieHeader().replace(/.(?=[^.]{20}$)/, (c) => (c === 'x' ? 'y' : 'x'));
  const answer = await app.newBrowser().getWithCookie('/', tampered);
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

test('a second app knows nobody', { move: 2 }, async ({ openApp }) => {
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

test('a request that stores nothing gets no cookie', { move: 3 }, async ({ openApp }) => {
  const app = await openApp();
  const home = await app.newBrowser().get('/');
  expect(findSessionCookie(home.setCookie) !== undefined, {
    observed: 'Not even GET / sets a session cookie.',
    why: 'The page that counts has something to store, so it needs a session.',
    lookAt: 'app.ts: does app.use(session(…)) stand above the route?',
    exchange: home,
  });
  const nowhere = await app.newBrowser().get('/no-such-page');
  expect(nowhere.setCookie.length === 0, {
    observed: `GET /no-such-page stores nothing (status ${nowhere.status}) and got a session `
      + 'cookie.',
    why: 'Every robot and every health check would leave a session behind, thousands a day. '
      + 'With saveUninitialized: false a session is kept once something is in it.',
    lookAt: 'session.ts: what is saveUninitialized? If it is missing, it is true.',
    exchange: nowhere,
  });
});

test('a slow request takes no visit back', { move: 3 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  expectVisit(await browser.get('/'), 1, {});

  // The session of the slow request is read when its headers come; its answer, a 404, waits for
  // the last byte of its body. In between the browser visits in another tab.
  const slow = await startSlowRequest(app.url, browser.cookieHeader());
  expectVisit(await browser.get('/'), 2, countStands);
  await slow.finish();

  expectVisit(await browser.get('/'), 3, {
    2: 'A slow request that only read the session was under way during visit 2 and wrote its '
      + 'old copy back when it ended: visit 2 is lost. With resave: false a session that nobody '
      + 'changed is not written.',
  }, 'session.ts: what is resave? If it is missing, it is true.');
});

test('the cookie is HttpOnly and SameSite=Lax', { move: 4 }, async ({ openApp }) => {
  const app = await openApp();
  const answer = await app.newBrowser().get('/');
  const header = answer.setCookie.find((cookie) => findSessionCookie([cookie])) ?? '';
  expect(header !== '', {
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
