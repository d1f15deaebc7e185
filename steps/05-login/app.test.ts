import {
  beginRequest,
  createAccount,
  earlyAnswer,
  expect,
  expectNoServerError,
  expectVisit,
  fullPrice,
  logIn,
  noLogin,
  ownPage,
  quote,
  testsOfStep,
  tryLogin,
  userOf,
  type Account,
  type Browser,
  type Exchange,
  type RunningApp,
} from '#harness';

const { test } = testsOfStep(5);

const ONE_HOUR_MS = 60 * 60 * 1000;

test('the right name and password lead to /account', { move: 1 }, async (context) => {
  const app = await context.openApp();
  const account = await createAccount(app, 'ada');
  const other = await createAccount(app, 'mallory');
  const stranger = await app.newBrowser().get('/account');
  expect(stranger.status < 400 && userOf(stranger) === undefined, {
    observed: `A stranger asked for /account and got status ${stranger.status}`
      + `${userOf(stranger) ? `: ${quoteUser(stranger)}` : ''}.`,
    why: 'Strangers are sent to the login page. That part of app.ts was given.',
    lookAt: 'app.ts: what does GET /account do when nobody is logged in?',
    exchange: stranger,
  });

  const ada = app.newBrowser();
  const answer = await logIn(ada, account);
  const target = answer.location && new URL(answer.location, app.url).pathname;
  expect(answer.status < 300 ? userOf(answer) === 'ada' : target === '/account', {
    observed: answer.status < 300
      ? `POST /login answered with status ${answer.status} and ${quote(answer.body)}.`
      : `POST /login leads to ${target ?? 'no page'}.`,
    why: 'People want to see that the login worked: a redirect to /account shows them.',
    lookAt: "app.ts: does POST /login end in res.redirect(303, '/account')?",
    exchange: answer,
  });
  const sessions = await app.database?.sessions() ?? [];
  const text = JSON.stringify(sessions.map(({ document }) => document));
  const held = text.includes('$argon2') ? "her password's hash" : 'her password';
  expect(!text.includes(account.password) && !text.includes('$argon2'), {
    observed: `Ada logged in, and her session's document holds ${held}.`,
    why: 'Sessions are copied, shown and logged more than accounts are. A thief can read a '
      + 'password there, and try guesses against a hash for as long as it takes.',
    lookAt: 'app.ts: what does POST /login store in req.session? The name is enough.',
    exchange: answer,
  });
  const latest = Date.now() + ONE_HOUR_MS + 5000;
  expect(sessions.every(({ document }) => (document.expires as Date).getTime() < latest), {
    observed: 'Ada logged in, and her session expires more than an hour later.',
    why: 'Since step 3 a session ends after one hour without a visit, and one with a login in it '
      + 'is worth more to a thief than any other.',
    lookAt: 'app.ts: does POST /login change req.session.cookie?',
    exchange: answer,
  });

  await logIn(app.newBrowser(), other);
  const page = await ada.movedTo(await context.restart(app)).get('/account');
  expect(userOf(page) === 'ada', {
    observed: 'Ada logged in, the app was restarted, and GET /account shows '
      + `${userOf(page) ?? 'nobody'}.`,
    why: 'A variable in the app is shared by all visitors, and is lost when the app restarts. '
      + 'The session is stored, and belongs to one browser.',
    lookAt: 'app.ts: does POST /login store the user in req.session?',
    exchange: page,
  });

  const early = await earlyAnswer(app, app.database?.holdNext('deletion'),
    () => tryLogin(ada, account),
    async () => { await logIn(app.newBrowser(), other); });
  const own = await ada.get('/account');
  expect(userOf(own) !== 'mallory', {
    observed: 'Ada logged in. While MongoDB was busy with it, Mallory logged in, in another '
      + `browser. Now GET /account tells Ada ${quoteUser(own)}.`,
    why: 'Requests overlap: while one waits, others are answered. Keep what belongs to one request '
      + 'in req and res, or in a variable inside the handler. Requests share any other variable.',
    lookAt: 'app.ts: which variables are shared by all requests?',
    exchange: early ?? own,
  });

  const reader = app.newBrowser();
  await logIn(reader, account);
  for (const minutes of [40, 80]) {
    context.advanceClock(40 * 60 * 1000);
    const page = await reader.get('/account');
    expect(userOf(page) === 'ada', {
      observed: 'Ada logged in and read GET /account every 40 minutes. After '
        + `${minutes} minutes nobody is logged in.`,
      why: 'A session ends after an hour without a visit, but opening a page that only reads is a '
        + 'visit, too.',
      lookAt: 'session.ts: what is touchAfter, in seconds?',
      exchange: page,
    });
  }

  const foreign = 'https://evil.example/';
  const names = ['next', 'returnTo', 'return_to', 'redirect', 'redirect_to', 'url', 'from'];
  const wishes = Object.fromEntries(names.map((name) => [name, foreign]));
  const sent = await app.newBrowser().post(
    `/login?${String(new URLSearchParams(wishes))}`, { ...account, ...wishes }, ownPage(app.url),
  );
  expect(!/evil\.example/.test(sent.location ?? ''), {
    observed: 'A link to the login had another address in it, and after the login it led on to '
      + `${sent.location}.`,
    why: "Mallory can send Ada a link to your real login page, which then takes her to Mallory's "
      + 'page. If that says “wrong password, try again”, Ada tries again there.',
    lookAt: "app.ts: where does POST /login redirect to? Don't take the address from the request.",
    exchange: sent,
  });
});

test('a wrong password opens nothing', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  const { password } = await createAccount(app, 'ada');
  const mallory = await createAccount(app, 'mallory');
  const tries = {
    'as ada, with a wrong password': { name: 'ada', password: 'guessed' },
    'as ada, without a password': { name: 'ada', password: '' },
    'as ada, with her own password': { name: 'ada', password: mallory.password },
    'as ada, with one character too many': { name: 'ada', password: `${password}x` },
    'as ada, with one space too many': { name: 'ada', password: `${password} ` },
    'with a name that nobody has': { name: 'nobody', password },
  };
  for (const [how, form] of Object.entries(tries)) {
    const browser = app.newBrowser();
    const answer = await tryLogin(browser, form);
    await expectNobody(browser, answer, `Mallory tried to log in ${how}`);
    expect(answer.status === 401, {
      observed: `Mallory tried to log in ${how}, and POST /login answered with status `
        + `${answer.status}.`,
      why: "401 says “I don't know who you are”. Programs and password managers go by the status.",
      lookAt: 'app.ts: is the login page sent with res.status(401) when authenticate() returns '
        + 'undefined?',
      exchange: answer,
    });
    expect(!/\b(basic|digest|negotiate)\b/i.test(answer.challenge ?? ''), {
      observed: `Mallory tried to log in ${how}, and the answer came with WWW-Authenticate: `
        + `${answer.challenge}.`,
      why: 'A browser then opens a dialog of its own in place of your page, and what people type '
        + 'there never reaches POST /login as a form.',
      lookAt: 'app.ts: which headers does the 401 have? It needs none.',
      exchange: answer,
    });
    expect(/<form/i.test(answer.body), {
      observed: `Mallory tried to log in ${how}, and read ${quote(answer.body)}.`,
      why: 'People mistype their password all the time. They want the form again, and to read what '
        + 'went wrong.',
      lookAt: 'app.ts: is loginPage() sent, with a sentence?',
      exchange: answer,
    });
  }

  const ada = app.newBrowser();
  await logIn(ada, { name: 'ada', password });
  await tryLogin(ada, { name: 'mallory', password: 'guessed' });
  const page = await ada.get('/account');
  expect(userOf(page) !== 'mallory', {
    observed: "Ada was logged in, and tried Mallory's name with a wrong password. Now GET /account "
      + `says ${quoteUser(page)}.`,
    why: 'A wrong password opens nothing, not even for someone who is already logged in.',
    lookAt: 'app.ts: when is the user stored in the session?',
    exchange: page,
  });
  expect(userOf(page) === 'ada', {
    observed: "Ada was logged in, and tried Mallory's name with a wrong password. Now GET /account "
      + `says ${quoteUser(page)}.`,
    why: 'A wrong password changes nothing. People who mistype theirs keep their session, and a '
      + 'guess leaves no new one behind.',
    lookAt: 'app.ts: is regenerate() called before the password is checked?',
    exchange: page,
  });
});

test('nobody learns who has an account', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  await createAccount(app, 'ada', fullPrice);
  const names = { known: 'ada', unknown: 'nobody' };
  const best = { known: Infinity, unknown: Infinity };
  // On a busy machine, an answer may be late. More tries give a truer best time.
  const isClear = () => best.unknown > best.known / 3;
  for (let round = 0; round < 3 || (round < 12 && !isClear()); round++) {
    const known = await timed(app, names.known);
    const unknown = await timed(app, names.unknown);
    best.known = Math.min(best.known, known.ms);
    best.unknown = Math.min(best.unknown, unknown.ms);
    const seen = [known, unknown].map(({ answer: { status, body, setCookie } }) => (
      [status, body.replaceAll(/ada|nobody/g, '…'), setCookie.length].join()
    ));
    expect(seen[0] === seen[1], {
      observed: `A wrong password for ada got ${described(known.answer)}, and a name that nobody `
        + `has got ${described(unknown.answer)}.`,
      why: 'The difference tells attackers which names are worth trying, and lets anyone find out '
        + 'who has an account here.',
      lookAt: 'app.ts: do both get the same answer, word for word?',
      exchange: unknown.answer,
    });
  }
  expect(isClear(), {
    observed: `A wrong password for ada got an answer after ${best.known.toFixed()} ms, and a name `
      + `that nobody has after ${best.unknown.toFixed()} ms.`,
    why: 'The time gives away who has an account as clearly as words do. authenticate() checks a '
      + 'hash in both cases, so that both take equally long.',
    lookAt: 'app.ts: does POST /login answer before authenticate() has done its work?',
  });
});

test('forms that no browser sends are refused', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  const { password } = await createAccount(app, 'ada');
  const json = { 'Content-Type': 'application/json' };
  const form = new URLSearchParams({ name: 'ada', password });
  const tries: Record<string, [body: string | undefined, headers?: Record<string, string>]> = {
    'no form at all': [undefined],
    'an empty form': [''],
    'two passwords': [`name=ada&password=guessed&password=${password}`],
    'two names': [`name=ada&name=mallory&password=${password}`],
    'a query instead of a name': [`name[$ne]=x&password=${password}`],
    'a query as JSON': ['{"name":{"$gt":""},"password":{"$ne":null}}', json],
    'half a piece of JSON': ['{"name":', json],
    'plain text': [form.toString(), { 'Content-Type': 'text/plain' }],
    'an unknown character set': [
      form.toString(), { 'Content-Type': 'application/x-www-form-urlencoded; charset=klingon' },
    ],
    'a form of one megabyte': [`name=ada&password=${'x'.repeat(1_000_000)}`],
    'a script as a name': [`name=${encodeURIComponent('<script>alert(1)</script>')}&password=x`],
  };
  for (const [what, [body, headers]] of Object.entries(tries)) {
    const browser = app.newBrowser();
    const answer = await browser.post('/login', body, { ...ownPage(app.url), ...headers });
    expect(answer.status !== 404, noLogin(answer));
    await expectNobody(browser, answer, `Mallory sent ${what} to POST /login`);
    expect(answer.status >= 400 && answer.status < 500, {
      observed: `Mallory sent ${what} to POST /login, and the answer has status `
        + `${answer.status}.`,
      why: "Anyone can send anything. Anything but a name and a password is the client's mistake "
        + "(4xx), not the server's (5xx): no input may break the server.",
      lookAt: 'app.ts: is every form value read with field(), which always returns a string?',
      exchange: answer,
    });
    expect(!/\n\s+at |<script|node_modules/.test(answer.body), {
      observed: `Mallory sent ${what} to POST /login, and read ${quote(answer.body)}.`,
      why: 'What a visitor typed may be shown only as text, never as HTML. And an answer must not '
        + 'show what your server looks like inside.',
      lookAt: 'app.ts: does the answer show a field of the form? And is readForms still where it '
        + 'was?',
      exchange: answer,
    });
  }
});

const attack = "mallory plants a session in ada's browser and stays outside";
test(attack, { move: 2 }, async ({ openApp }) => {
  const app = await openApp();
  const account = await createAccount(app, 'ada');
  const mallory = app.newBrowser();
  expectVisit(await mallory.get('/'), 1, {});
  const planted = mallory.cookieHeader();
  const ada = mallory.movedTo(app);
  await logIn(ada, account);

  const page = await mallory.getWithCookie('/account', planted);
  expect(userOf(page) === undefined, {
    observed: "Mallory visited the app, and planted the cookie she got in Ada's browser. Ada "
      + 'logged in. Then Mallory asked for /account with that same cookie, and read '
      + `${quoteUser(page)}.`,
    why: 'The login went into a session that was already there. Ada and Mallory both have its '
      + "cookie. You can't know who else has the cookie of an old session, so a login begins a new "
      + 'one.',
    lookAt: 'app.ts: does POST /login call req.session.regenerate(), and store the user in its '
      + 'callback?',
    exchange: page,
  });
  expectVisit(await mallory.getWithCookie('/', planted), 1, {
    2: 'The login began a new session, but the old one is still there, with everything in it. '
      + 'regenerate() destroys the old session.',
    3: 'The old session and the new one share their data: Mallory sees what Ada does.',
  }, 'app.ts: what happens to the session from before the login?');
});

test('the next login in the same browser is a new session, too', { move: 2 }, async (context) => {
  const app = await context.openApp();
  const [ada, mallory] = [await createAccount(app, 'ada'), await createAccount(app, 'mallory')];
  const browser = app.newBrowser();
  await logIn(browser, mallory);
  const old = browser.cookieHeader();
  await logIn(browser, ada);
  const page = await app.newBrowser().getWithCookie('/account', old);
  expect(userOf(page) !== 'ada', {
    observed: 'Mallory logged in on a computer that she shares with Ada, and kept a copy of the '
      + `cookie. Ada logged in after her, and with the copy GET /account says ${quoteUser(page)}.`,
    why: "You can't know who else has the cookie, even if the old session had a login in it. Every "
      + 'login begins a new session.',
    lookAt: 'app.ts: does POST /login call regenerate() every time?',
    exchange: page,
  });
  expect(userOf(page) === undefined, {
    observed: 'Mallory logged in, and then Ada, in the same browser. With a copy of the old '
      + `cookie, GET /account still says ${quoteUser(page)}.`,
    why: 'The browser has a new session, so nobody can log out of the old one any more. '
      + 'regenerate() destroys the old session.',
    lookAt: 'app.ts: what happens to the session from before the login?',
    exchange: page,
  });

  const copy = browser.cookieHeader();
  await logIn(browser, ada);
  const again = await app.newBrowser().getWithCookie('/account', copy);
  expect(userOf(again) === undefined, {
    observed: 'Ada was logged in, and logged in once more. A copy of her old cookie still says '
      + `${quoteUser(again)}.`,
    why: "You can't know who else has the old cookie. Every login begins a new session, no matter "
      + 'who was logged in before.',
    lookAt: 'app.ts: does every login that succeeds call regenerate()?',
    exchange: again,
  });
});

// An app that keeps a token for its forms in the session stores a session at the first visit, so
// later steps needn't pass these.
const onlyHere = { move: 3, later: false };
test('the answer waits until the new session is stored', onlyHere, async ({ openApp }) => {
  const app = await openApp();
  const account = await createAccount(app, 'ada');
  const write = app.database?.holdWrites();
  const runTimers = app.catchTimers();
  const login = beginLogin(app, account);
  try {
    await Promise.race([write?.asked, login.answer]);
    // While the database is busy, the app answers other visitors.
    runTimers();
    for (let visit = 0; visit < 5; visit++) await app.newBrowser().get('/no-such-page');
    expect(login.status !== 404, noLogin({ ...nothing, status: 404 }));
    expect(login.status === undefined, {
      observed: `Ada logged in, and the answer (status ${login.status}) was on its way while `
        + 'MongoDB was still storing the new session.',
      why: 'A browser follows a redirect at once. If it arrives at /account before the session is '
        + "stored, Ada isn't logged in there. express-session stores it at the end of the answer, "
        + 'which is too late. req.session.save() stores it now, and calls back when it is done.',
      lookAt: 'app.ts: is res.redirect() inside the callback of req.session.save()?',
    });
  } finally {
    write?.release();
    await login.answer.catch(() => undefined);
  }
});

test('a login that cannot be stored is an error', onlyHere, async (context) => {
  const app = await context.openApp();
  const account = await createAccount(app, 'ada');
  const browser = app.newBrowser();
  await browser.get('/');
  const allowWrites = app.database?.refuseWrites();
  const answer = await browser.post('/login', account, ownPage(app.url));
  expect(answer.status !== 404, noLogin(answer));
  expect(answer.status >= 500, {
    observed: 'MongoDB refused to store the new session, and POST /login answered with status '
      + `${answer.status}${answer.location ? `, leading to ${answer.location}` : ''}.`,
    why: "Ada is told that she's logged in, but she isn't. An error that she can see is better "
      + 'than a login that only seems to work.',
    lookAt: 'app.ts: does the callback of req.session.save() check its error, and `return '
      + 'next(error)`?',
    exchange: answer,
  });
  allowWrites?.();
  await expectNobody(browser, answer, 'MongoDB refused to store the new session');

  const allowMore = app.database?.refuseWrites(undefined, 1);
  const late = app.newBrowser();
  const redirect = await late.post('/login', account, ownPage(app.url));
  allowMore?.();
  expect(redirect.status >= 400 || userOf(await late.get('/account')) === 'ada', {
    observed: 'MongoDB stored the new session once, and then no more. POST /login answered with '
      + `status ${redirect.status}, and GET /account shows nobody.`,
    why: "save() stores what's in the session at that moment. What you put into it later is stored "
      + 'at the end of the answer, when the browser is already on its way to /account.',
    lookAt: 'app.ts: is the user put into req.session before save() is called?',
    exchange: redirect,
  });

  const recover = await app.database?.fail('no server');
  const unknown = await app.newBrowser().post('/login', account, ownPage(app.url));
  expect(unknown.status >= 500, {
    observed: 'MongoDB was unreachable when Ada logged in with the right password, and POST /login '
      + `answered with status ${unknown.status}.`,
    why: "The app couldn't check the password. Ada must not be told that it's wrong.",
    lookAt: 'app.ts: what becomes of an error that authenticate() throws?',
    exchange: unknown,
  });
  recover?.();
  const later = await app.newBrowser().post('/login', account, ownPage(app.url));
  expect(later.status < 400, {
    observed: 'MongoDB was unreachable when Ada tried to log in. Now it is back, and POST /login '
      + `answered with status ${later.status}.`,
    why: 'An outage passes. Nothing that it leaves behind, such as a rejected promise in a '
      + 'variable, may be in the way of the next login.',
    lookAt: 'app.ts: what do two logins share?',
    exchange: later,
  });

  app.database?.refuseDeletions();
  const kept = await browser.post('/login', account, ownPage(app.url));
  expect(kept.status >= 500, {
    observed: 'MongoDB refused to delete the session from before the login, and POST /login '
      + `answered with status ${kept.status}.`,
    why: 'The old session is still there, and opens whatever it did before. Nobody notices, unless '
      + 'the login fails.',
    lookAt: 'app.ts: does the callback of regenerate() check its error, and `return next(error)`?',
    exchange: kept,
  });
});

/** The answer that never came. */
const nothing: Exchange = {
  method: 'POST', path: '/login', cookie: '', status: 0, body: '', location: undefined,
  setCookie: [],
};

function beginLogin(app: RunningApp, account: Account) {
  return beginRequest(app.url, '/login', {
    body: new URLSearchParams(account).toString(),
    headers: ownPage(app.url),
  });
}

/** Tries a wrong password, and measures the time. */
async function timed(app: RunningApp, name: string) {
  const browser = app.newBrowser();
  const start = performance.now();
  const answer = await browser.post('/login', { name, password: 'guessed' }, ownPage(app.url));
  const ms = performance.now() - start;
  expect(answer.status !== 404, noLogin(answer));
  expectNoServerError(answer);
  return { answer, ms };
}

function described({ status, body }: Exchange): string {
  const text = body.replace(/^.*<h1>.*?<\/h1>/s, '').replaceAll(/<[^>]*>/g, ' ');
  return `status ${status} and ${quote(text)}`;
}

/** Expects that nobody is logged in after a login that must not work. */
async function expectNobody(browser: Browser, answer: Exchange, what: string): Promise<void> {
  expect(answer.status !== 404, noLogin(answer));
  const page = await browser.get('/account');
  expect(userOf(page) === undefined, {
    observed: `${what}. Then GET /account said ${quoteUser(page)}.`,
    why: 'Only the right name and password open an account. authenticate() returns a promise, '
      + 'which always counts as true: `await` it.',
    lookAt: 'app.ts: what has to be true before POST /login stores a user?',
    exchange: page,
  });
}

function quoteUser(page: Exchange): string {
  return `“logged in as ${userOf(page) ?? 'nobody'}”`;
}
