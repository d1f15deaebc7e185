import type { RightAnswer, WrongAnswer } from './answer.ts';

const complete = 'POST /logout answers Logout complete';
const gone = 'the session is gone from MongoDB';
const replay = 'the old cookie is a new visitor';
const waits = 'the answer waits until the session is gone';
const harmless = 'logging out twice, or without a session, is harmless';
const failure = "a failed logout doesn't claim that it worked";
const forgets = 'the browser forgets the cookie';
const page = 'GET /logout shows a button and logs nobody out';

/** The solution's handler of POST /logout, to be replaced. */
const handler = `
-  app.post('/logout', (req, res, next) => {
-    req.session.destroy((error) => {
-      if (error) return next(error);
-      res.clearCookie(cookieName, cookieOptions);
-      res.send('Logout complete');
-    });
-  });
`;

const form = `
-<form method="post" action="/logout">
-  <button>Log out</button>
-</form>
`;

const answer = `
-      res.send('Logout complete');
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'no route for POST',
    patch: { 'app.ts': handler },
    caughtBy: complete,
    reads: /POST \/logout answered with status \d+\. Logging out changes something, so/,
  },
  {
    name: 'a route above the middleware',
    patch: { 'app.ts': `${handler}@@
+  app.post('/logout', (req, res, next) => {
+    req.session.destroy((error) => {
+      if (error) return next(error);
+      res.clearCookie(cookieName, cookieOptions);
+      res.send('Logout complete');
+    });
+  });
   app.use(session(sessionOptions(settings)));
` },
    caughtBy: complete,
    reads: /status 500: TypeError: Cannot read .*'destroy'\)\. Most likely req\.session is undefined/,
  },
  {
    name: 'another text',
    patch: { 'app.ts': `
-      res.send('Logout complete');
+      res.send('Bye!');
` },
    caughtBy: complete,
    reads: /POST \/logout answered "Bye!" with status 200/,
  },
  {
    name: 'no text',
    patch: { 'app.ts': `
-      res.send('Logout complete');
+      res.status(204).end();
` },
    caughtBy: complete,
    reads: /POST \/logout answered "" with status 204/,
  },
  {
    name: 'no answer',
    patch: { 'app.ts': `
-      res.send('Logout complete');
` },
    aside: true,
    caughtBy: complete,
    reads: /POST \/logout got no answer within 2 s/,
  },
  {
    name: 'the cookie cleared after the answer',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
-      res.send('Logout complete');
+      res.send('Logout complete');
+      res.clearCookie(cookieName, cookieOptions);
` },
    caughtBy: forgets,
    reads: /without a Set-Cookie header: the browser keeps connect\.sid.*does res\.clearCookie\(\) come before the answer/,
  },
  {
    name: 'the session used after it is destroyed',
    patch: { 'app.ts': `
-      res.send('Logout complete');
+      req.session.visits = 0;
+      res.send('Logout complete');
` },
    caughtBy: complete,
    reads: /status 500: TypeError: Cannot set properties of undefined.*Once a session is destroyed.*Line steps\/04-logout\/app\.ts:30/,
  },
  {
    name: 'a name that does not exist, in the callback',
    patch: { 'app.ts': `
-      res.send('Logout complete');
+      response.send('Logout complete');
` },
    caughtBy: complete,
    reads: /status 500: ReferenceError: response is not defined.*Line steps\/04-logout\/app\.ts:30/,
  },
  {
    name: 'process.exit() when all is done',
    patch: { 'app.ts': `
       res.send('Logout complete');
+      process.exit();
` },
    caughtBy: complete,
    reads: /Your server stopped: process\.exit\(\) was called/,
  },
  {
    name: 'a loop that waits for the deletion',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    let done = false;
+    req.session.destroy(() => { done = true; });
+    while (!done);
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    aside: true,
    caughtBy: complete,
    reads: /POST \/logout kept your server busy.*Line steps\/04-logout\/app\.ts:(29|3\d)/,
  },
  {
    name: 'the cookie cleared, the session kept',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: gone,
    reads: /POST \/logout was answered, and the session document is still in MongoDB\./,
  },
  {
    name: 'req.session = null',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    req.session = null as never;
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: gone,
    reads: /the session document is still in MongoDB.*opens the session\. req\.session\.destroy\(\)/,
  },
  {
    name: 'the document deleted behind the back of express-session',
    patch: { 'app.ts': `${handler}+  app.post('/logout', async (req, res) => {
+    await settings.client.db().collection('sessions').deleteOne({ _id: req.sessionID as never });
+    req.session.visits = 0;
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: gone,
    reads: /the session document is still in MongoDB/,
  },
  {
    name: 'sessionStore.destroy(), and the session saved again',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res, next) => {
+    req.session.visits = 0;
+    req.sessionStore.destroy(req.sessionID, (error) => {
+      if (error) return next(error);
+      res.clearCookie(cookieName, cookieOptions);
+      res.send('Logout complete');
+    });
+  });
` },
    caughtBy: gone,
    reads: /the session document is still in MongoDB/,
  },
  {
    name: 'a count that is remembered by the cookie',
    patch: { 'app.ts': `
   const app = express();
+  const remembered = new Map<string, number>();
@@
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    const { cookie = '' } = req.headers;
+    req.session.visits = (req.session.visits ?? remembered.get(cookie) ?? 0) + 1;
+    if (cookie) remembered.set(cookie, req.session.visits);
` },
    caughtBy: replay,
    reads: /Visit 1 was answered with "Hello World, visit 3"\. A copy of the old cookie was sent/,
  },
  {
    name: 'everyone is logged out',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res, next) => {
+    req.sessionStore.clear?.((error) => {
+      if (error) return next(error);
+      req.session.destroy(() => undefined);
+      res.clearCookie(cookieName, cookieOptions);
+      res.send('Logout complete');
+    });
+  });
` },
    caughtBy: gone,
    reads: /One browser logged out, and then another one wasn't recognised any more/,
  },
  {
    name: 'a session that expires at once',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    req.session.cookie.expires = new Date(0);
+    req.session.visits = 0;
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: gone,
    reads: /the session document is still in MongoDB/,
  },
  {
    name: 'the answer before the deletion, as in the tutorial',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    req.session.destroy((error) => {
+      if (error) console.error(String(error));
+    });
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: waits,
    reads: /The answer came while MongoDB was still deleting the session\..*inside the callback of destroy/,
  },
  {
    name: 'await for something that is no promise',
    patch: { 'app.ts': `${handler}+  app.post('/logout', async (req, res) => {
+    await (req.session.destroy as unknown as () => Promise<void>).call(req.session);
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: waits,
    reads: /The answer came while MongoDB was still deleting the session\. A request/,
  },
  {
    name: 'a fixed time instead of the callback',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    req.session.destroy(() => undefined);
+    setTimeout(() => {
+      res.clearCookie(cookieName, cookieOptions);
+      res.send('Logout complete');
+    }, 20);
+  });
` },
    caughtBy: waits,
    reads: /The answer came while MongoDB was still deleting/,
  },
  {
    name: 'a session taken for granted',
    patch: { 'app.ts': `
-  app.post('/logout', (req, res, next) => {
+  app.post('/logout', (req, res, next) => {
+    if (!req.session.visits) throw new Error('nobody is logged in');
` },
    caughtBy: harmless,
    reads: /POST \/logout for the second time answered with status 500.*People press a button twice/,
  },
  {
    name: 'no answer without a session',
    patch: { 'app.ts': `
-  app.post('/logout', (req, res, next) => {
+  app.post('/logout', (req, res, next) => {
+    if (!req.session.visits) return;
` },
    aside: true,
    caughtBy: harmless,
    reads: /POST \/logout got no answer within 2 s/,
  },
  {
    name: 'the error ignored',
    patch: { 'app.ts': `
-      if (error) return next(error);
` },
    caughtBy: failure,
    reads: /MongoDB refused to delete the session, and POST \/logout answered with status 200: "Logout complete"\. The old cookie still works/,
  },
  {
    name: 'the error logged and no answer',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) return console.error(String(error));
` },
    aside: true,
    caughtBy: failure,
    reads: /POST \/logout got no answer within 2 s.*a callback that never answers/,
  },
  {
    name: 'the error thrown',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) throw error;
` },
    caughtBy: failure,
    reads: /Your server stopped: the database refused the deletion\..*next\(error\)/,
  },
  {
    name: 'next that is no parameter',
    patch: { 'app.ts': `
-  app.post('/logout', (req, res, next) => {
+  app.post('/logout', (req, res) => {
` },
    caughtBy: failure,
    reads: /Your server stopped: next is not defined\. next is the third parameter/,
  },
  {
    name: 'an error that goes on to the answer',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) next(error);
` },
    caughtBy: failure,
    reads: /MongoDB refused to delete the session, and POST \/logout answered with status 200: "Logout complete"/,
  },
  {
    name: 'a failure that is the visitor\'s',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) return res.status(400).send('That did not work.');
` },
    caughtBy: failure,
    reads: /answered with status 400: "That did not work\."/,
  },
  {
    name: 'a failure with the status of success',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) return res.send('Error');
` },
    caughtBy: failure,
    reads: /answered with status 200: "Error"\..*the status has to be 500, not 200/,
  },
  {
    name: 'a failure with the words of success',
    patch: { 'app.ts': `
-      if (error) return next(error);
-      res.clearCookie(cookieName, cookieOptions);
+      if (error) res.status(500);
+      res.clearCookie(cookieName, cookieOptions);
` },
    caughtBy: failure,
    reads: /status 500, but with the words "Logout complete"/,
  },
  {
    name: 'a promise that swallows the error',
    patch: { 'app.ts': `${handler}+  app.post('/logout', async (req, res) => {
+    await new Promise<void>((resolve) => { req.session.destroy(() => { resolve(); }); });
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: failure,
    reads: /MongoDB refused to delete the session, and POST \/logout answered with status 200/,
  },
  {
    name: 'unset: destroy, which learns of an error too late',
    patch: {
      'session.ts': `
     name: cookieName,
+    unset: 'destroy',
`,
      'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    req.session = null as never;
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
`,
    },
    caughtBy: failure,
    reads: /MongoDB refused to delete the session, and POST \/logout answered with status 200/,
  },
  {
    name: 'the cookie left in the browser',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
` },
    caughtBy: forgets,
    reads: /without a Set-Cookie header: the browser keeps connect\.sid/,
  },
  {
    name: 'another cookie cleared',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.clearCookie('sessionId', cookieOptions);
` },
    caughtBy: forgets,
    reads: /POST \/logout sent "sessionId=; Path=\/; Expires=Thu, \d+ Jan \d+ \d+:\d+:\d+/,
  },
  {
    name: 'another name in the options',
    patch: { 'session.ts': `
-    name: cookieName,
+    name: 'sid',
` },
    caughtBy: forgets,
    reads: /sent "connect\.sid=.*", and the browser keeps sid\./,
  },
  {
    name: 'another path of the cookie cleared',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.clearCookie(cookieName, { path: '/logout' });
` },
    caughtBy: forgets,
    reads: /the browser keeps connect\.sid.*name and path/,
  },
  {
    name: 'the cookie of another domain cleared',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.clearCookie(cookieName, { ...cookieOptions, domain: 'example.com' });
` },
    caughtBy: forgets,
    reads: /the browser keeps connect\.sid/,
  },
  {
    name: 'a GET that logs out',
    patch: { 'app.ts': `
-  app.post('/logout', (req, res, next) => {
+  app.all('/logout', (req, res, next) => {
@@
-  app.get('/logout', (req, res) => {
-    res.send(logoutPage);
-  });
-
` },
    caughtBy: page,
    reads: /A GET of \/logout, or .* ended the session\. Browsers load links ahead/,
  },
  {
    name: 'a GET that clears the cookie',
    patch: { 'app.ts': `
-    res.send(logoutPage);
+    res.clearCookie(cookieName, cookieOptions);
+    res.send(logoutPage);
` },
    caughtBy: page,
    reads: /A GET of \/logout, or of a path below it, ended the session/,
  },
  {
    name: 'no page',
    patch: { 'app.ts': `
-  app.get('/logout', (req, res) => {
-    res.send(logoutPage);
-  });
-
` },
    caughtBy: page,
    reads: /GET \/logout answered with status 404.*is there an app\.get\('\/logout', …\)/,
  },
  {
    name: 'a page with a link',
    patch: { 'app.ts': `
-    res.send(logoutPage);
+    res.send('<a href="/logout">Log out</a>');
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a/,
  },
  {
    name: 'a form without a button',
    patch: { 'app.ts': `
-  <button>Log out</button>
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a/,
  },
  {
    name: 'a button that does nothing',
    patch: { 'app.ts': `
-  <button>Log out</button>
+  <button type="button">Log out</button>
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a/,
  },
  {
    name: 'a form that posts to another address',
    patch: { 'app.ts': `
-<form method="post" action="/logout">
+<form method="post" action="/signout">
` },
    caughtBy: page,
    reads: /The button of GET \/logout posts to \/signout, and gets status \d+\. The/,
  },
  {
    name: 'a cookie that is emptied and stays',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.cookie(cookieName, '', cookieOptions);
` },
    caughtBy: forgets,
    reads: /POST \/logout sent "connect\.sid=; Path=\/; HttpOnly; SameSite=Lax", and the browser/,
  },
  {
    name: 'a cookie with other words in it',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.cookie(cookieName, 'deleted', cookieOptions);
` },
    caughtBy: forgets,
    reads: /POST \/logout sent "connect\.sid=deleted; Path=\/; HttpOnly; SameSite=Lax", and the/,
  },
  {
    name: 'a button outside of the form',
    patch: { 'app.ts': `${form}+<form method="post" action="/logout"></form>
+<button>Log out</button>
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a button to/,
  },
  {
    name: 'a form in a comment',
    patch: { 'app.ts': `${form}+<!-- <form method="post" action="/logout">
+  <button>Log out</button>
+</form> -->
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a button to/,
  },
  {
    name: 'a disabled button',
    patch: { 'app.ts': `
-  <button>Log out</button>
+  <button disabled>Log out</button>
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a button to/,
  },
  {
    name: 'a form that sends text/plain to another host',
    patch: { 'app.ts': `
-<form method="post" action="/logout">
+<form method="post" action="http://localhost:4000/logout">
` },
    caughtBy: page,
    reads: /The button of GET \/logout posts to http:\/\/localhost:\d+\/logout, which is another/,
  },
  {
    name: 'a form in a template that nothing shows',
    patch: { 'app.ts': `${form}+<template><form method="post" action="/logout">
+  <button>Log out</button>
+</form></template>
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a button to/,
  },
  {
    name: 'a page sent as plain text',
    patch: { 'app.ts': `
-    res.send(logoutPage);
+    res.type('text').send(logoutPage);
` },
    caughtBy: page,
    reads: /GET \/logout answered with text\/plain; charset=utf-\d+: the browser doesn't/,
  },
  {
    name: 'a button that goes home',
    patch: { 'app.ts': `
-  <button>Log out</button>
+  <button formaction="/">Log out</button>
` },
    caughtBy: page,
    reads: /The button of GET \/logout posts to \/, and gets status \d+\. The button has to lead/,
  },
  {
    name: 'a button that makes a GET',
    patch: { 'app.ts': `
-  <button>Log out</button>
+  <button formmethod="get">Log out</button>
` },
    caughtBy: page,
    reads: /The page of GET \/logout has no form with method="post" and, inside it, a button to/,
  },
  {
    name: 'redirects in a circle',
    patch: { 'app.ts': `${answer}+      res.redirect('/bye');
@@
+  app.get('/bye', (req, res) => { res.redirect('/bye'); });
   return app;
` },
    caughtBy: complete,
    reads: /POST \/logout was redirected more than \d+ times\. The browser gives up and shows/,
  },
  {
    name: 'a redirect to nowhere',
    patch: { 'app.ts': `${answer}+      res.redirect(303, '/goodbye');
` },
    caughtBy: complete,
    reads: /POST \/logout leads to GET \/goodbye, and that's answered with status \d+\. What the/,
  },
  {
    name: 'a redirect that posts again',
    patch: { 'app.ts': `${answer}+      res.redirect(307, '/');
` },
    caughtBy: complete,
    reads: /POST \/logout leads to POST \/, and that's answered with status \d+\. What the visitor/,
  },
  {
    name: 'a redirect to another server',
    patch: { 'app.ts': `${answer}+      res.redirect('http://localhost:4000/');
` },
    caughtBy: complete,
    reads: /POST \/logout leads to http:\/\/localhost:\d+\/, which is another server\. Your app may/,
  },
  {
    name: 'a redirect with no address',
    patch: { 'app.ts': `${answer}+      res.status(303).send('Logout complete');
` },
    caughtBy: complete,
    reads: /POST \/logout answered with status \d+ and leads nowhere\. A status from \d+ to \d+/,
  },
  {
    name: 'the response of the last logout',
    patch: { 'app.ts': `
   const app = express();
+  let response: express.Response;
@@${handler}+  app.post('/logout', (req, res, next) => {
+    response = res;
+    req.session.destroy((error) => {
+      if (error) return next(error);
+      if (response.headersSent) return;
+      response.clearCookie(cookieName, cookieOptions);
+      response.send('Logout complete');
+    });
+  });
` },
    caughtBy: waits,
    reads: /Five visitors logged out at once\. Not all of them got an answer\. \d+ of their/,
  },
  {
    name: 'one logout at a time, and the others dropped',
    patch: { 'app.ts': `
   const app = express();
+  let busy = false;
@@
-    req.session.destroy((error) => {
+    if (busy) return res.status(429).send('Busy, try again');
+    busy = true;
+    req.session.destroy((error) => {
+      busy = false;
` },
    caughtBy: waits,
    reads: /Five visitors logged out at once\. They were answered with the statuses \d+, \d+,/,
  },
  {
    name: 'this visitor\'s session in a variable of the app',
    patch: { 'app.ts': `
   app.use(session(sessionOptions(settings)));
+  let current: session.Session;
+  app.use((req, res, next) => { current = req.session; next(); });
@@${handler}+  app.post('/logout', async (req, res, next) => {
+    await new Promise((resolve) => { setTimeout(resolve, 5); });
+    current.destroy((error) => {
+      if (error) return next(error);
+      res.clearCookie(cookieName, cookieOptions);
+      res.send('Logout complete');
+    });
+  });
` },
    caughtBy: waits,
    reads: /Five visitors logged out at once\. They were answered with the statuses \d+, \d+,/,
  },
  {
    name: 'the app\'s own options changed to clear the cookie',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      cookieOptions.maxAge = 0;
+      res.cookie(cookieName, '', cookieOptions);
` },
    caughtBy: complete,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. One browser logged out,/,
  },
  {
    name: 'an expiry put into the options of all',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.cookie(cookieName, '', Object.assign(cookieOptions, { expires: new Date(0) }));
` },
    caughtBy: complete,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. One browser logged out,/,
  },
  {
    name: 'a wait of timers/promises',
    patch: { 'app.ts': `
-import express, { type Express } from 'express';
+import { setTimeout } from 'node:timers/promises';
+import express, { type Express } from 'express';
@@${handler}+  app.post('/logout', async (req, res) => {
+    req.session.destroy(() => undefined);
+    await setTimeout(100);
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: waits,
    reads: /The answer came while MongoDB was still deleting the session\. A request in between/,
  },
  {
    name: 'a wait by promisify',
    patch: { 'app.ts': `
-import express, { type Express } from 'express';
+import { promisify } from 'node:util';
+import express, { type Express } from 'express';
@@${handler}+  app.post('/logout', async (req, res) => {
+    req.session.destroy(() => undefined);
+    await promisify(setTimeout)(100);
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: waits,
    reads: /The answer came while MongoDB was still deleting the session\. A request in between/,
  },
  {
    name: 'no SameSite any more, because the options are not shared',
    patch: { 'session.ts': `
-    cookie: cookieOptions,
` },
    caughtBy: 'the cookie is HttpOnly and SameSite=Lax',
    reads: /The session cookie says nothing about SameSite\. A form on any other site could post/,
  },
  {
    name: 'a cookie of its own path, which clears another',
    patch: { 'session.ts': `
-    cookie: cookieOptions,
+    cookie: { ...cookieOptions, sameSite: 'none' as const },
` },
    caughtBy: complete,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. The same browser came back and/,
  },
  {
    name: 'writes that nobody acknowledges',
    patch: { 'session.ts': `
       client,
+      writeOperationOptions: { w: 0 },
` },
    caughtBy: 'the visit count survives a restart of the app',
    reads: /The store wrote to MongoDB and asked for no answer \(w: \d+\)\. Then you don't know/,
  },
  {
    name: 'an unbound destroy',
    patch: { 'app.ts': `
-    req.session.destroy((error) => {
+    const { destroy } = req.session;
+    destroy((error) => {
` },
    caughtBy: complete,
    reads: /\(reading 'req'\)\. A method of the session was called without the session/,
  },
  {
    name: 'a handler with four parameters',
    patch: { 'app.ts': `${handler}
+  const logout: express.ErrorRequestHandler = (error, req, res, next) => {
+    if (error) return next(error);
+    req.session.destroy(() => { res.send('Logout complete'); });
+  };
+  app.post('/logout', logout);
` },
    caughtBy: complete,
    reads: /POST \/logout answered with status \d+\. Logging out changes something, so it's a/,
  },
  {
    name: 'the error of the listening lost',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+createApp({ client, secret: SESSION_SECRET }).listen(port, () => {
` },
    caughtBy: 'a PORT that is taken ends it with a sentence',
    reads: /PORT was taken by another server, and index\.ts printed "Server running" all the/,
  },
  {
    name: 'an index.ts that does not listen any more',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+createApp({ client, secret: SESSION_SECRET });
` },
    caughtBy: 'index.ts listens on PORT',
    reads: /PORT was \d+, and index\.ts runs but doesn't listen\. It printed nothing\. Nobody/,
  },
  {
    name: 'a deletion by hand that does not wait',
    patch: { 'app.ts': `${handler}+  app.post('/logout', (req, res) => {
+    void settings.client.db().collection('sessions').deleteOne({ _id: req.sessionID as never });
+    delete (req as Partial<typeof req>).session;
+    res.clearCookie(cookieName, cookieOptions);
+    res.send('Logout complete');
+  });
` },
    caughtBy: waits,
    reads: /The answer came while MongoDB was still deleting the session\. A request in between/,
  },
  {
    name: 'the id in the page',
    patch: { 'app.ts': `
-    res.send(logoutPage);
+    res.send(logoutPage.replace('Log out', \`Log out \${req.sessionID}\`));
` },
    caughtBy: page,
    reads: /The answer to GET \/logout holds the session's id/,
  },
  {
    name: 'a page that sends its form by itself',
    patch: {
      'app.ts': `
   <button>Log out</button>
 </form>
+<script>document.forms[0].submit();</script>
`,
    },
    caughtBy: page,
    reads: /The page of GET \/logout sends its form by itself/,
  },
  {
    name: 'the id in the log of a failed logout',
    patch: {
      'app.ts': `
-    req.session.destroy((error) => {
-      if (error) return next(error);
+    const id = req.sessionID;
+    req.session.destroy((error) => {
+      if (error) {
+        console.error('No logout', id, error);
+        return next(error);
+      }
`,
    },
    caughtBy: failure,
    reads: /Your app printed the id of a session/,
  },
  {
    name: 'sessionStore.destroy(), and a session that stays in the request',
    patch: { 'app.ts': `
-    req.session.destroy((error) => {
+    req.sessionStore.destroy(req.sessionID, (error?: unknown) => {
` },
    caughtBy: gone,
    reads: /Then express-session tried to renew it.*req\.session\.destroy\(\) also takes it out of req/,
  },
  {
    name: 'app.use() for the logout',
    patch: { 'app.ts': `
-  app.post('/logout', (req, res, next) => {
+  app.use('/logout', (req, res, next) => {
` },
    caughtBy: page,
    reads: /or of a path below it, ended the session.*app\.use\(\) answers all methods/,
  },
  {
    name: 'nothing to do without a session',
    patch: { 'app.ts': `
   app.post('/logout', (req, res, next) => {
+    if (!req.session.visits) {
+      res.send('Logout complete');
+      return;
+    }
` },
    caughtBy: forgets,
    reads: /A session had ended in another window.*the browser keeps the cookie/,
  },
  {
    name: 'a way back to wherever the visitor came from',
    patch: { 'app.ts': `
   app.get('/logout', (req, res) => {
-    res.send(logoutPage);
+    res.send(\`\${logoutPage}<a href="\${req.get('Referer') ?? '/'}">Back</a>\`);
` },
    caughtBy: page,
    reads: /in the header Referer, and the answer holds it as HTML/,
  },
];

export const right: RightAnswer[] = [
  { name: 'the solution' },
  {
    name: 'a new Promise in an async handler, JSON',
    patch: { 'app.ts': `${handler}+  app.post('/logout', async (req, res) => {
+    await new Promise<void>((resolve, reject) => {
+      req.session.destroy((error) => { if (error) reject(error as Error); else resolve(); });
+    });
+    res.clearCookie(cookieName);
+    res.json({ message: 'Logout complete' });
+  });
` },
  },
  {
    name: 'promisify, the cookie cleared first, a redirect',
    patch: { 'app.ts': `
-import express, { type Express } from 'express';
+import { promisify } from 'node:util';
+import express, { type Express } from 'express';
@@${handler}+  app.post('/logout', async (req, res) => {
+    const destroy = promisify(req.session.destroy.bind(req.session));
+    res.clearCookie(cookieName, { path: '/' });
+    await destroy();
+    res.redirect(303, '/');
+  });
` },
  },
  {
    name: 'an error page of its own, on which the cookie stays',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) return res.status(503).json({ error: 'You are still logged in. Try again.' });
` },
  },
  {
    name: 'a cookie with another name, expired by hand',
    patch: {
      'session.ts': `
-export const cookieName = 'connect.sid';
+export const cookieName = 'sid';
`,
      'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.cookie(cookieName, '', { expires: new Date(0) });
+      res.set('Cache-Control', 'no-store').set('Clear-Site-Data', '"cache"');
`,
    },
  },
  {
    name: 'regenerate() as a logout',
    patch: { 'app.ts': `
-    req.session.destroy((error) => {
+    req.session.regenerate((error) => {
` },
  },
  {
    name: 'unset: destroy beside destroy(), a 401 for those who have no session',
    patch: {
      'session.ts': `
     name: cookieName,
+    unset: 'destroy',
`,
      'app.ts': `
-  app.post('/logout', (req, res, next) => {
+  app.post('/logout', (req, res, next) => {
+    if (!req.session.visits) return res.status(401).send('Nobody is logged in.');
`,
    },
  },
  {
    name: 'a raw Set-Cookie header, the words in HTML',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
-      res.send('Logout complete');
+      res.append('Set-Cookie', 'connect.sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax');
+      res.send('<!doctype html><p>Logout complete.</p><a href="/">Home</a>');
` },
  },
  {
    name: 'a form without an action, another button',
    patch: { 'app.ts': `
-<form method="post" action="/logout">
-  <button>Log out</button>
+<form class=small METHOD=POST>
+  <input type="submit" value="Log out">
` },
  },
  {
    name: 'a button that posts by script',
    patch: { 'app.ts': `
-<form method="post" action="/logout">
-  <button>Log out</button>
-</form>
+<button onclick="fetch('/logout', { method: 'POST' }).then(() => location.reload())">Bye</button>
` },
  },
  {
    name: 'a router in a file of its own, an error handler, an extra route',
    patch: { 'app.ts': `
-import { cookieName, cookieOptions, sessionOptions, type Settings } from './session.ts';
+import { logout } from './logout.ts';
+import { sessionOptions, type Settings } from './session.ts';
@@
-  app.get('/logout', (req, res) => {
-    res.send(logoutPage);
-  });
-
@@${handler}+  app.use('/logout', logout(logoutPage));
+  app.get('/me', (req, res) => { res.json({ visits: req.session.visits ?? 0 }); });
+  const sorry: express.ErrorRequestHandler = (error, req, res, next) => {
+    if (res.headersSent) return next(error);
+    res.status(500).send('Sorry.');
+  };
+  app.use(sorry);
` },
    files: { 'logout.ts': `import { Router } from 'express';
import { cookieName, cookieOptions } from './session.ts';

export function logout(page: string): Router {
  const router = Router();
  router.route('/')
    .get((req, res) => { res.send(page); })
    .post((req, res, next) => {
      const { sessionID, sessionStore } = req;
      sessionStore.destroy(sessionID, (error) => {
        if (error) return next(error);
        delete (req as Partial<typeof req>).session;
        res.clearCookie(cookieName, cookieOptions).send('Logout complete');
      });
    });
  return router;
}
` },
  },
  {
    name: 'a 503 after a deadline',
    patch: { 'app.ts': `
   app.post('/logout', (req, res, next) => {
+    const deadline = setTimeout(() => {
+      res.status(503).send('The database takes its time. You are still logged in.');
+    }, 3000);
@@
-      if (error) return next(error);
+      clearTimeout(deadline);
+      if (res.headersSent) return;
+      if (error) return next(error);
` },
  },
  {
    name: 'a search form above the form',
    patch: { 'app.ts': `
 <title>Log out</title>
+<form action="/search"><input name="q"><button>Search</button></form>
` },
  },
  {
    name: 'a button that names its form',
    patch: { 'app.ts': `${form}+<form id="out" method="post" action="/logout"></form>
+<p><button form="out">Log out</button>
` },
  },
  {
    name: 'a button with its own address and method',
    patch: { 'app.ts': `${form}+<form>
+  <button formmethod="post" formaction="/logout">Log out</button>
+</form>
` },
  },
  {
    name: 'a relative address, an image as a button',
    patch: { 'app.ts': `${form}+<form method="POST" action="logout">
+  <input type=image src="/x.png" alt="Log out">
+</form>
` },
  },
  {
    name: 'a redirect to a page that says it',
    patch: { 'app.ts': `${answer}+      res.redirect('/bye');
@@
+  app.get('/bye', (req, res) => { res.send('Logout complete'); });
   return app;
` },
  },
  {
    name: 'a redirect back to where it came from',
    patch: { 'app.ts': `${answer}+      res.redirect(303, req.get('Referrer') ?? '/logout');
` },
  },
  {
    name: 'a form in a page with a script and a cancel button',
    patch: { 'app.ts': `
-  <button>Log out</button>
+  <button type="button" onclick="history.back()">Stay</button>
+  <button type="submit" name="sure" value="yes"><b>Log out</b></button>
` },
  },
];
