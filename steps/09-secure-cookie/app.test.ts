import {
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

const sniffed = 'what mallory hears on plain HTTP does not let her in';
test(sniffed, { move: 1 }, async (context) => {
  const { app, account } = await open(context);
  await expectKept(newBrowser(app));

  const ada = newBrowser(app);
  await logIn(ada, account);
  const heard = ada.at(HTTP).cookieHeader();
  const page = await newBrowser(app).getWithCookie('/account', heard);
  expect(userOf(page) === undefined, {
    observed: `Ada logged in at ${HTTPS}. Later she followed a link to ${HTTP}, and her browser `
      + `sent her cookie along. Mallory, in the same café, was listening. She sent that cookie to `
      + `${HTTPS}/account, and read “logged in as ada”.`,
    why: 'Without Secure, a cookie goes along over plain HTTP as well, where everybody on the way '
      + 'can read it. One old link or one picture with http:// is enough.',
    lookAt: 'session.ts: does cookieOptions say `secure: true`?',
    exchange: page,
  });

  const bob = newBrowser(app);
  await bob.at(HTTP).get('/');
  const visit = await bob.get('/');
  const spoken = findSessionCookie(bob.at(HTTP).cookieHeader().split('; '));
  expect(spoken === undefined, {
    observed: `Bob typed shop.example, and his browser went to ${HTTP} first, then to ${HTTPS}. `
      + `The cookie ${spoken?.name} that it got goes along over plain HTTP.`,
    why: 'What a session began with stays: express-session decides about `secure: \'auto\'` when '
      + 'the session begins, and never again.',
    lookAt: 'session.ts: does cookieOptions say `secure: true`, and nothing else?',
    exchange: visit,
  });
});

test('plain HTTP is refused, and the app says so', { move: 2 }, async (context) => {
  const { app, account } = await open(context);
  const ada = newBrowser(app);
  await logIn(ada, account);

  const hurried = newBrowser(app).at(HTTP);
  const login = await tryLogin(hurried, account);
  expectRefused(login, `Ada logged in at ${HTTP}, without the s`, 'Her password went over the '
  + 'network for everybody to read. No Secure cookie can come back over plain HTTP, so she is not '
  + 'even in, and nobody tells her why.');
  for (const path of ['/login', '/account', '/', '/logout']) {
    expectRefused(await hurried.get(path), `Ada opened ${HTTP}${path}`, 'Over plain HTTP no page '
    + 'is what it seems to be: everybody on the way can change it, and read what is typed there.');
  }

  const cookie = ada.cookieHeader();
  const ways = {
    [`over plain HTTP, to ${HTTP}/account`]: 'http',
    'to the app itself, past the proxy': '',
  };
  for (const [how, proto] of Object.entries(ways)) {
    const page = await hurried.getWithCookie('/account', cookie, { 'X-Forwarded-Proto': proto });
    expectRefused(page, `Ada’s cookie came ${how}`, 'Secure binds the browser, and nobody else. '
    + 'A cookie that comes over plain HTTP all the same has been heard by others.');
  }
  const logout = await hurried.postWithCookie('/logout', cookie);
  expectRefused(logout, `A logout came over plain HTTP, to ${HTTP}/logout`, 'Whoever is on the way '
  + 'can send that.');

  const page = await ada.get('/account');
  expect(userOf(page) === 'ada', {
    observed: `Ada is logged in at ${HTTPS}. Then some requests came over plain HTTP, and now `
      + `GET /account over HTTPS answers with status ${page.status}.`,
    why: 'What comes over plain HTTP changes nothing for those who come over HTTPS.',
    lookAt: 'https-only.ts: which requests are refused?',
    exchange: page,
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
    const ada = newBrowser(app);
    ada.receive(`${toss}; Secure`, `${SIBLING}/`);
    await tryLogin(ada, account);
    const page = await ada.get('/account');
    const story = `Ada had looked at ${SIBLING}, a page of mallory’s. It set a cookie of its own in `
      + `her browser: ${as}=…; Domain=shop.example; Path=${path}. Then ada logged in. `;
    expect(userOf(page) !== 'mallory', {
      observed: `${story}Now GET /account tells her “logged in as mallory”.`,
      why: 'A host may set cookies for its parent, and so for its siblings. The one with the longer '
        + 'path goes first, and the app takes the first. Whatever ada writes now, mallory reads.',
      lookAt: 'session.ts: does the cookie’s name begin with __Host-? Browsers take such a cookie '
        + 'only without Domain, with Path=/ and with Secure.',
      exchange: page,
    });
    expect(userOf(page) === 'ada', {
      observed: `${story}Now GET /account answers with status ${page.status} and shows nobody.`,
      why: 'A host may set cookies for its parent, and so for its siblings. The older one goes '
        + 'first, and the app takes the first: ada can’t log in, however often she tries.',
      lookAt: 'session.ts: does the cookie’s name begin with __Host-? Browsers take such a cookie '
        + 'only without Domain, with Path=/ and with Secure.',
      exchange: page,
    });
  }
});

const kept = 'the browser keeps the cookie for this host alone, and forgets it at the logout';
test(kept, { move: 3 }, async (context) => {
  const { app, account } = await open(context);
  await expectKept(newBrowser(app));
  const ada = newBrowser(app);
  const login = await logIn(ada, account);
  const header = login.setCookie.find((each) => findSessionCookie([each])) ?? '';
  expect(/^__Host-/.test(header), {
    observed: `The session’s cookie is called ${ada.sessionCookie()?.name}.`,
    why: 'Any host beside this one can set a cookie of that name, and the app can’t tell whose it '
      + 'is. By the name __Host-…, a browser knows that it has to be the app’s own.',
    lookAt: 'session.ts: what is cookieName?',
    exchange: login,
  });
  for (const [attribute, pattern] of Object.entries({
    HttpOnly: /;\s*HttpOnly/i,
    'SameSite=Lax or Strict': /;\s*SameSite=(Lax|Strict)/i,
  })) {
    expect(pattern.test(header), {
      observed: `The session’s cookie comes without ${attribute}.`,
      why: 'Secure and __Host- keep other hosts out. They don’t keep out scripts of the page itself '
        + '(HttpOnly does) nor forms of other sites (SameSite does).',
      lookAt: 'session.ts: what does cookieOptions say?',
      exchange: login,
    });
  }

  // An older browser, which says only Origin.
  const logout = await submit(ada, '/logout', '/logout', {}, { Origin: HTTPS });
  expectNoServerError(logout);
  expect(logout.status < 400, {
    observed: `The app’s own page at ${HTTPS} sent a logout, in an older browser that sends only `
      + `Origin: ${HTTPS}. It was answered with status ${logout.status}: ${quote(logout.body)}.`,
    why: 'The proxy passes Host on as it came, and in front of the proxy all is HTTPS.',
    lookAt: 'same-origin.ts: what is Origin compared with?',
    exchange: logout,
  });
  expect(ada.sessionCookie() === undefined, {
    observed: `Ada logged out, and her browser still holds ${ada.sessionCookie()?.name}.`,
    why: 'A cookie is cleared by setting it once more, with an end in the past. Of a name with '
      + '__Host- a browser takes that only with Secure, too.',
    lookAt: 'app.ts: is clearCookie() given the name and the options that the cookie was set with?',
    exchange: logout,
  });
});

/** An app in which ada has an account. */
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
  expectNoServerError(visit);
  expect(visit.status < 300, {
    observed: `A request came over HTTPS, to ${HTTPS}, and was answered with status `
      + `${visit.status}: ${quote(visit.body)}.`,
    why: 'The proxy ends HTTPS and speaks plain HTTP with the app. So the connection itself tells '
      + 'nothing. The proxy says in X-Forwarded-Proto how the request came, and Express believes '
      + 'it only if it is told to trust it.',
    lookAt: "app.ts: does it say app.set('trust proxy', 1)? And https-only.ts: does it ask "
      + 'req.secure?',
    exchange: visit,
  });
  expect(findSessionCookie(visit.setCookie) !== undefined, {
    observed: `A browser came to ${HTTPS} for the first time, and got no cookie.`,
    why: 'express-session sends a Secure cookie only if it believes that the request came over '
      + 'HTTPS, and says nothing otherwise. The proxy ends HTTPS and speaks plain HTTP with the '
      + 'app: only X-Forwarded-Proto tells, and it counts only if the app trusts the proxy.',
    lookAt: "app.ts: does it say app.set('trust proxy', 1)?",
    exchange: visit,
  });
  const { name = '' } = findSessionCookie(visit.setCookie) ?? {};
  expect(browser.sessionCookie() !== undefined, {
    observed: `The app set ${name}, and the browser at ${HTTPS} did not take it.`,
    why: name.startsWith('__Host-')
      ? 'A browser takes a cookie whose name begins with __Host- only with Secure, with Path=/ and '
      + 'without Domain. Otherwise it drops it, and says so in DevTools only.'
      : 'A browser takes a cookie only for a host and a path that are its own, and one whose name '
        + 'begins with __Secure- only with Secure.',
    lookAt: 'session.ts: what does cookieOptions say?',
    exchange: visit,
  });
  expectVisit(await browser.get('/'), 2, {});
}

/** Expects a 4xx, or a way to HTTPS, and no cookie of a session. */
function expectRefused(answer: Exchange, what: string, why: string): void {
  expectNoServerError(answer);
  const { status, location = '' } = answer;
  const isRefused = status >= 400 || (status >= 300 && location.startsWith(`${HTTPS}/`));
  const user = userOf(answer);
  expect(isRefused, {
    observed: `${what}, and was answered with status ${status}`
      + `${location && ` and Location: ${location}`}${user ? `, “logged in as ${user}”` : ''}.`,
    why,
    lookAt: 'app.ts: does app.use(httpsOnly) stand above everything? And https-only.ts: when does '
      + 'it call next()?',
    exchange: answer,
  });
  expect(findSessionCookie(answer.setCookie) === undefined, {
    observed: `${what}, and got the cookie of a session.`,
    why: 'What goes out over plain HTTP is heard by everybody on the way.',
    lookAt: 'app.ts: does app.use(httpsOnly) stand above app.use(session(…))?',
    exchange: answer,
  });
}
