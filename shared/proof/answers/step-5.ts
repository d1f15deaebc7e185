import type { RightAnswer, WrongAnswer } from './answer.ts';
import { renewal as renewalOf } from './renewal.ts';

const attack = "mallory plants a session in ada's browser and stays outside";
const opens = 'the right name and password lead to /account';
const closed = 'a wrong password opens nothing';
const silent = 'nobody learns who has an account';
const strange = 'forms that no browser sends are refused';
const next = 'the next login in the same browser is a new session, too';
const waits = 'the answer waits until the new session is stored';
const failure = 'a login that cannot be stored is an error';

/** The solution's new session, for a patch to replace. */
const renewal = renewalOf('user');

/** The solution's check, for a patch to replace. */
const check = `
-    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
`;

/** A query for the account instead of the check. */
const findAccount = `${check}+    const name = field(req, 'name');
+    const accounts = client.db().collection<{ _id: string }>('accounts');
+    const account = await accounts.findOne({ _id: name });
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'the user is stored in the existing session',
    patch: { 'app.ts': `${renewal}+    req.session.user = user;
+    res.redirect(303, '/account');
` },
    caughtBy: attack,
    reads: /Then Mallory asked for \/account with that same cookie, and read “logged in as ada”/,
  },
  {
    name: 'the existing session is saved',
    patch: { 'app.ts': `${renewal}+    req.session.user = user;
+    req.session.save((error) => {
+      if (error) return next(error);
+      res.redirect(303, '/account');
+    });
` },
    caughtBy: attack,
    reads: /a login begins a new one/,
  },
  {
    name: 'the user is stored before regenerate()',
    patch: { 'app.ts': `
+    req.session.user = user;
     req.session.regenerate((error) => {
       if (error) return next(error);
-      req.session.user = user;
` },
    caughtBy: opens,
    reads: /After a login as ada, GET \/account answered with status 302 and shows nobody/,
  },
  {
    name: 'the user is stored in the old session after regenerate()',
    patch: { 'app.ts': `
+    const { session } = req;
     req.session.regenerate((error) => {
       if (error) return next(error);
-      req.session.user = user;
+      session.user = user;
` },
    caughtBy: opens,
    reads: /in which session/,
  },
  {
    name: 'regenerate() is awaited',
    patch: { 'app.ts': `${renewal}+    await req.session.regenerate(() => undefined);
+    req.session.user = user;
+    res.redirect(303, '/account');
` },
    caughtBy: attack,
    reads: /does POST \/login call req\.session\.regenerate\(\), .* in its callback/,
  },
  {
    name: 'regenerate() is not waited for',
    patch: { 'app.ts': `
     req.session.regenerate((error) => {
-      if (error) return next(error);
-      req.session.user = user;
-      req.session.save((error) => {
-        if (error) return next(error);
-        res.redirect(303, '/account');
-      });
-    });
+      if (error) next(error);
+    });
+    req.session.user = user;
+    res.redirect(303, '/account');
` },
    caughtBy: attack,
    reads: /regenerate/,
  },
  {
    name: 'regenerate() only if nobody was logged in',
    patch: { 'app.ts': `${renewal}+    const go = (error: unknown) => {
+      if (error) return next(error);
+      req.session.user = user;
+      req.session.save((error) => {
+        if (error) return next(error);
+        res.redirect(303, '/account');
+      });
+    };
+    if (req.session.user) go(undefined);
+    else req.session.regenerate(go);
` },
    caughtBy: next,
    reads: /Ada logged in after her, and with the copy GET \/account says “logged in as ada”/,
  },
  {
    name: 'a new id for the old session, which stays',
    patch: { 'app.ts': `
-    req.session.regenerate((error) => {
-      if (error) return next(error);
+    req.sessionStore.generate(req);
       req.session.user = user;
       req.session.save((error) => {
         if (error) return next(error);
         res.redirect(303, '/account');
       });
-    });
` },
    caughtBy: attack,
    reads: /the old one is still there/,
  },
  {
    name: 'no save()',
    patch: { 'app.ts': `
-      req.session.save((error) => {
-        if (error) return next(error);
-        res.redirect(303, '/account');
-      });
+      res.redirect(303, '/account');
` },
    caughtBy: waits,
    reads: /the answer \(status 303\) was on its way while MongoDB was still storing/,
  },
  {
    name: 'save() is not waited for',
    patch: { 'app.ts': `
-      req.session.save((error) => {
-        if (error) return next(error);
-        res.redirect(303, '/account');
-      });
+      req.session.save();
+      res.redirect(303, '/account');
` },
    caughtBy: waits,
    reads: /inside the callback of req\.session\.save\(\)/,
  },
  {
    name: 'the user is put into the session once save() is done',
    patch: { 'app.ts': `
-      req.session.user = user;
       req.session.save((error) => {
         if (error) return next(error);
+        req.session.user = user;
         res.redirect(303, '/account');
` },
    caughtBy: failure,
    reads: /stored the new session once.*is the user put into req\.session before save\(\) is called/,
  },
  {
    name: 'a short wait instead of save()',
    patch: { 'app.ts': `
-      req.session.save((error) => {
-        if (error) return next(error);
-        res.redirect(303, '/account');
-      });
+      req.session.save();
+      setTimeout(() => {
+        res.redirect(303, '/account');
+      }, 100);
` },
    caughtBy: waits,
    reads: /was still storing the new session/,
  },
  {
    name: "save()'s error is ignored",
    patch: { 'app.ts': `
-      req.session.save((error) => {
-        if (error) return next(error);
+      req.session.save(() => {
         res.redirect(303, '/account');
` },
    caughtBy: failure,
    reads: /MongoDB refused to store .* status 303, leading to \/account/,
  },
  {
    name: "save()'s error is only logged",
    patch: { 'app.ts': `
-        if (error) return next(error);
         res.redirect(303, '/account');
+        if (error) console.error('cannot save');
` },
    caughtBy: failure,
    reads: /return next\(error\)/,
  },
  {
    name: 'the password check is not awaited',
    patch: { 'app.ts': `${check}+    const user = field(req, 'name');
+    void authenticate(client, user, field(req, 'password'));
` },
    caughtBy: closed,
    reads: /Mallory tried to log in as ada, with a wrong password\. Then GET \/account said “logged in as ada”/,
  },
  {
    name: 'the promise is taken for its result',
    patch: { 'app.ts': `${check}+    const name = field(req, 'name');
+    const user = authenticate(client, name, field(req, 'password')) ? name : undefined;
` },
    caughtBy: closed,
    reads: /authenticate\(\) returns a promise, which always counts as true/,
  },
  {
    name: 'a password without the blanks around it',
    patch: { 'app.ts': `${check}+    const user = await authenticate(
+      client, field(req, 'name').trim(), field(req, 'password').trim(),
+    );
` },
    caughtBy: closed,
    reads: /as ada, with one space too many\. Then GET \/account said “logged in as ada”/,
  },
  {
    name: 'the user is stored before the password is checked',
    patch: { 'app.ts': `${check}+    req.session.user = field(req, 'name');
+    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
` },
    caughtBy: closed,
    reads: /what has to be true before POST \/login stores a user/,
  },
  {
    name: 'no return after the refusal',
    patch: { 'app.ts': `
-      return;
     }

     req.session.regenerate((error) => {
` },
    caughtBy: closed,
    reads: /was answered with status 401, and then .* again.*app\.ts: does the function end there/,
  },
  {
    name: 'a wrong password gets a 200',
    patch: { 'app.ts': `
-      res.status(401).send(loginPage("That name and password don't match."));
+      res.send(loginPage("That name and password don't match."));
` },
    caughtBy: closed,
    reads: /POST \/login answered with status 200\. 401 says/,
  },
  {
    name: 'a wrong password gets a 500',
    patch: { 'app.ts': `
-      res.status(401).send(loginPage("That name and password don't match."));
-      return;
+      throw new Error('wrong password');
` },
    caughtBy: closed,
    reads: /answered with status 500/,
  },
  {
    name: 'a wrong password redirects to the form, without a word',
    patch: { 'app.ts': `
-      res.status(401).send(loginPage("That name and password don't match."));
+      res.redirect(303, '/login');
` },
    caughtBy: closed,
    reads: /answered with status 303/,
  },
  {
    name: '“no such account”',
    patch: { 'app.ts': `${findAccount}+    if (!account) {
+      res.status(401).send(loginPage('There is no such account.'));
+      return;
+    }
+    const user = await authenticate(client, name, field(req, 'password'));
` },
    caughtBy: silent,
    reads: /a name that nobody has got status 401 and "There is no such account/,
  },
  {
    name: 'an early 401 for a name that nobody has',
    patch: { 'app.ts': `${findAccount}\
+    const user = account && await authenticate(client, name, field(req, 'password'));
` },
    caughtBy: silent,
    reads: /got an answer after \d+ ms, and a name that nobody has after \d+ ms/,
  },
  {
    name: 'req.body is trusted',
    patch: { 'app.ts': `${check}\
+    const { name, password } = req.body as { name: string; password: string };
+    const user = await authenticate(client, name, password);
` },
    caughtBy: strange,
    reads: /sent no form at all to POST \/login, and the answer has status 500/,
  },
  {
    name: 'JSON is read as well, and trusted',
    patch: { 'app.ts': `
   app.use(readForms);
+  app.use(express.json());
@@${check}+    const { name = '', password = '' } = (req.body ?? {}) as Record<string, string>;
+    const user = await authenticate(client, name, password);
` },
    caughtBy: strange,
    reads: /the answer has status 500/,
  },
  {
    name: 'the form is read without an error handler',
    patch: { 'app.ts': `
-  app.use(readForms);
+  app.use(express.urlencoded());
` },
    caughtBy: strange,
    reads: /an answer must not show what your server looks like inside/,
  },
  {
    name: 'the user is kept in a variable',
    patch: { 'app.ts': `
   const app = express();
+  const users = new Map<string, string>();
@@
       req.session.user = user;
+      users.set(req.sessionID, user);
@@
-    const { user } = req.session;
+    const user = users.get(req.sessionID);
` },
    caughtBy: opens,
    reads: /the app was restarted, and GET \/account shows nobody/,
  },
  {
    name: 'the login redirects to the home page',
    patch: { 'app.ts': `
-        res.redirect(303, '/account');
+        res.redirect(303, '/');
` },
    caughtBy: opens,
    reads: /POST \/login leads to \//,
  },
  {
    name: 'the user of the latest login in a variable of the app',
    patch: {
      'app.ts': `
+  let user: string | undefined;
+
   app.post('/login', async (req, res, next) => {
-    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
+    user = await authenticate(client, field(req, 'name'), field(req, 'password'));
@@
-      req.session.user = user;
+      req.session.user = user as string;
`,
    },
    caughtBy: opens,
    reads: /While MongoDB was busy with it, Mallory logged in, in another browser.*shared by all/,
  },
  {
    name: 'the user in app.locals',
    patch: {
      'app.ts': `
       req.session.user = user;
+      app.locals['user'] = user;
@@
-    if (user) res.send(accountPage(user));
+    if (user) res.send(accountPage(String(app.locals['user'])));
`,
    },
    caughtBy: opens,
    reads: /the app was restarted, and GET \/account shows undefined\. A variable in the app is shared/,
  },
  {
    name: 'a log with the form in it',
    patch: {
      'app.ts': `
     if (!user) {
+      console.warn('Failed login', req.ip, req.body);
`,
    },
    caughtBy: closed,
    reads: /Your app printed a password/,
  },
  {
    name: 'the whole form in the session',
    patch: {
      'app.ts': `
       req.session.user = user;
+      Object.assign(req.session, { login: req.body as object });
`,
    },
    caughtBy: opens,
    reads: /her session's document holds her password/,
  },
  {
    name: 'a redirect to wherever the link says',
    patch: {
      'app.ts': `
-        res.redirect(303, '/account');
+        const { next: target } = req.query;
+        res.redirect(303, typeof target === 'string' ? target : '/account');
`,
    },
    caughtBy: opens,
    reads: /after the login it led on to https:\/\/evil\.example/,
  },
  {
    name: 'nothing new for those who are logged in',
    patch: {
      'app.ts': `
-    req.session.regenerate((error) => {
+    if (req.session.user === user) {
+      res.redirect(303, '/account');
+      return;
+    }
+    req.session.regenerate((error) => {
`,
    },
    caughtBy: next,
    reads: /logged in once more\. A copy of her old cookie still says/,
  },
  {
    name: 'a login for a month',
    patch: {
      'app.ts': `
       req.session.user = user;
+      req.session.cookie.maxAge = 30 * 24 * 60 * 60 * 1000;
`,
    },
    caughtBy: opens,
    reads: /her session expires more than an hour later/,
  },
  {
    name: 'touchAfter of a day',
    patch: {
      'session.ts': `
       ttl: ONE_HOUR_IN_SECONDS,
+      touchAfter: 24 * 3600,
`,
    },
    caughtBy: opens,
    reads: /After 80 minutes nobody is logged in.*what is touchAfter/,
  },
  {
    name: 'an account that caches may keep',
    patch: {
      'app.ts': `
-    if (user) res.send(accountPage(user));
+    if (user) res.set('Cache-Control', 'public, max-age=300').send(accountPage(user));
`,
    },
    caughtBy: opens,
    reads: /GET \/account came with Cache-Control: public, max-age=300/,
  },
  {
    name: 'a wrong password in place of an error',
    patch: {
      'app.ts': `
-    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
+    const user = await authenticate(client, field(req, 'name'), field(req, 'password'))
+      .catch(() => undefined);
`,
    },
    caughtBy: failure,
    reads: /MongoDB was unreachable.*Ada must not be told that it's wrong/,
  },
  {
    name: "regenerate()'s error is only logged",
    patch: {
      'app.ts': `
     req.session.regenerate((error) => {
-      if (error) return next(error);
+      if (error) console.error(String(error));
`,
    },
    caughtBy: failure,
    reads: /refused to delete the session from before the login.*callback of regenerate\(\)/,
  },
  {
    name: 'a new session before the check',
    patch: { 'app.ts': `
-  app.post('/login', async (req, res, next) => {
-    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
+  const renew: express.RequestHandler = (req, res, next) => { req.session.regenerate(next); };
+  app.post('/login', renew, async (req, res, next) => {
+    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
@@${renewal}+    req.session.user = user;
+    req.session.save((error) => {
+      if (error) return next(error);
+      res.redirect(303, '/account');
+    });
` },
    caughtBy: closed,
    reads: /A wrong password changes nothing.*is regenerate\(\) called before the password is checked/,
  },
  {
    name: 'the whole account in the session',
    patch: { 'session.ts': `
     user: string;
+    account: object | null;
`, 'app.ts': `${check}\
+    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
+    const account = await client.db().collection('accounts').findOne({ name: user })
+      ?? await client.db().collection<{ _id: string }>('accounts').findOne({ _id: user ?? '' });
@@
       req.session.user = user;
+      req.session.account = account;
` },
    caughtBy: opens,
    reads: /her session's document holds her password's hash/,
  },
  {
    name: 'the 401 comes with WWW-Authenticate: Basic, because a 401 has to have one',
    patch: { 'app.ts': `
-      res.status(401).send(loginPage("That name and password don't match."));
+      // RFC 9110: a server that generates a 401 must send a challenge.
+      res.status(401).set('WWW-Authenticate', 'Basic realm="workshop", charset="UTF-8"');
+      res.send(loginPage("That name and password don't match."));
       return;
` },
    caughtBy: closed,
    reads: /came with WWW-Authenticate: Basic .*opens a dialog of its own in place of your page/,
  },
  {
    name: 'one password at a time, in a chain of promises',
    patch: { 'app.ts': `
   const app = express();
 
+  // A check takes 19 MB of memory: one at a time.
+  let queue: Promise<unknown> = Promise.resolve();
+  function check(name: string, password: string) {
+    const result = queue.then(() => authenticate(client, name, password));
+    queue = result;
+    return result;
+  }
+
   app.use(session(sessionOptions(settings)));
@@
-    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
+    const user = await check(field(req, 'name'), field(req, 'password'));
` },
    caughtBy: failure,
    reads: /Now it is back, and POST \/login answered with status 500.*a rejected promise/,
  },
];

export const right: RightAnswer[] = [
  {
    name: 'promises instead of callbacks',
    patch: { 'app.ts': `${renewal}+    await new Promise<void>((done, fail) => {
+      req.session.regenerate((error) => { if (error) fail(error as Error); else done(); });
+    });
+    req.session.user = user;
+    await new Promise<void>((done, fail) => {
+      req.session.save((error) => { if (error) fail(error as Error); else done(); });
+    });
+    res.redirect(303, '/account');
` },
  },
  {
    name: 'a page instead of a redirect',
    patch: { 'app.ts': `
-        res.redirect(303, '/account');
+        res.send(accountPage(user));
` },
  },
  {
    name: 'the visits are carried over',
    patch: { 'app.ts': `
+    const { visits } = req.session;
     req.session.regenerate((error) => {
       if (error) return next(error);
       req.session.user = user;
+      if (visits) req.session.visits = visits;
` },
  },
  {
    name: 'a plain redirect',
    patch: { 'app.ts': `
-        res.redirect(303, '/account');
+        res.redirect('/account');
` },
  },
  {
    name: 'readForms only where a form is read',
    patch: { 'app.ts': `
-  app.use(readForms);
@@
-  app.post('/login', async (req, res, next) => {
+  app.post('/login', readForms, async (req: Request, res: Response, next: NextFunction) => {
@@
-import express, { type Express } from 'express';
+import express, { type Express, type NextFunction, type Request, type Response } from 'express';
` },
  },
  {
    name: 'readForms above the session',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
   app.use(readForms);
+  app.use(session(sessionOptions(settings)));
` },
  },
  {
    name: 'a failed save() gets a 503 page',
    patch: { 'app.ts': `
-        if (error) return next(error);
+        if (error) return res.status(503).send('Please try again.');
         res.redirect(303, '/account');
` },
  },
  {
    name: 'the login page with another sentence',
    patch: { 'app.ts': `
-      res.status(401).send(loginPage("That name and password don't match."));
+      res.status(401).send(loginPage('Try again.'));
` },
  },
  {
    name: 'an object as the user',
    patch: {
      'app.ts': `
-      req.session.user = user;
+      req.session.user = { name: user };
@@
-    const { user } = req.session;
-    if (user) res.send(accountPage(user));
+    const { user } = req.session;
+    if (user) res.send(accountPage(user.name));
`,
      'session.ts': `
-    user: string;
+    user: { name: string };
`,
    },
  },
];
