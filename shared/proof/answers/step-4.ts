import type { RightAnswer, WrongAnswer } from './answer.ts';

const complete = 'POST /logout answers Logout complete';
const gone = 'the session is gone from MongoDB';
const replay = 'the old cookie is a new visitor';
const waits = 'the answer waits until the session is gone';
const harmless = 'logging out twice, or without a session, is harmless';
const failure = 'a logout that failed does not say that it worked';
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

export const wrong: WrongAnswer[] = [
  {
    name: 'no route for POST',
    patch: { 'app.ts': handler },
    caughtBy: complete,
    reads: /POST \/logout answered with status 404\. Logging out changes something, so it is a POST/,
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
    reads: /status 500: TypeError: Cannot read .*'destroy'\)\. req\.session is undefined/,
  },
  {
    name: 'another text',
    patch: { 'app.ts': `
-      res.send('Logout complete');
+      res.send('Bye!');
` },
    caughtBy: complete,
    reads: /POST \/logout answered “Bye!” with status 200/,
  },
  {
    name: 'no text',
    patch: { 'app.ts': `
-      res.send('Logout complete');
+      res.status(204).end();
` },
    caughtBy: complete,
    reads: /POST \/logout answered “” with status 204/,
  },
  {
    name: 'no answer',
    patch: { 'app.ts': `
-      res.send('Logout complete');
` },
    runs: 'aside',
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
    runs: 'alone',
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
    reads: /the session document is still in MongoDB.*clearing the cookie, or req\.session = null, does not/,
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
    reads: /the session document is still in MongoDB.*Only req\.session\.destroy\(\)/,
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
    reads: /Visit 1 was answered with “Hello World, visit 3”\. A copy of the old cookie was sent/,
  },
  {
    name: 'everybody is logged out',
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
    reads: /One browser logged out, and another one was not known any more/,
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
    reads: /await does not wait for it, its callback does/,
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
    runs: 'aside',
    caughtBy: harmless,
    reads: /POST \/logout got no answer within 2 s/,
  },
  {
    name: 'the error ignored',
    patch: { 'app.ts': `
-      if (error) return next(error);
` },
    caughtBy: failure,
    reads: /MongoDB refused to delete the session, and POST \/logout answered with status 200: “Logout complete”\. The old cookie still works/,
  },
  {
    name: 'the error logged and no answer',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) return console.error(String(error));
` },
    runs: 'aside',
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
    name: 'an error that goes on to the answer',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) next(error);
` },
    caughtBy: failure,
    reads: /MongoDB refused to delete the session, and POST \/logout answered with status 200: “Logout complete”/,
  },
  {
    name: 'a failure that is the visitor\'s',
    patch: { 'app.ts': `
-      if (error) return next(error);
+      if (error) return res.status(400).send('That did not work.');
` },
    caughtBy: failure,
    reads: /answered with status 400: “That did not work\.”/,
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
    reads: /status 500, but with the words “Logout complete”/,
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
    reads: /POST \/logout sent “sessionId=.*”, and the browser keeps connect\.sid.*by its own name/,
  },
  {
    name: 'another name in the options',
    patch: { 'session.ts': `
-    name: cookieName,
+    name: 'sid',
` },
    caughtBy: forgets,
    reads: /sent “connect\.sid=.*”, and the browser keeps sid\./,
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
    reads: /A GET of \/logout ended the session\. Browsers load links ahead.*can hold a link to \/logout/,
  },
  {
    name: 'a GET that clears the cookie',
    patch: { 'app.ts': `
-    res.send(logoutPage);
+    res.clearCookie(cookieName, cookieOptions);
+    res.send(logoutPage);
` },
    caughtBy: page,
    reads: /A GET of \/logout ended the session/,
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
    reads: /has no form with method="post" and a button\. A link makes a GET/,
  },
  {
    name: 'a form without a button',
    patch: { 'app.ts': `
-  <button>Log out</button>
` },
    caughtBy: page,
    reads: /has no form with method="post" and a button/,
  },
  {
    name: 'a button that does nothing',
    patch: { 'app.ts': `
-  <button>Log out</button>
+  <button type="button">Log out</button>
` },
    caughtBy: page,
    reads: /has no form with method="post" and a button/,
  },
  {
    name: 'a form that posts to another address',
    patch: { 'app.ts': `
-<form method="post" action="/logout">
+<form method="post" action="/signout">
` },
    caughtBy: page,
    reads: /The form of GET \/logout posts to \/signout, and that is answered with status 404/,
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
    name: 'unset: destroy beside destroy(), a 401 for whoever has no session',
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
];
