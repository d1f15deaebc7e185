import {
  countStands,
  expect,
  expectNoServerError,
  expectVisit,
  quote,
  testsOfStep,
  type Context,
  type Exchange,
} from '#harness';

const { test } = testsOfStep(4);

test('POST /logout answers Logout complete', { move: 1 }, async (context) => {
  const { browser } = await visited(context);
  const answer = await browser.post('/logout');
  expectLogout(answer);
  expect(answer.status >= 300 || /logout complete/i.test(answer.body), {
    observed: `POST /logout answered ${quote(answer.body)} with status ${answer.status}.`,
    why: 'A visitor who logs out wants to read that it worked.',
    lookAt: 'app.ts: does the answer say Logout complete?',
    exchange: answer,
  });
});

test('the session is gone from MongoDB', { move: 1 }, async (context) => {
  const { app, browser } = await visited(context);
  const [before] = await app.database?.sessions() ?? [];
  const other = app.newBrowser();
  await other.get('/');
  const answer = await browser.post('/logout');
  expectLogout(answer);
  const sessions = await app.database?.sessions() ?? [];
  expect(sessions.every(({ document }) => document._id !== before?.document._id), {
    observed: 'POST /logout was answered, and the session document is still in MongoDB.',
    why: 'Whoever has a copy of the cookie is still logged in. Only req.session.destroy() '
      + 'deletes the document; clearing the cookie, or req.session = null, does not.',
    lookAt: 'app.ts: does POST /logout call req.session.destroy(), and does it wait?',
    exchange: answer,
  });
  expectVisit(await other.get('/'), 2, {
    1: 'One browser logged out, and another one was not known any more: the logout ended its '
      + 'session too.',
  }, 'app.ts: which sessions does POST /logout delete?');
});

test('the old cookie is a new visitor', { move: 1 }, async (context) => {
  const { browser } = await visited(context);
  const cookie = browser.cookieHeader();
  expectLogout(await browser.post('/logout'));
  expectVisit(await browser.getWithCookie('/', cookie), 1, {
    3: 'A copy of the old cookie was sent after the logout, and the server still knew it. The '
      + 'browser forgot its cookie; the server did not forget the session.',
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
    if (early) expectLogout(early);
    expect(early === undefined || deletion?.wasAsked === true, {
      observed: 'The answer came, and MongoDB was not asked to delete the session.',
      why: 'Only what is deleted on the server is gone. The old cookie still works.',
      lookAt: 'app.ts: does POST /logout call req.session.destroy()?',
      exchange: early,
    });
    expect(early === undefined, {
      observed: 'The answer came while MongoDB was still deleting the session.',
      why: 'A request in between was still logged in, and nobody would hear of an error. '
        + 'destroy() returns no promise: await does not wait for it, its callback does.',
      lookAt: 'app.ts: is the answer sent inside the callback of destroy()?',
      exchange: early,
    });
  } finally {
    deletion?.release();
    await logout.catch(() => undefined);
  }
  expectLogout(await logout);
});

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
      why: 'People press a button twice, and sessions expire before they log out. There is '
        + 'nothing to delete then, and that is no error.',
      lookAt: 'app.ts: what does POST /logout take for granted?',
      exchange: answer,
    });
  }
});

test('a logout that failed does not say that it worked', { move: 2 }, async (context) => {
  const { app, browser } = await visited(context);
  app.database?.refuseDeletions();
  const answer = await browser.post('/logout');
  expect(answer.status !== 404, notThere(answer));
  expect(answer.status >= 500, {
    observed: `MongoDB refused to delete the session, and POST /logout answered with status `
      + `${answer.status}: ${quote(answer.body)}.`,
    why: 'The old cookie still works. The visitor believes to be logged out, and is not.',
    lookAt: 'app.ts: does the callback of destroy() look at its error? return next(error)',
    exchange: answer,
  });
  expect(!/logout complete/i.test(answer.body), {
    observed: 'MongoDB refused to delete the session, and POST /logout answered with status '
      + `${answer.status}, but with the words ${quote(answer.body)}.`,
    why: 'People read the words and not the status. They believe to be logged out, and are not.',
    lookAt: 'app.ts: does the callback of destroy() look at its error? return next(error)',
    exchange: answer,
  });
});

test('the browser forgets the cookie', { move: 3 }, async (context) => {
  const { browser } = await visited(context);
  const old = browser.sessionCookie();
  const answer = await browser.post('/logout');
  expectLogout(answer);
  expect(browser.sessionCookie()?.id !== old?.id, {
    observed: answer.setCookie.length === 0
      ? `POST /logout came back without a Set-Cookie header: the browser keeps ${old?.name}.`
      : `POST /logout sent “${answer.setCookie.join()}”, and the browser keeps ${old?.name}.`,
    why: 'destroy() works on the server; the browser still sends the dead cookie. A cookie is '
      + 'cleared by its own name and path.',
    lookAt: 'app.ts: does res.clearCookie() come before the answer, with the name of the '
      + 'session cookie?',
    exchange: answer,
  });
});

test('GET /logout shows a button and logs nobody out', { move: 4 }, async (context) => {
  const { app, browser } = await visited(context);
  const page = await browser.get('/logout');
  expectVisit(await browser.get('/'), 3, {
    1: 'A GET of /logout ended the session. Browsers load links ahead, and any page of the web '
      + 'can hold a link to /logout: both would log your visitors out.',
  }, 'app.ts: does GET /logout only show the page?');
  expect(page.status !== 404, {
    observed: 'GET /logout answered with status 404.',
    why: 'A visitor who types the address wants to see how to log out.',
    lookAt: "app.ts: is there an app.get('/logout', …)?",
    exchange: page,
  });
  expect(page.status === 200, {
    observed: `GET /logout answered with status ${page.status} instead of 200.`,
    why: 'The page with the button is shown to everyone.',
    lookAt: "app.ts: what does app.get('/logout', …) send?",
    exchange: page,
  });
  const posts = /method\s*[=:]\s*["']?post/i.test(page.body);
  // A button of the type `button` does nothing, unless a script says what.
  const button = /<(button|input)(?![^>]*\stype\s*=\s*["']?(button|reset|hidden|text))|fetch/i;
  expect(posts && button.test(page.body), {
    observed: 'The page of GET /logout has no form with method="post" and a button.',
    why: 'A link makes a GET. Only a form (or a script) makes the browser send a POST.',
    lookAt: 'app.ts: which HTML does GET /logout send?',
    exchange: page,
  });
  const [, action = '/logout'] = /<form[^>]*\saction\s*=\s*["']?([^"'\s>]*)/i.exec(page.body) ?? [];
  const target = new URL(action, `${app.url}/logout`).pathname;
  const answer = await browser.post(target);
  expect(answer.status < 400, {
    observed: `The form of GET /logout posts to ${target}, and that is answered with status `
      + `${answer.status}.`,
    why: 'The button has to lead to the route that logs out.',
    lookAt: 'app.ts: what is the `action` of the form?',
    exchange: answer,
  });
});

/** An app and a browser that has been there twice. */
async function visited(context: Context) {
  const app = await context.openApp();
  const browser = app.newBrowser();
  await browser.get('/');
  expectVisit(await browser.get('/'), 2, countStands);
  return { app, browser };
}

function expectLogout(answer: Exchange): void {
  expect(answer.status !== 404, notThere(answer));
  expectNoServerError(answer);
  expect(answer.status < 400, {
    observed: `POST /logout answered with status ${answer.status}.`,
    why: 'A visitor with a session may log out.',
    lookAt: 'app.ts: what does POST /logout answer?',
    exchange: answer,
  });
}

function notThere(answer: Exchange) {
  return {
    observed: 'POST /logout answered with status 404.',
    why: 'Logging out changes something, so it is a POST, and Express needs a route for it.',
    lookAt: "app.ts: is there an app.post('/logout', …)?",
    exchange: answer,
  };
}
