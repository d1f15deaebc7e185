import {
  beginRequest,
  createAccount,
  expect,
  expectNoServerError,
  expectVisit,
  findSessionCookie,
  logIn,
  quote,
  submit,
  testsOfStep,
  tryLogin,
  userOf,
  type Context,
  type Browser,
  type Exchange,
  type RunningApp,
} from '#harness';

const { test } = testsOfStep(9);

/** The app's address on the web. The proxy there says in X-Forwarded-Proto how a request came. */
const HTTPS = 'https://shop.example';
const HTTP = 'http://shop.example';

/** Mallory's host, beside the app's. */
const SIBLING = 'https://evil.shop.example';

const MINUTE_MS = 60_000;

const sniffed = "what mallory overhears on plain HTTP doesn't let her in";
test(sniffed, { move: 1 }, async (context) => {
  const { app, account } = await open(context);
  await expectKept(newBrowser(app));

  const ada = newBrowser(app);
  await logIn(ada, account);
  const heard = ada.at(HTTP).cookieHeader();
  const page = await newBrowser(app).getWithCookie('/account', heard);
  expect(userOf(page) === undefined, {
    observed: `Ada logged in at ${HTTPS}. Later she followed a link to ${HTTP}, and her browser `
      + `sent her cookie along. Mallory was listening on the same Wi-Fi. She sent that cookie to `
      + `${HTTPS}/account, and read “logged in as ada”.`,
    why: 'Without Secure, the browser sends the cookie over plain HTTP too, and anyone along the '
      + 'way can read it. One old link, or one picture with http://, is enough.',
    lookAt: 'session.ts: does cookieOptions say `secure: true`?',
    exchange: page,
  });

  const bob = newBrowser(app);
  await bob.at(HTTP).get('/');
  const visit = await bob.get('/');
  const spoken = findSessionCookie(bob.at(HTTP).cookieHeader().split('; '));
  expect(spoken === undefined, {
    observed: `Bob visited ${HTTP} first, and then ${HTTPS}. His browser still sends the cookie `
      + `${spoken?.name} over plain HTTP.`,
    why: "With `secure: 'auto'`, express-session decides only once, when a session begins. A "
      + 'session that began over plain HTTP keeps its insecure cookie over HTTPS.',
    lookAt: 'session.ts: does cookieOptions say `secure: true`, whatever happens?',
    exchange: visit,
  });
});

test('plain HTTP is refused, and the app says so', { move: 2 }, async (context) => {
  const { app, account } = await open(context);
  const ada = newBrowser(app);
  await logIn(ada, account);

  const insecure = newBrowser(app).at(HTTP);
  const login = await tryLogin(insecure, account);
  expectRefused(login, `Ada logged in at ${HTTP}, without the s`, 'Anyone along the way could '
  + "read her password. And a Secure cookie can't come back over plain HTTP, so she isn't even "
  + 'logged in, and nothing tells her why.');
  const challenge = '/.well-known/acme-challenge/';
  for (const path of [
    '/login', '/account', '/', '/logout', '/Account', '/account/', `/account?to=${challenge}`,
    // It's sent as //evil.example/login, which as an address would lead elsewhere.
    '/.//evil.example/login',
  ]) {
    expectRefused(await insecure.get(path), `Ada opened ${HTTP}${path}`, 'Anyone along the way can '
    + 'change a page that comes over plain HTTP, and read what is typed there.');
  }

  const local = await app.newBrowser().get('/login', {
    Host: 'localhost:4000', 'X-Forwarded-Proto': 'http',
  });
  expectRefused(local, 'A request came over plain HTTP, with Host: localhost:4000', 'The client '
  + 'sets Host, or the proxy does, and many proxies set it to localhost. It says nothing about how '
  + 'the request came.', 'https://localhost:4000');

  const cookie = ada.cookieHeader();
  const ways = {
    [`over plain HTTP, to ${HTTP}/account`]: 'http',
    'to the app itself, past the proxy': '',
    'over plain HTTP, to the first of two proxies': 'http, https',
  };
  for (const [how, proto] of Object.entries(ways)) {
    const page = await insecure.getWithCookie('/account', cookie, { 'X-Forwarded-Proto': proto });
    expectRefused(page, `Ada's cookie came ${how}`, 'Secure is a rule for browsers. A server '
    + 'takes a Secure cookie over plain HTTP too, though others may have read it along the way.');
  }
  const head = await insecure.head('/');
  expectRefused(head, `A HEAD request came over plain HTTP, to ${HTTP}/`, 'Express answers HEAD '
  + 'with the route for GET: the visit counts, and the session gets another hour.');
  const claimed = await insecure.getWithCookie('/account', cookie, {
    'X-Forwarded-Ssl': 'on', 'Front-End-Https': 'on', 'X-Forwarded-Scheme': 'https',
    'X-Url-Scheme': 'https', Forwarded: 'proto=https',
  });
  expectRefused(claimed, "Ada's cookie came over plain HTTP, with X-Forwarded-Ssl: on and other "
  + 'headers of that kind', 'The proxy overwrites X-Forwarded-Proto, and passes everything else on '
  + 'as the client wrote it.');
  const logout = await insecure.postWithCookie('/logout', cookie);
  expectRefused(logout, `A logout came over plain HTTP, to ${HTTP}/logout`, 'Anyone '
  + 'along the way could have read the cookie, or sent the request themselves.');

  const page = await ada.get('/account');
  expect(userOf(page) === 'ada', {
    observed: `Ada is logged in at ${HTTPS}. Then some requests came over plain HTTP, and now `
      + `GET /account over HTTPS answers with status ${page.status}.`,
    why: 'A request over plain HTTP must not change anything, and over HTTPS the app has to work.',
    lookAt: 'https-only.ts: which requests are refused?',
    exchange: page,
  });

  expectVisit(await ada.get('/'), 1);
  context.advanceClock(50 * MINUTE_MS);
  const again = await insecure.getWithCookie('/', cookie);
  expectRefused(again, `Ada's cookie came over plain HTTP, to ${HTTP}/`, 'Secure is a rule for '
  + 'browsers. A server takes a Secure cookie over plain HTTP too.');
  context.advanceClock(50 * MINUTE_MS);
  const { body } = await ada.get('/');
  expect(!/\b2\b/.test(body), {
    observed: "Ada hadn't visited the app for 100 minutes. But after 50, her cookie came over "
      + `plain HTTP. It was refused, and now her session is still there: ${quote(body)}.`,
    why: 'A refused request must change nothing. Below the session middleware, httpsOnly refuses '
      + 'too late: the session gets another hour, so anyone who has read the cookie can keep the '
      + 'session alive.',
    lookAt: 'app.ts: is app.use(httpsOnly) above app.use(session(…))?',
    exchange: again,
  });

  const half = beginRequest(app.url, '/login', {
    body: 'name=ada', length: 100, headers: { Host: 'shop.example', 'X-Forwarded-Proto': 'http' },
  });
  const isRefused = await half.isAnswered();
  half.finish('x'.repeat(92));
  expect(isRefused, {
    observed: `Half a login came over plain HTTP, to ${HTTP}/login, and there was no answer before `
      + 'the other half came.',
    why: 'The app reads the whole form, with the password in it, before it refuses. But the '
      + 'headers come first, and X-Forwarded-Proto is one of them.',
    lookAt: 'app.ts: is app.use(httpsOnly) above everything else, app.use(readForms) too?',
    exchange: await half.answer,
  });
});

const tossed = "a cookie tossed from a sibling host doesn't come before ada's own";
test(tossed, { move: 3 }, async (context) => {
  const { app, account } = await open(context);
  const mallorys = await createAccount(app, 'mallory');
  const first = newBrowser(app);
  await logIn(first, account);
  const name = first.sessionCookie()?.name ?? 'connect.sid';

  for (const [as, path] of [
    [name, '/account'], [name, '/'], ['connect.sid', '/account'],
  ] as const) {
    const mallory = newBrowser(app);
    await logIn(mallory, mallorys);
    const toss = `${as}=${mallory.sessionCookie()?.value}; Domain=shop.example; Path=${path}`;
    const lookAt = "session.ts: does the cookie's name begin with __Host-, and is every other name "
      + 'ignored? A host may set cookies for its siblings, but none with such a name.';
    const ada = newBrowser(app);
    ada.receive(`${toss}; Secure`, `${SIBLING}/`);
    await tryLogin(ada, account);
    const page = await ada.get('/account');
    const story = `Ada opened Mallory's page at ${SIBLING}. It set a cookie in her browser: `
      + `${as}=…; Domain=shop.example; Path=${path}. Then Ada logged in. `;
    expect(userOf(page) !== 'mallory', {
      observed: `${story}Now GET /account tells her “logged in as mallory”.`,
      why: 'Her browser sends both cookies, the one with the longer path first, and the app takes '
        + "the first. Ada is in Mallory's account: whatever she enters there, Mallory can read.",
      lookAt,
      exchange: page,
    });
    expect(userOf(page) === 'ada', {
      observed: `${story}Now GET /account answers with status ${page.status} and shows nobody.`,
      why: 'Her browser sends both cookies, the older one first, and the app takes the first. Ada '
        + "can't log in, however often she tries.",
      lookAt,
      exchange: page,
    });
    const alone = await newBrowser(app).getWithCookie('/account', toss.split(';')[0] ?? '');
    expect(as.startsWith('__Host-') || userOf(alone) === undefined, {
      observed: `A browser sent no cookie but ${as}=…, which came from ${SIBLING}. GET /account `
        + `says “logged in as ${userOf(alone) ?? ''}”.`,
      why: 'As long as the app takes the old name, too, Mallory can toss such a cookie to anyone '
        + "who has no session yet. Users who logged in under the old name log in once more, that's "
        + 'all.',
      lookAt: 'app.ts and session.ts: which cookie names count?',
      exchange: alone,
    });
  }
});

const kept = 'the browser keeps the cookie for this host alone, and forgets it at the logout';
test(kept, { move: 3 }, async (context) => {
  const { app, account } = await open(context);
  await expectKept(newBrowser(app));
  const stranger = await newBrowser(app).get('/no-such-page');
  const needless = stranger.setCookie.filter((cookie) => (
    findSessionCookie([cookie]) ?? cookie.startsWith('connect.sid=')
  ));
  expect(needless.length === 0, {
    observed: "A new browser asked for a page that doesn't exist, and the answer came with "
      + `Set-Cookie: ${needless.join()}.`,
    why: "A browser that has no session needs no cookie, and none has to be cleared. Cookies don't "
      + 'know ports, so connect.sid may belong to another app on this host.',
    lookAt: 'app.ts: which answers set or clear a cookie, and why?',
    exchange: stranger,
  });
  const ada = newBrowser(app);
  const login = await logIn(ada, account);
  const header = login.setCookie.find((each) => findSessionCookie([each])) ?? '';
  expect(/^__Host-/.test(header), {
    observed: `The session's cookie is called ${ada.sessionCookie()?.name}.`,
    why: "Any sibling host can set a cookie of that name, and the app can't tell who set it. "
      + 'Browsers take a cookie named __Host-… only from the host it is for.',
    lookAt: 'session.ts: what is cookieName?',
    exchange: login,
  });
  for (const [attribute, pattern] of Object.entries({
    HttpOnly: /;\s*HttpOnly/i,
    'SameSite=Lax or Strict': /;\s*SameSite=(Lax|Strict)/i,
  })) {
    expect(pattern.test(header), {
      observed: `The session's cookie comes without ${attribute}.`,
      why: '__Host- guards against other hosts, and Secure against plain HTTP. HttpOnly guards '
        + 'against scripts in your own pages, and SameSite against forms on other sites.',
      lookAt: 'session.ts: what does cookieOptions say?',
      exchange: login,
    });
  }

  for (const minutes of [40, 80]) {
    context.advanceClock(40 * MINUTE_MS);
    const page = await ada.get('/account');
    expect(userOf(page) === 'ada', {
      observed: `Ada read GET /account every 40 minutes. After ${minutes} minutes her browser had `
        + `${ada.sessionCookie() ? 'its cookie, and nobody was logged in' : 'no cookie any more'}.`,
      why: 'A maxAge ends the cookie, which is renewed only when the session changes. The store '
        + 'counts the hour, and starts it anew at each visit.',
      lookAt: 'session.ts: does cookieOptions have a maxAge, or `expires`?',
      exchange: page,
    });
  }

  // An older browser, which says only Origin.
  const logout = await submit(ada, '/logout', '/logout', {}, { Origin: HTTPS });
  expectNoServerError(logout);
  expect(logout.status < 400, {
    observed: `The app's own page at ${HTTPS} sent a logout, in an older browser that sends only `
      + `Origin: ${HTTPS}. It was answered with status ${logout.status}: ${quote(logout.body)}.`,
    why: 'The page came over HTTPS, so its Origin begins with https://. The proxy passes Host on '
      + 'unchanged.',
    lookAt: 'same-origin.ts: what is Origin compared with?',
    exchange: logout,
  });
  expect(ada.sessionCookie() === undefined, {
    observed: `Ada logged out, and her browser still holds ${ada.sessionCookie()?.name}.`,
    why: 'A cookie is cleared by setting it again, with a date in the past. A browser obeys that '
      + 'for a __Host- cookie only if Secure is there again, too.',
    lookAt: 'app.ts: is clearCookie() given the name and the options that the cookie was set with?',
    exchange: logout,
  });
});

/** An app in which Ada has an account. */
async function open({ openApp }: Context) {
  const app = await openApp();
  return { app, account: await createAccount(app, 'ada') };
}

function newBrowser(app: RunningApp): Browser {
  return app.newBrowser().at(HTTPS);
}

/** Expects that two visits over HTTPS count: the app sets its cookie, and the browser keeps it. */
async function expectKept(browser: Browser): Promise<void> {
  const visit = await browser.get('/');
  expect(!(visit.status >= 500 && visit.body.includes('undefined (reading')), {
    observed: `GET ${HTTPS}/ was answered with status ${visit.status}: there's no req.session.`,
    why: "express-session gives a session only to requests below the cookie's path, and only if "
      + 'app.use(session(…)) is above the route.',
    lookAt: 'session.ts: does cookieOptions set a `path`? The default, /, is right.',
    exchange: visit,
  }, visit.body);
  expectNoServerError(visit);
  expect(visit.status < 300, {
    observed: `A request came over HTTPS, to ${HTTPS}, and was answered with status `
      + `${visit.status}: ${quote(visit.body)}.`,
    why: 'The proxy ends HTTPS and speaks plain HTTP with the app. X-Forwarded-Proto says how the '
      + 'request came, and Express believes it only if you tell it to trust the proxy.',
    lookAt: "app.ts: does it say app.set('trust proxy', 1)? And https-only.ts: does it ask "
      + 'req.secure?',
    exchange: visit,
  });
  expect(findSessionCookie(visit.setCookie) !== undefined, {
    observed: `A browser came to ${HTTPS} for the first time, and got no cookie.`,
    why: 'express-session sends a Secure cookie only if the request came over HTTPS. Otherwise it '
      + 'sends none, and no error either. The proxy ends HTTPS, and says so in X-Forwarded-Proto, '
      + 'which counts only if the app trusts the proxy.',
    lookAt: "app.ts: does it say app.set('trust proxy', 1)?",
    exchange: visit,
  });
  const { name = '' } = findSessionCookie(visit.setCookie) ?? {};
  expect(browser.sessionCookie() !== undefined, {
    observed: `The app set ${name}, and the browser at ${HTTPS} didn't take it.`,
    why: name.startsWith('__Host-')
      ? 'A browser takes a cookie whose name begins with __Host- only with Secure, with Path=/ and '
      + 'without Domain. Otherwise it drops it, and only DevTools says so.'
      : 'A browser takes a cookie only for the host that sets it or its parent, and one whose name '
        + 'begins with __Secure- only with Secure.',
    lookAt: 'session.ts: what does cookieOptions say?',
    exchange: visit,
  });
  expectVisit(await browser.get('/'), 2, {});
}

/** Expects a 4xx, or a redirect to HTTPS, and no session cookie. */
function expectRefused(answer: Exchange, what: string, why: string, https = HTTPS): void {
  expectNoServerError(answer);
  const { status, location = '' } = answer;
  const isRefused = status >= 400 || (status >= 300 && location.startsWith(`${https}/`));
  const user = userOf(answer);
  expect(isRefused, {
    observed: `${what}, and was answered with status ${status}`
      + `${location && ` and Location: ${location}`}${user ? `, “logged in as ${user}”` : ''}.`,
    why,
    lookAt: 'app.ts: is app.use(httpsOnly) above everything else? And https-only.ts: when does it '
      + 'call next()?',
    exchange: answer,
  });
  expect(findSessionCookie(answer.setCookie) === undefined, {
    observed: `${what}, and got a session cookie.`,
    why: 'Anyone along the way can read what goes out over plain HTTP.',
    lookAt: 'app.ts: does app.use(httpsOnly) stand above app.use(session(…))?',
    exchange: answer,
  });
}
