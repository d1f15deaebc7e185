import {
  expect,
  expectNoId,
  expectNoServerError,
  expectVisit,
  quote,
  readForms,
  testsOfStep,
  type Context,
  type Exchange,
} from '#harness';

const { test } = testsOfStep(4);

test('POST /logout answers Logout complete', { move: 1 }, async (context) => {
  const { app, browser } = await visited(context);
  const answer = await browser.post('/logout');
  expectLogout(answer);
  expect(answer.location !== undefined || /logout complete/i.test(answer.body), {
    observed: `POST /logout answered ${quote(answer.body)} with status ${answer.status}.`,
    why: 'A visitor who logs out wants to read that it worked.',
    lookAt: 'app.ts: does the answer say Logout complete?',
    exchange: answer,
  });
  expect(answer.status < 300 || answer.location !== undefined, {
    observed: `POST /logout answered with status ${answer.status} and leads nowhere.`,
    why: 'A status from 300 to 399 tells the browser to go on to the address in Location.',
    lookAt: 'app.ts: which status does the answer have? res.send() alone makes it 200.',
    exchange: answer,
  });
  const shown = await browser.follow(answer);
  expect(shown.status < 400, {
    observed: `POST /logout leads to ${shown.method} ${shown.path}, and that's answered with `
      + `status ${shown.status}.`,
    why: 'What the visitor sees last has to say that it worked. (307 and 308 repeat the POST.)',
    lookAt: 'app.ts: where does res.redirect() lead, and with which status?',
    exchange: shown,
  });

  const newcomer = app.newBrowser();
  await newcomer.get('/');
  expectVisit(await newcomer.get('/'), 2, {
    1: "One browser logged out, and since then new visitors aren't recognised when they come back. "
      + 'The logout changed something that all sessions share, such as the cookie options.',
  }, 'app.ts: what does POST /logout change? clearCookie() needs no different options.');
});

test('the session is gone from MongoDB', { move: 1 }, async (context) => {
  const { app, browser } = await visited(context);
  const [before] = await app.database?.sessions() ?? [];
  const other = app.newBrowser();
  await other.get('/');
  const answer = await browser.post('/logout');
  expectLogout(answer);
  expect((app.database?.updatesOfNothing ?? 0) === 0, {
    observed: 'POST /logout deleted the session. Then express-session tried to renew it, but it '
      + 'was gone.',
    why: 'As long as there is a req.session, express-session stores or renews it at the end of the '
      + 'request. If that fails, it logs an error and Express cuts the connection.',
    lookAt: 'app.ts: what ends the session? req.session.destroy() also takes it out of req.',
    exchange: answer,
  });
  const sessions = await app.database?.sessions() ?? [];
  expect(sessions.every(({ document }) => document._id !== before?.document._id), {
    observed: 'POST /logout was answered, and the session document is still in MongoDB.',
    why: 'A copy of the cookie still opens the session. req.session.destroy() deletes the '
      + "document; clearing the cookie, or req.session = null, doesn't.",
    lookAt: 'app.ts: does POST /logout call req.session.destroy(), and does it wait?',
    exchange: answer,
  });
  expectVisit(await other.get('/'), 2, {
    1: "One browser logged out, and then another one wasn't recognised any more: the logout ended "
      + 'its session, too.',
  }, 'app.ts: which sessions does POST /logout delete?');
});

test('the old cookie is a new visitor', { move: 1 }, async (context) => {
  const { browser } = await visited(context);
  const cookie = browser.cookieHeader();
  expectLogout(await browser.post('/logout'));
  expectVisit(await browser.getWithCookie('/', cookie), 1, {
    3: 'A copy of the old cookie was sent after the logout, and the server still knew it. The '
      + "browser forgot its cookie; the server didn't forget the session.",
  }, 'app.ts: is req.session.destroy() called, and does nothing save the session afterwards?');
});

test('the answer waits until the session is gone', { move: 1 }, async (context) => {
  const { app, browser } = await visited(context);
  const deletion = app.database?.holdDeletions();
  const runTimers = app.catchTimers();
  const logout = browser.post('/logout');
  try {
    // While the database takes its time over the deletion, the app answers others.
    const early = await Promise.race([logout, deletion?.asked.then(async () => {
      runTimers();
      for (let visit = 0; visit < 5; visit++) await app.newBrowser().get('/no-such-page');
      return undefined;
    })]);
    // An app may give up, if it says so.
    if (early && early.status >= 500 && !/logout complete/i.test(early.body)) return;
    if (early) expectLogout(early);
    expect(early === undefined || deletion?.wasAsked === true, {
      observed: 'The answer came, but MongoDB was never asked to delete the session.',
      why: 'The old cookie still works: a session is gone only once the server has deleted it.',
      lookAt: 'app.ts: does POST /logout call req.session.destroy()?',
      exchange: early,
    });
    expect(early === undefined, {
      observed: 'The answer came while MongoDB was still deleting the session.',
      why: "A request in between still had its session, and you'd never hear of an error. "
        + "destroy() returns no promise, so await doesn't wait for it, and no timer knows how long "
        + 'it takes. Only its callback tells you.',
      lookAt: 'app.ts: is the answer sent inside the callback of destroy()?',
      exchange: early,
    });
  } finally {
    deletion?.release();
    await logout.catch(() => undefined);
  }
  expectLogout(await logout);

  // Some at once: each ends its own session and gets its own answer.
  const crowd = Array.from({ length: 5 }, () => app.newBrowser());
  const storedIds = async () => (
    (await app.database?.sessions() ?? []).map(({ document }): unknown => document._id)
  );
  const others = await storedIds();
  await Promise.all(crowd.map((each) => each.get('/')));
  const theirs = (await storedIds()).filter((id) => !others.includes(id));
  const deletions = app.database?.holdDeletions();
  const logouts = app.atOnce(crowd.map((each) => () => each.post('/logout'))).catch(() => []);
  await Promise.race([logouts, deletions?.asked]);
  for (let visit = 0; visit < 5; visit++) await app.newBrowser().get('/no-such-page');
  deletions?.release();
  const statuses = (await logouts).map(({ status }) => status);
  const left = (await storedIds()).filter((id) => theirs.includes(id));
  expect(statuses.length > 0 && statuses.every((status) => status < 400) && left.length === 0, {
    observed: 'Five visitors logged out at once. '
      + (statuses.length === 0 ? 'Not all of them got an answer. ' : `${answered(statuses)} `)
      + `${left.length} of their sessions are still in MongoDB.`,
    why: 'Requests overlap: while one waits for MongoDB, others are answered. Keep what belongs to '
      + 'one request in req and res. In a variable outside the handler, the next request '
      + 'overwrites it.',
    lookAt: 'app.ts: which variables are shared by all requests?',
  });
});

function answered(statuses: number[]): string {
  return `They were answered with the statuses ${statuses.join(', ')}.`;
}

test('logging out twice, or without a session, is harmless', { move: 1 }, async (context) => {
  const { app, browser } = await visited(context);
  const cookie = browser.cookieHeader();
  expectLogout(await browser.post('/logout'));
  const again = {
    'for the second time': await browser.post('/logout'),
    'with the old cookie': await browser.postWithCookie('/logout', cookie),
    'without a session': await app.newBrowser().post('/logout'),
  };
  for (const [how, answer] of Object.entries(again)) {
    expect(answer.status < 500, {
      observed: `POST /logout ${how} answered with status ${answer.status}.`,
      why: "People press a button twice, or log out after their session has expired. Then there's "
        + "nothing to delete, and that's not an error.",
      lookAt: 'app.ts: what does POST /logout take for granted?',
      exchange: answer,
    });
  }
});

test("a failed logout doesn't claim that it worked", { move: 2 }, async (context) => {
  const { app, browser } = await visited(context);
  app.database?.refuseDeletions();
  const answer = await browser.post('/logout');
  expect(answer.status !== 404, notThere(answer));
  expect(answer.status >= 500, {
    observed: `MongoDB refused to delete the session, and POST /logout answered with status `
      + `${answer.status}: ${quote(answer.body)}.`,
    why: "The old cookie still works. Your visitor believes they're logged out, but they aren't. "
      + `When something fails on the server, the status has to be 500, not ${answer.status}.`,
    lookAt: 'app.ts: does the callback of destroy() check its error, and `return next(error)`?',
    exchange: answer,
  });
  expect(!/logout complete/i.test(answer.body), {
    observed: 'MongoDB refused to delete the session, and POST /logout answered with status '
      + `${answer.status}, but with the words ${quote(answer.body)}.`,
    why: "People read the words, not the status. They believe they're logged out, but they aren't.",
    lookAt: 'app.ts: does the callback of destroy() check its error, and `return next(error)`?',
    exchange: answer,
  });
});

test('the browser forgets the cookie', { move: 3 }, async (context) => {
  const { browser } = await visited(context);
  const old = browser.sessionCookie();
  const answer = await browser.post('/logout');
  expectLogout(answer);
  const isKept = browser.cookieHeader().split('; ')
    .some((cookie) => cookie.startsWith(`${old?.name}=`));
  const fresh = browser.sessionCookie();
  expect(!isKept || (fresh !== undefined && fresh.id !== old?.id), {
    observed: answer.setCookie.length === 0
      ? `POST /logout came back without a Set-Cookie header: the browser keeps ${old?.name}.`
      : `POST /logout sent "${answer.setCookie.join()}", and the browser keeps ${old?.name}.`,
    why: 'destroy() works on the server; the browser still sends the dead cookie. To clear it, '
      + 'send one with the same name and path, and a date in the past: an empty one stays.',
    lookAt: 'app.ts: does res.clearCookie() come before the answer, with the name and the options '
      + 'that the session cookie was set with?',
    exchange: answer,
  });

  const { browser: late } = await visited(context);
  const dead = late.sessionCookie();
  await late.postWithCookie('/logout', late.cookieHeader());
  const again = await late.post('/logout');
  expect(!/logout complete/i.test(again.body) || late.sessionCookie()?.id !== dead?.id, {
    observed: 'A session had ended in another window. Then the visitor pressed the button and read '
      + `${quote(again.body)}, but the browser keeps the cookie.`,
    why: 'A session often expires before its visitor logs out. Then its cookie opens nothing, but '
      + "it's still in the browser.",
    lookAt: 'app.ts: is the cookie cleared wherever the answer is Logout complete?',
    exchange: again,
  });
});

test('GET /logout shows a button and logs nobody out', { move: 4 }, async (context) => {
  const { app, browser } = await visited(context);
  const page = await browser.get('/logout');
  await browser.get('/logout/no-such-page');
  expectVisit(await browser.get('/'), 3, {
    1: 'A GET of /logout, or of a path below it, ended the session. Browsers load links ahead of '
      + 'time, and any page on the web can hold such a link: both would log your visitors out.',
  }, 'app.ts: does GET /logout only show the page? app.use() answers all methods, and every path '
  + 'that begins with its own.');
  expect(page.status === 200, {
    observed: `GET /logout answered with status ${page.status} instead of 200.`,
    why: 'A visitor who types the address wants to see how to log out.',
    lookAt: "app.ts: is there an app.get('/logout', …) that sends a page?",
    exchange: page,
  });
  expectNoId(page);
  const script = '"><script>alert(1)</script>';
  const linked = await browser.get('/logout', { Referer: `https://evil.example/${script}` });
  expect(!linked.body.includes(script), {
    observed: `A page whose address ends in ${script} linked to GET /logout. The browser sent that `
      + 'address in the header Referer, and the answer holds it as HTML.',
    why: 'Mallory chooses the address of her page. In your page, it would run as your own script.',
    lookAt: 'app.ts: does the page need the Referer? A link to / is a way back, too.',
    exchange: linked,
  });
  expect(!/\b(requestS|s)ubmit\(\)/.test(page.body), {
    observed: 'The page of GET /logout sends its form by itself.',
    why: 'Then opening the page is enough to log out, and any page on the web can link to it. A '
      + 'person has to press the button.',
    lookAt: 'app.ts: what does the script in the page do?',
    exchange: page,
  });

  const buttons = readForms(page).flatMap((form) => form.buttons)
    .filter(({ method }) => method === 'POST');
  const isHtml = /^text\/html/i.test(page.type ?? '');
  const hasScript = isHtml && /<(button|input)\b.*fetch\(.*method\s*:\s*["']post/is.test(page.body);
  expect((isHtml && buttons.length > 0) || hasScript, {
    observed: isHtml
      ? 'The page of GET /logout has no form with method="post" and, inside it, a button to press.'
      : `GET /logout answered with ${page.type}: the browser doesn't read that as HTML.`,
    why: 'A link makes a GET. Only a form (or a script) makes the browser send a POST.',
    lookAt: 'app.ts: which HTML does GET /logout send?',
    exchange: page,
  });
  const id = browser.sessionCookie()?.id;
  for (const { action, field } of buttons) {
    const isOurs = action.startsWith('/');
    const answer = isOurs ? await browser.post(action, field) : page;
    expect(isOurs && answer.status < 400, {
      observed: isOurs
        ? `The button of GET /logout posts to ${action}, and gets status ${answer.status}.`
        : `The button of GET /logout posts to ${action}, which is another server.`,
      why: 'The button has to lead to the route that logs the visitor out, wherever the app runs.',
      lookAt: 'app.ts: what is the `action` of the form?',
      exchange: answer,
    });
    const sessions = await app.database?.sessions() ?? [];
    if (sessions.every(({ document }) => document._id !== id)) return;
  }
  expect(hasScript, {
    observed: `The button of GET /logout posts to ${buttons[0]?.action}, and the visitor's session `
      + 'goes on.',
    why: 'The button has to lead to the route that logs the visitor out.',
    lookAt: 'app.ts: what is the `action` of the form?',
    exchange: page,
  });
});

/** An app and a browser that has been there twice. */
async function visited(context: Context) {
  const app = await context.openApp();
  const browser = app.newBrowser();
  await browser.get('/');
  expectVisit(await browser.get('/'), 2);
  return { app, browser };
}

function expectLogout(answer: Exchange): void {
  expect(answer.status !== 404, notThere(answer));
  expectNoServerError(answer);
  expect(answer.status < 400, {
    observed: `POST /logout answered with status ${answer.status}.`,
    why: 'A visitor with a session has to be able to log out.',
    lookAt: 'app.ts: what does POST /logout answer?',
    exchange: answer,
  });
}

function notThere(answer: Exchange) {
  return {
    observed: 'POST /logout answered with status 404.',
    why: "Logging out changes something, so it's a POST, and Express needs a route for it.",
    lookAt: "app.ts: is there an app.post('/logout', …), with a function of two or three "
      + 'parameters?',
    exchange: answer,
  };
}
