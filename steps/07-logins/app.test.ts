import {
  beginRequest,
  createAccount,
  earlyAnswer,
  expect,
  expectVisit,
  logIn,
  ownPage,
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

const { test } = testsOfStep(7);

const MINUTE_MS = 60_000;

test('every login gets its own document', { move: 1 }, async (context) => {
  const app = await context.openApp();
  const account = await createAccount(app, 'ada');
  const stranger = app.newBrowser();
  for (const path of ['/login', '/account', '/no-such-page']) {
    const answer = await stranger.get(path);
    expect(answer.setCookie.length === 0, {
      observed: `A stranger asked for ${path} and got a cookie: ${answer.setCookie.join()}.`,
      why: "There's nothing to remember about a stranger. Every cookie means a session in the "
        + 'database, and programs that keep no cookies would leave one behind on each request.',
      lookAt: "app.ts: what is stored in req.session for visitors who aren't logged in?",
      exchange: answer,
    });
  }
  await tryLogin(stranger, { name: 'ada', password: 'guessed' });
  const before = await app.database?.documents('logins') ?? [];
  expect(before.length === 0, {
    observed: "Nobody has logged in, but the logins collection isn't empty.",
    why: 'A login begins only when the password is right.',
    lookAt: 'app.ts: when is beginLogin() called?',
  });

  const [laptop, phone] = [app.newBrowser(), app.newBrowser()];
  await phone.get('/');
  const planted = phone.sessionCookie()?.id;
  for (const browser of [laptop, phone]) await logIn(browser, account);
  const found = await app.database?.documents('logins') ?? [];
  expect(found.length === 2, {
    observed: 'Ada logged in on her laptop and on her phone. Documents in the logins collection: '
      + `${found.length} instead of 2.`,
    why: 'Each login needs its own document, so that it can end without the others.',
    lookAt: 'logins.ts: does beginLogin() insert a document? And app.ts: does POST /login wait for '
      + 'it? (If endLogin() is there: without an id, it must delete nothing.)',
  });
  for (const { user, since } of found) {
    const isNow = since instanceof Date && Math.abs(since.getTime() - Date.now()) < MINUTE_MS;
    expect(user === 'ada' && isNow, {
      observed: `Ada logged in just now, and a document in logins says user: ${String(user)}, `
        + `since: ${String(since)}.`,
      why: 'The document says who is logged in, and since when. `since` has to be a Date, so that '
        + 'MongoDB can compare it.',
      lookAt: 'logins.ts: what does beginLogin() insert?',
    });
  }
  const ids = [planted, laptop.sessionCookie()?.id, phone.sessionCookie()?.id];
  expect(!found.some(({ _id }) => ids.includes(String(_id))), {
    observed: "Ada logged in, and the login's _id is the id of a session: the one in her cookie, "
      + 'or the one from before.',
    why: "A session's id is a secret between one browser and your app. The one from before isn't "
      + 'even that: Mallory may have planted it. Give each login an id of its own.',
    lookAt: 'logins.ts: does beginLogin() make up a new random id?',
  });
  for (const [name, browser] of Object.entries({ laptop, phone })) {
    await expectUser(browser, 'ada', 'Ada logged in on her laptop and phone', `On her ${name}`);
  }

  const allowWrites = app.database?.refuseWrites('logins');
  const failed = await tryLogin(app.newBrowser(), account);
  expect(failed.status >= 500, {
    observed: 'MongoDB refused to store the login, and POST /login answered with status '
      + `${failed.status}.`,
    why: "Ada is told that she's logged in, but no page will know about it.",
    lookAt: 'app.ts: what becomes of an error that beginLogin() throws?',
    exchange: failed,
  });
  allowWrites?.();
});

test('a login ends after eight hours, or one hour of silence', { move: 2 }, async (context) => {
  const { app, account, browser } = await ada(context);
  const nobody = await app.newBrowser().get('/account');
  expect(userOf(nobody) === undefined, {
    observed: "Ada is logged in. A stranger's browser, which has no cookie, asked for /account, "
      + `and the page says “logged in as ${userOf(nobody)}”.`,
    why: "Where there's no session, there's no id. The tests' client has the option "
      + 'ignoreUndefined, as many have: it takes { _id: undefined } for a query without _id, and '
      + 'that finds any login.',
    lookAt: 'logins.ts: is there an id, before it asks for the login?',
    exchange: nobody,
  });
  const idle = app.newBrowser();
  await logIn(idle, account);
  let { restarted, busy } = { restarted: app, busy: browser };
  for (let minutes = 50; minutes <= 450; minutes += 50) {
    context.advanceClock(50 * MINUTE_MS);
    if (minutes === 250) {
      restarted = await context.restart(restarted);
      busy = busy.movedTo(restarted);
    }
    await expectUser(busy, 'ada', 'Ada has come back every 50 minutes since she logged in',
      `After ${(minutes / 60).toFixed(1)} hours`);
    await busy.get('/');
    if (minutes === 100) {
      await expectUser(idle.movedTo(restarted), undefined,
        'Ada logged in and did nothing for 100 minutes', 'After that');
    }
  }
  for (const hours of ['8 hours and 20 minutes', '9 hours and 10 minutes', '10 hours']) {
    context.advanceClock(50 * MINUTE_MS);
    const page = await busy.get('/account');
    expect(userOf(page) === undefined, {
      observed: "Mallory came back every 50 minutes with Ada's cookie, and was still logged in "
        + `after ${hours}.`,
      why: 'Each visit gives the session another hour, so a thief can keep it alive for years. The '
        + 'login needs a limit that no visit can move: eight hours from when it began.',
      lookAt: 'logins.ts: does the query for the login ask for `since`, and does no visit change '
        + 'it?',
      exchange: page,
    });
    await busy.get('/');
  }
  await logIn(busy, account);

  const recover = await app.database?.fail('no server', 'logins');
  const unknown = await busy.get('/account');
  expect(unknown.status >= 500 || userOf(unknown) === 'ada', {
    observed: "Ada was logged in, and MongoDB couldn't look up her login. GET /account answered "
      + `with status ${unknown.status}${unknown.location ? `, and leads to ${unknown.location}` : ''
      }.`,
    why: "“I can't find out who you are” isn't “You're nobody”. Ada would lose what she was "
      + 'writing, and see a login page where she should see an error.',
    lookAt: 'app.ts: what becomes of an error when the login is looked up?',
    exchange: unknown,
  });
  recover?.();
});

test('a form finished after the logout changes nothing', { move: 3 }, async (context) => {
  const { app, account, browser } = await ada(context);
  const stolen = browser.cookieHeader();
  const ended = browser.sessionCookie()?.id;
  const form = new URLSearchParams({ new: 'set by mallory' }).toString();
  const half = {
    cookie: stolen, body: form.slice(0, 5), length: form.length, headers: ownPage(app.url),
  };
  const late = beginRequest(app.url, '/account/password', half);
  const lateVisit = beginRequest(app.url, '/', { ...half, method: 'GET' });
  await settle(app);
  await logOut(browser);
  for (const request of [late, lateVisit]) request.finish(form.slice(5));
  const [answer, visit] = await Promise.all([late.answer, lateVisit.answer]);

  expect(!await isSetByMallory(app), {
    observed: "Mallory had a copy of Ada's cookie, and sent half a form with a new password. Ada "
      + 'logged out. Then Mallory sent the other half, and the password was changed.',
    why: 'The session was read when the request began, and the request works with that copy. The '
      + "copy can't know what has ended in the meantime. So look up whether Ada is still logged "
      + 'in: outside the session, and at the moment when it matters.',
    lookAt: 'app.ts: where does POST /account/password find out who is logged in, and does '
      + 'POST /logout end the login?',
    exchange: answer,
  });
  const sessions = await app.database?.sessions() ?? [];
  expect(sessions.every(({ document }) => document._id !== ended), {
    observed: 'Mallory also sent half a form to GET /, with the same cookie, and the other half '
      + "after the logout. Now Ada's session is in MongoDB again.",
    why: 'The session was read first, and its copy waited for the form. Then this visit was '
      + 'counted in the copy, and the copy was stored. Read the form first: by the time the '
      + "session is looked up, it's already gone, and there's no copy to store.",
    lookAt: 'app.ts: is app.use(readForms) above app.use(session(…))?',
    exchange: visit,
  });
  await logIn(app.newBrowser(), account);
});

test("a slow request doesn't undo a logout", { move: 3 }, async (context) => {
  const { app, account, browser } = await ada(context);
  const phone = app.newBrowser();
  await logIn(phone, account);
  for (const path of ['/', '/account']) {
    const laptop = app.newBrowser();
    await logIn(laptop, account);
    const stolen = laptop.cookieHeader();
    const slow = await app.startSlowGet(path, stolen);
    await logOut(laptop);
    await slow.finish().catch(() => undefined);
    const page = await app.newBrowser().getWithCookie('/account', stolen);
    expect(userOf(page) === undefined, {
      observed: `A slow GET ${path} was under way while Ada logged out. When it had ended, her old `
        + 'cookie was still logged in.',
      why: 'express-session may store a session at the end of a request, even if it was destroyed '
        + "in the meantime. So a session can come back. A deleted login can't.",
      lookAt: 'app.ts: does POST /logout call endLogin(), and wait for it? And is the user looked '
        + 'up, not read from the session?',
      exchange: page,
    });
  }
  await expectUser(phone, 'ada', 'Ada logged out on her laptop', 'On her phone');
  await expectUser(browser, 'ada', 'Ada logged out on her laptop', 'On another laptop');
  await submit(app.newBrowser(), '/logout', '/logout', {});
  for (const [where, device] of Object.entries({ phone, 'other laptop': browser })) {
    await expectUser(device, 'ada', 'A stranger without a session sent POST /logout',
      `On Ada's ${where}`);
  }
  await expectToWait(app, 'Ada logged out', () => submit(browser, '/logout', '/logout', {}));
  const restarted = await context.restart(app);
  const moved = phone.movedTo(restarted);
  await expectUser(moved, 'ada', 'Then the app was restarted', 'On her phone');
  await app.database?.deleteDocuments('logins');
  const page = await moved.get('/account');
  expect(userOf(page) === undefined, {
    observed: "Another process ended all logins: it deleted their documents. On Ada's phone, "
      + `GET /account still says “logged in as ${userOf(page) ?? ''}”.`,
    why: 'Your app may run as several processes. When one of them ends a login, it has to be over '
      + "for all of them, at once. A process that remembers a login doesn't notice.",
    lookAt: 'logins.ts: is MongoDB asked for the login every time?',
    exchange: page,
  });
  const form = { new: 'set by mallory' };
  const change = await moved.post('/account/password', form, ownPage(restarted.url));
  expect(!await isSetByMallory(restarted), {
    observed: 'Another process ended all logins. Then a form with a new password came from one of '
      + 'them, and the password was changed.',
    why: "A login that's over is over for every route. The session goes on: what it says about the "
      + 'user is no longer true.',
    lookAt: 'app.ts: does POST /account/password look at res.locals.login, and not at the session?',
    exchange: change,
  });

  await logIn(moved, account);
  const refused = app.database?.refuseDeletions('logins');
  const failed = await submit(moved, '/logout', '/logout', {});
  expect(failed.status >= 500 || refused?.count === 0, {
    observed: 'MongoDB refused to delete the login, and POST /logout answered with status '
      + `${failed.status}: ${quote(failed.body)}.`,
    why: "The login is still there. Ada believes that she's logged out of it, but she isn't.",
    lookAt: 'app.ts: what becomes of an error that endLogin() throws?',
    exchange: failed,
  });
});

test('a new login ends the previous one in the same browser', { move: 3 }, async (context) => {
  const { app, account, browser } = await ada(context);
  const mallory = await createAccount(app, 'mallory');
  await tryLogin(browser, { name: 'ada', password: 'mistyped' });
  await expectUser(browser, 'ada', 'Ada was logged in, and mistyped her password at /login',
    'In her browser');
  const old = browser.cookieHeader();
  const slow = await app.startSlowGet('/', old);
  await logIn(browser, mallory);
  await slow.finish().catch(() => undefined);
  const page = await app.newBrowser().getWithCookie('/account', old);
  expect(userOf(page) === undefined, {
    observed: 'Ada was logged in, and Mallory logged in after her in the same browser. A slow '
      + 'request from before stored the old session again. With its cookie, GET /account says '
      + `“logged in as ${userOf(page) ?? ''}”.`,
    why: 'Nobody can log out of that login any more, because its browser has a new one. So a new '
      + 'login has to end the one it replaces.',
    lookAt: 'app.ts: does POST /login call endLogin() with the id in the old session?',
    exchange: page,
  });
  await expectUser(browser, 'mallory', 'Mallory logged in after Ada', 'In the same browser');
  await expectToWait(app, 'Ada logged in after Mallory', () => tryLogin(browser, account));
  await logIn(app.newBrowser(), account);

  const kept = (await app.database?.sessions() ?? []).map(({ document }) => (
    JSON.stringify(document['session'])
  ));
  expect(!kept.some((session) => /"ada\\*"/.test(session)), {
    observed: `Ada is logged in, and her session in MongoDB holds her name: ${kept.join()}.`,
    why: "It's true only until her login ends. As long as it's there, some route will read it, now "
      + 'or in a year, and take it for the truth.',
    lookAt: 'app.ts: what does POST /login store in req.session? The id of the login is enough.',
  });
});

/** An app in which Ada has an account and is logged in. */
async function ada({ openApp }: Context) {
  const app = await openApp();
  const account = await createAccount(app, 'ada');
  const browser = app.newBrowser();
  await logIn(browser, account);
  return { app, account, browser };
}

/** Whether the password that Mallory sent opens Ada's account. */
async function isSetByMallory(app: RunningApp): Promise<boolean> {
  const mallory = app.newBrowser();
  await tryLogin(mallory, { name: 'ada', password: 'set by mallory' });
  return userOf(await mallory.get('/account')) !== undefined;
}

async function logOut(browser: Browser): Promise<void> {
  const answer = await submit(browser, '/logout', '/logout', {});
  expect(answer.status < 400, {
    observed: `Ada logged out, and POST /logout answered with status ${answer.status}.`,
    why: 'Users have to be able to log out.',
    lookAt: 'app.ts: what does POST /logout do?',
    exchange: answer,
  });
}

/** Expects a request that ends a login to be answered once that's done, and not before. */
async function expectToWait(
  app: RunningApp,
  what: string,
  request: () => Promise<Exchange>,
): Promise<void> {
  const early = await earlyAnswer(app, app.database?.holdNext('deletion'), request);
  expect(early === undefined, {
    observed: `${what}, and the answer (status ${early?.status}) came while MongoDB was still `
      + 'deleting the old login.',
    why: 'Until then, its cookie still works. And if MongoDB fails, nobody finds out.',
    lookAt: `app.ts: is endLogin() awaited in ${early?.method} ${early?.path}?`,
    exchange: early,
  });
}

/** Gives the app time to get as far as it can with half a form. */
async function settle(app: RunningApp): Promise<void> {
  const browser = app.newBrowser();
  for (let visit = 1; visit <= 3; visit++) expectVisit(await browser.get('/'), visit, {});
}

async function expectUser(
  browser: Browser,
  expected: string | undefined,
  what: string,
  where: string,
): Promise<void> {
  const page = await browser.get('/account');
  const user = userOf(page);
  expect(user === expected, {
    observed: `${what}. ${where}, GET /account shows ${user ?? 'nobody'}.`,
    why: expected === undefined
      ? 'After an hour without a visit, nobody is logged in any more: the session has ended.'
      : 'A login ends at its own logout, after eight hours, or after an hour without a visit, and '
        + 'never before.',
    lookAt: 'logins.ts: which logins does the query find, and which does the app end?',
    exchange: page,
  });
}
