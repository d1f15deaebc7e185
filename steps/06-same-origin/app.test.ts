import {
  beginRequest,
  createAccount,
  expect,
  expectNoServerError,
  logIn,
  ownPage,
  quote,
  submit,
  testsOfStep,
  tryLogin,
  userOf,
  type Account,
  type Context,
  type Browser,
  type Exchange,
} from '#harness';

const { test } = testsOfStep(6);

const MINUTE_MS = 60_000;

/** What browsers also say when a person presses a button. */
const pressed = {
  'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document', 'Sec-Fetch-User': '?1',
};

/** What today's browsers say about a page that isn't ours. */
const foreignPages = {
  'a page on another port': {
    Origin: 'http://localhost:4666', 'Sec-Fetch-Site': 'same-site', ...pressed,
  },
  'a sibling host': {
    Origin: 'https://evil.shop.example', 'Sec-Fetch-Site': 'same-site', ...pressed,
  },
  'another site': { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site', ...pressed },
  'a nameless page': { Origin: 'null', 'Sec-Fetch-Site': 'cross-site', ...pressed },
};

const attack = "a button on mallory's page doesn't change ada's password";
test(attack, { move: 1 }, async (context) => {
  const { app, account, browser } = await ada(context);
  const headers = foreignPages['a page on another port'];
  const click = await browser.post('/account/password', { new: 'set by mallory' }, headers);
  const mallory = app.newBrowser();
  await tryLogin(mallory, { ...account, password: 'set by mallory' });
  const page = await mallory.get('/account');
  expect(userOf(page) === undefined, {
    observed: 'Ada was logged in and pressed a button on a page at http://localhost:4666. It sent '
      + 'a form to POST /account/password, and her browser sent her cookie along. Then Mallory '
      + 'logged in as Ada, with the password that her page had set.',
    why: "A cookie says whose browser it is, not whose click it was. SameSite doesn't help here: "
      + 'two ports of one host are the same site. But the browser says where the click was: '
      + 'Sec-Fetch-Site: same-site.',
    lookAt: 'app.ts: is app.use(sameOrigin) above the routes? And same-origin.ts: which values of '
      + 'Sec-Fetch-Site may pass?',
    exchange: click,
  });
  expectRefused(click, 'A page on another port sent a new password');
  await logIn(app.newBrowser(), account);
});

test("a foreign page's login and logout are refused", { move: 1 }, async (context) => {
  const { app, account, browser } = await ada(context);
  const mallory = await createAccount(app, 'mallory');
  for (const [who, headers] of Object.entries(foreignPages)) {
    const visitor = app.newBrowser();
    const login = await visitor.post('/login', mallory, headers);
    expect(userOf(await visitor.get('/account')) === undefined, {
      observed: `${capital(who)} sent Mallory's name and password to POST /login, from a visitor's `
        + 'browser. Now the visitor is logged in as Mallory.',
      why: 'Whatever the visitor writes or buys, Mallory can read it in her account. The attack '
        + "needs no cookie, so SameSite can't stop it.",
      lookAt: 'app.ts: is sameOrigin above POST /login, too? And same-origin.ts: does it check '
        + 'requests without a cookie?',
      exchange: login,
    });
    expectRefused(login, `${capital(who)} sent a login`);

    const logout = await browser.post('/logout', '', headers);
    expectRefused(logout, `${capital(who)} sent a logout`);
    // SameSite: a browser doesn't send the session's cookie along with another site's form.
    const withoutCookie = await app.newBrowser().post('/logout', '', headers);
    expectRefused(withoutCookie, `${capital(who)} sent a logout, without a cookie`);
    const change = await browser.post('/account/password', { new: 'set by mallory' }, headers);
    expectRefused(change, `${capital(who)} sent a new password`);
    const plain = await browser.post('/logout', 'x', { ...headers, 'Content-Type': 'text/plain' });
    expectRefused(plain, `${capital(who)} sent a logout as plain text`);
  }
  for (const path of ['/logout/', '/Account/Password']) {
    const form = { new: 'set by mallory' };
    const answer = await browser.post(path, form, foreignPages['another site']);
    expect(answer.status === 403 || answer.status === 404, {
      observed: `Another site sent a form to POST ${path}, and got status ${answer.status}.`,
      why: 'For Express, neither a slash at the end nor capital letters make a difference. A list '
        + 'of paths is easily incomplete, so check all requests.',
      lookAt: 'app.ts: is app.use(sameOrigin) above everything else? And same-origin.ts: does it '
        + 'look at the path?',
      exchange: answer,
    });
  }
  const unheardOf = await browser.post('/logout', '', {
    Origin: 'https://evil.example', 'Sec-Fetch-Site': 'other-planet',
  });
  expect(unheardOf.status === 403, {
    observed: 'A logout came with Sec-Fetch-Site: other-planet, which no browser says today, and '
      + `got status ${unheardOf.status}.`,
    why: "You can't list everything that has to stay out. So list what may come in, and refuse the "
      + 'rest.',
    lookAt: 'same-origin.ts: which values of Sec-Fetch-Site may pass?',
    exchange: unheardOf,
  });
  const twin = await browser.post('/logout', '', {
    Origin: app.url.replace('http:', 'https:'), 'Sec-Fetch-Site': 'cross-site',
  });
  expectRefused(twin, 'A logout came from a page at our own host, but with another scheme', {
    why: 'In a café, Mallory can make up a page at http://shop.example, and your app is at '
      + 'https://shop.example. Only Sec-Fetch-Site compares the scheme as well. It says '
      + "cross-site here, and if it's there, nothing else counts.",
    lookAt: 'same-origin.ts: which header decides if both Sec-Fetch-Site and Origin are there?',
  });
  await expectStillIn(browser, 'Foreign pages tried to log Ada out');
  await logIn(app.newBrowser(), account);

  // A secret token is kept in the session, so an app that checks one reads the session first.
  const bare = await app.newBrowser().post('/logout', '', ownPage(app.url));
  if (bare.status === 403) return;
  const idle = app.newBrowser();
  await logIn(idle, account);
  context.advanceClock(50 * MINUTE_MS);
  const refused = await idle.post('/logout', '', foreignPages['a page on another port']);
  expectRefused(refused, 'A page on another port sent a logout');
  context.advanceClock(50 * MINUTE_MS);
  const page = await idle.get('/account');
  expect(userOf(page) === undefined, {
    observed: "Ada hadn't visited the app for 100 minutes. But a page on another port, still open "
      + "in her browser, sent a logout after 50. It was refused, and now she's still logged in.",
    why: 'A refused request must change nothing. Below the session middleware, sameOrigin refuses '
      + 'too late: the session gets another hour, so a foreign page can keep Ada logged in for as '
      + 'long as it likes.',
    lookAt: 'app.ts: is app.use(sameOrigin) above app.use(session(…))?',
    exchange: refused,
  });

  const foreign = { cookie: browser.cookieHeader(), headers: foreignPages['another site'] };
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const) {
    const answer = await beginRequest(app.url, '/account/password', { ...foreign, method }).answer;
    expectRefused(answer, `Another site sent a ${method} to /account/password`, {
      why: `No route takes a ${method} today, and a browser asks your app before it sends one for `
        + 'another site. Both may change. List the methods that only read, and refuse the rest: '
        + 'then nobody has to think of it again.',
      lookAt: 'same-origin.ts: do only GET, HEAD and OPTIONS pass unasked?',
    });
  }
  const half = beginRequest(app.url, '/logout', { ...foreign, body: 'new=', length: 100 });
  const isRefused = await half.isAnswered();
  half.finish('x'.repeat(96));
  const late = await half.answer;
  expect(isRefused, {
    observed: 'Another site sent half a form, and got no answer before it sent the other half.',
    why: 'The app read the form before it asked where it came from. Its headers were there, and '
      + 'they say enough. As it is, other sites can keep your app busy with forms that it would '
      + 'refuse in the end.',
    lookAt: 'app.ts: is app.use(sameOrigin) above app.use(readForms)?',
    exchange: late,
  });
  expectRefused(late, 'Another site sent half a form');
});

test('our own forms and links from anywhere still work', { move: 1 }, async (context) => {
  const { app, account, browser } = await ada(context);
  // Without this, an app that checks nothing would pass.
  const foreign = await browser.post('/logout', '', foreignPages['another site']);
  expectRefused(foreign, 'Another site sent a logout');

  const browsers: Record<string, Record<string, string>> = {
    'our own page': ownPage(app.url),
    'our own page, which sends no referrer': { ...ownPage(app.url), Origin: 'null' },
    'no page (typed, or from a bookmark)': { 'Sec-Fetch-Site': 'none' },
  };
  for (const [who, headers] of Object.entries(browsers)) {
    const visitor = app.newBrowser();
    const login = await submit(visitor, '/login', '/login', account, headers);
    expectAccepted(login, `A login came from ${who}`, headers);
    await expectStillIn(visitor, `A login came from ${who}`);
    const logout = await submit(visitor, '/logout', '/logout', {}, headers);
    expectAccepted(logout, `A logout came from ${who}`, headers);
  }

  const password = 'a new password';
  const change = await submit(browser, '/account', '/account/password', {
    password: account.password, new: password,
  });
  expectAccepted(change, 'Ada changed her password on our own page', ownPage(app.url));
  await logIn(app.newBrowser(), { name: 'ada', password });

  const cookie = browser.cookieHeader();
  for (const [who, headers] of Object.entries(foreignPages)) {
    const { Origin: _, ...onLinks } = headers;
    const link = await browser.getWithCookie('/account', cookie, onLinks);
    expect(userOf(link) === 'ada', {
      observed: `Ada followed a link on ${who} to /account, and got status ${link.status}.`,
      why: 'A GET only reads. Links from search engines, emails and other sites have to work.',
      lookAt: 'same-origin.ts: do GET, HEAD and OPTIONS pass?',
      exchange: link,
    });
    const script = await browser.getWithCookie('/account', cookie, {
      Origin: headers.Origin, 'Sec-Fetch-Site': headers['Sec-Fetch-Site'], 'Sec-Fetch-Mode': 'cors',
    });
    expect(script.status !== 403, {
      observed: `A script on ${who} asked for /account with a GET, and got status 403.`,
      why: "A GET only reads, and a foreign page can't see what comes back. Pictures in emails and "
        + 'previews of links are such GETs, too.',
      lookAt: 'same-origin.ts: do GET, HEAD and OPTIONS pass, wherever they come from?',
      exchange: script,
    });
    expect(script.readableBy !== headers.Origin, {
      observed: `A script on ${who} asked for /account, and the answer says that pages of `
        + `${headers.Origin} may read it, with Ada's cookie.`,
      why: "Without that header, other sites' scripts can't read our pages. CORS headers take "
        + 'protection away: they never add any.',
      lookAt: 'same-origin.ts: what is Access-Control-Allow-Origin set to, and why?',
      exchange: script,
    });
  }
});

const old = "in an old browser, foreign pages are refused and our own aren't";
test(old, { move: 2 }, async (context) => {
  const { app, account, browser } = await ada(context);
  const { host, port } = new URL(app.url);
  const tries: Record<string, string[]> = {
    [host]: [
      'http://127.0.0.1', 'http://127.0.0.1:1', `http://127.0.0.1:${port}0`,
      // In a regular expression, a dot stands for any character.
      `http://${host.replaceAll('.', 'x')}`,
      `http://localhost:${port}`, `http://${host}.evil.example`, 'null', 'no address at all',
      'https://evil.example',
    ],
    'shop.example': [
      'https://evil.shop.example', 'https://evilshop.example', 'https://shop.example.evil.example',
      'https://shop.example:8443', 'https://evil.example/shop.example', 'null',
    ],
  };
  for (const [Host, origins] of Object.entries(tries)) {
    for (const Origin of origins) {
      const answer = await browser.post('/logout', '', { Host, Origin });
      expectRefused(answer, `An old browser at ${Host} sent a logout with Origin: ${Origin}`, {
        why: "Browsers from before 2023 may not know Sec-Fetch-Site. They send the page's origin: "
          + "scheme, host and port. Host and port have to match the request's Host header.",
        lookAt: "same-origin.ts: is new URL(origin).host compared with req.get('Host')?",
      });
    }
  }
  await expectStillIn(browser, 'Foreign pages tried to log Ada out in an old browser');

  const { Origin } = ownPage(app.url);
  const own = { Origin };
  const visitor = app.newBrowser();
  expectAccepted(
    await submit(visitor, '/login', '/login', account, own), 'A login came from our own page', own,
  );
  await expectStillIn(visitor, 'A login came from our own page, in an old browser');
  const shop = { Host: 'shop.example', Origin: 'https://shop.example' };
  expectAccepted(
    await submit(browser, '/logout', '/logout', {}, shop), 'A logout came from our own page', shop,
  );
});

/** An app in which Ada has an account and is logged in. */
async function ada({ openApp }: Context) {
  const app = await openApp();
  const account: Account = await createAccount(app, 'ada');
  const browser = app.newBrowser();
  await logIn(browser, account);
  return { app, account, browser };
}

function expectRefused(answer: Exchange, what: string, { why, lookAt } = {
  why: "What another page makes a browser send isn't what the visitor wants. 403 says “I know what "
    + "you're asking for, and the answer is no”.",
  lookAt: 'app.ts: is app.use(sameOrigin) above everything else? And same-origin.ts: when does it '
    + 'call next()?',
}): void {
  expectNoServerError(answer);
  expect(answer.status === 403, {
    observed: `${what}, and got status ${answer.status} instead of 403.`,
    why,
    lookAt,
    exchange: answer,
  });
  expect(answer.setCookie.length === 0, {
    observed: `${what}, and the 403 came with a cookie: ${answer.setCookie.join()}.`,
    why: "A refused request mustn't change or clear anything. Without the cookie the visitor seems "
      + 'to be logged out, but the session lives on.',
    lookAt: 'app.ts: is app.use(sameOrigin) above app.use(session(…)) and the routes?',
    exchange: answer,
  });
}

function expectAccepted(answer: Exchange, what: string, headers: Record<string, string>): void {
  expectNoServerError(answer);
  const said = Object.entries(headers)
    .filter(([name]) => ['Origin', 'Sec-Fetch-Site'].includes(name))
    .map(([name, value]) => `${name}: ${value}`).join(', ');
  expect(answer.status < 400, {
    observed: `${what} (${said}), and got status ${answer.status}: `
      + `${quote(answer.body)}.`,
    why: 'Our own pages have to work in every browser. ' + ('Sec-Fetch-Site' in headers
      ? 'If it sends Sec-Fetch-Site, nothing else counts: with Referrer-Policy: no-referrer, even '
      + 'our own forms come with Origin: null.'
      : "Compare the Origin's host and port with the Host of this request, because an app can have "
        + 'more than one name. The scheme says nothing: behind a proxy that ends HTTPS, your app '
        + 'sees plain HTTP.'),
    lookAt: 'same-origin.ts: which requests are refused?',
    exchange: answer,
  });
}

async function expectStillIn(browser: Browser, what: string): Promise<void> {
  const page = await browser.get('/account');
  expect(userOf(page) === 'ada', {
    observed: `${what}. Now GET /account answers with status ${page.status}`
      + `${userOf(page) ? `, for ${userOf(page)}` : ''}.`,
    why: "Ada logged in, and hasn't logged out since.",
    lookAt: 'app.ts: what comes before the routes, and in which order?',
    exchange: page,
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
