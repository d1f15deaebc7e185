import type { RightAnswer, WrongAnswer } from './answer.ts';

const begins = 'every login gets its own document';
const ends = 'a login ends after eight hours, or one hour of silence';
const late = 'a form finished after the logout changes nothing';
const slow = "a slow request doesn't undo a logout";
const replaced = 'a new login ends the previous one in the same browser';

/** The solution's insertion of a login, for a patch to replace. */
const insertion = `
-  await logins(client).insertOne({ _id: id, user, since: new Date() });
`;

/** The solution's look-up, for a patch to replace. */
const lookUp = `
-  const login = await logins(client).findOne({ _id: id, since: { $gt: oldest } });
`;

/** The solution's end of a login at the logout, for a patch to replace. */
const ending = `
-  app.post('/logout', async (req, res, next) => {
-    await endLogin(client, req.session.login);
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'no login is begun',
    patch: { 'logins.ts': insertion },
    caughtBy: begins,
    reads: /GET \/account answered with status 302 and shows nobody/,
  },
  {
    name: 'a login begins even when the password is wrong',
    patch: { 'app.ts': `
-    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
+    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
+    await beginLogin(client, field(req, 'name'));
` },
    caughtBy: begins,
    reads: /Nobody has logged in, but the logins collection isn't empty/,
  },
  {
    name: 'logins in a Map',
    patch: { 'logins.ts': `
-  await logins(client).insertOne({ _id: id, user, since: new Date() });
+  known.set(id, { _id: id, user, since: new Date() });
@@
-  const oldest = new Date(Date.now() - EIGHT_HOURS_IN_MS);
-  const login = await logins(client).findOne({ _id: id, since: { $gt: oldest } });
-  return login?.user;
+  const login = await Promise.resolve(known.get(id));
+  return login && login.since.getTime() > Date.now() - EIGHT_HOURS_IN_MS ? login.user : undefined;
@@
-  if (id) await logins(client).deleteOne({ _id: id });
+  await Promise.resolve(known.delete(id ?? ''));
@@
 const EIGHT_HOURS_IN_MS = 8 * 60 * 60 * 1000;
+const known = new Map<string, Login>();
` },
    caughtBy: begins,
    reads: /Documents in the logins collection: 0 instead of 2/,
  },
  {
    name: 'since in the session',
    patch: {
      'session.ts': `
     login: string;
+    user: string;
+    since: number;
`,
      'app.ts': `
       req.session.login = login;
+      req.session.since = Date.now();
+      req.session.user = user;
@@
   app.get('/account', (req, res) => {
-    const { user } = res.locals;
+    const { user: known, since = 0 } = req.session;
+    const user = Date.now() - since < 28_800_000 ? known : undefined;
`,
    },
    caughtBy: slow,
    reads: /is the user looked up, not read from the session/,
  },
  {
    name: 'since as a number',
    patch: { 'logins.ts': `
-  since: Date;
+  since: number;
@@
-  await logins(client).insertOne({ _id: id, user, since: new Date() });
+  await logins(client).insertOne({ _id: id, user, since: Date.now() });
@@
-  const oldest = new Date(Date.now() - EIGHT_HOURS_IN_MS);
+  const oldest = Date.now() - EIGHT_HOURS_IN_MS;
` },
    caughtBy: begins,
    reads: /has to be a Date, so that MongoDB can compare it/,
  },
  {
    name: 'one login per user',
    patch: { 'logins.ts': `${insertion}\
+  await logins(client).deleteMany({ user });
+  await logins(client).insertOne({ _id: id, user, since: new Date() });
` },
    caughtBy: begins,
    reads: /Documents in the logins collection: 1 instead of 2/,
  },
  {
    name: 'strangers get a new session each time',
    patch: { 'app.ts': `
   app.get('/account', (req, res) => {
     const { user } = res.locals;
     if (user) res.send(accountPage(user));
-    else res.redirect('/login');
+    else req.session.regenerate(() => { res.redirect('/login'); });
` },
    caughtBy: begins,
    reads: /A stranger asked for \/account and got a cookie/,
  },
  {
    name: 'the user stays in the session, and nothing is looked up',
    patch: {
      'session.ts': `
     login: string;
+    user: string;
`,
      'app.ts': `
       req.session.login = login;
+      req.session.user = user;
@@
   app.get('/account', (req, res) => {
-    const { user } = res.locals;
+    const { user } = req.session;
`,
    },
    caughtBy: ends,
    reads: /still logged in after 8 hours and 20 minutes/,
  },
  {
    name: 'maxAge of eight hours at the login',
    patch: {
      'logins.ts': `${lookUp}\
+  const login = await logins(client).findOne({ _id: id });
@@
-  const oldest = new Date(Date.now() - EIGHT_HOURS_IN_MS);
`,
      'app.ts': `
       req.session.login = login;
+      req.session.cookie.maxAge = 8 * 60 * 60 * 1000;
`,
    },
    caughtBy: ends,
    reads: /did nothing for 100 minutes\. After that, GET \/account shows ada/,
  },
  {
    name: 'a ttl of eight hours',
    patch: {
      'session.ts': `
-const ONE_HOUR_IN_SECONDS = 60 * 60;
+const EIGHT_HOURS_IN_SECONDS = 8 * 60 * 60;
@@
-      ttl: ONE_HOUR_IN_SECONDS,
+      ttl: EIGHT_HOURS_IN_SECONDS,
`,
    },
    caughtBy: ends,
    reads: /After an hour without a visit, nobody is logged in any more/,
  },
  {
    name: 'the end is left to the TTL index',
    patch: { 'logins.ts': `${lookUp}\
+  const login = await logins(client).findOne({ _id: id });
@@
-  const oldest = new Date(Date.now() - EIGHT_HOURS_IN_MS);
` },
    caughtBy: ends,
    reads: /does the query for the login ask for `since`/,
  },
  {
    name: 'every visit moves since',
    patch: { 'logins.ts': `${lookUp}\
+  const login = await logins(client).findOneAndUpdate(
+    { _id: id, since: { $gt: oldest } }, { $set: { since: new Date() } },
+  );
` },
    caughtBy: ends,
    reads: /does no visit change it/,
  },
  {
    name: 'eight minutes instead of eight hours',
    patch: { 'logins.ts': `
-const EIGHT_HOURS_IN_MS = 8 * 60 * 60 * 1000;
+const EIGHT_HOURS_IN_MS = 8 * 60 * 1000;
` },
    caughtBy: ends,
    reads: /After 0\.8 hours, GET \/account shows nobody/,
  },
  {
    name: 'seconds instead of milliseconds',
    patch: { 'logins.ts': `
-const EIGHT_HOURS_IN_MS = 8 * 60 * 60 * 1000;
+const EIGHT_HOURS_IN_MS = 8 * 60 * 60;
` },
    caughtBy: ends,
    reads: /After 0\.8 hours, GET \/account shows nobody/,
  },
  {
    name: 'the comparison is the wrong way round',
    patch: { 'logins.ts': `
-  const login = await logins(client).findOne({ _id: id, since: { $gt: oldest } });
+  const login = await logins(client).findOne({ _id: id, since: { $lt: oldest } });
` },
    caughtBy: begins,
    reads: /shows nobody/,
  },
  {
    name: 'findUser() is not awaited',
    patch: { 'app.ts': `
-    res.locals.user = await findUser(client, req.session.login);
+    res.locals.user = findUser(client, req.session.login) as unknown as string;
` },
    caughtBy: begins,
    reads: /says “logged in as \[object Promise\]”.*app\.ts: is findUser\(\) awaited/,
  },
  {
    name: 'findOne() is not awaited',
    patch: { 'logins.ts': `${lookUp}\
+  const login = logins(client).findOne({ _id: id, since: { $gt: oldest } }) as { user?: string };
` },
    caughtBy: begins,
    reads: /shows nobody.*logins\.ts: which login does findUser\(\) find, and does it await it/,
  },
  {
    name: 'a login is remembered for ten seconds by each process',
    patch: { 'logins.ts': `
+const known = new Map<string, { user: string | undefined; at: number }>();
+
 /** Finds out whose login it is. @returns undefined if there's no such login, or it has ended */
@@
   if (!id) return undefined;
+  const remembered = known.get(id);
+  if (remembered && Date.now() - remembered.at < 10_000) return remembered.user;
@@
-  return login?.user;
+  known.set(id, { user: login?.user, at: Date.now() });
+  return login?.user;
@@
+  known.delete(id ?? '');
   if (id) await logins(client).deleteOne({ _id: id });
` },
    caughtBy: slow,
    reads: /Another process ended all logins.*still says “logged in as ada”.*is MongoDB asked for the login every time/,
  },
  {
    name: 'beginLogin() is not awaited',
    patch: { 'app.ts': `
-    const login = await beginLogin(client, user);
+    const login = beginLogin(client, user) as unknown as string;
` },
    caughtBy: begins,
    reads: /shows nobody.*app\.ts: does POST \/login store the id that `await beginLogin\(\)` returns/,
  },
  {
    name: 'only GET /account looks it up',
    patch: {
      'session.ts': `
     login: string;
+    user: string;
`,
      'app.ts': `
       req.session.login = login;
+      req.session.user = user;
@@
   app.post('/account/password', async (req, res) => {
-    const { user } = res.locals;
+    const { user } = req.session;
@@
-  app.use(readForms);
   app.use(session(sessionOptions(settings)));
+  app.use(readForms);
`,
    },
    caughtBy: late,
    reads: /Then Mallory sent the other half, and the password was changed/,
  },
  {
    name: 'the form is read below the session and the look-up',
    patch: { 'app.ts': `
-  app.use(readForms);
@@
     res.locals.user = await findUser(client, req.session.login);
     next();
   });
+  app.use(readForms);
` },
    caughtBy: late,
    reads: /The session was read when the request began/,
  },
  {
    name: 'the form is read between the session and the look-up',
    patch: { 'app.ts': `
-  app.use(readForms);
   app.use(session(sessionOptions(settings)));
+  app.use(readForms);
` },
    caughtBy: late,
    reads: /Ada's session is in MongoDB again.*is app\.use\(readForms\) above app\.use\(session/,
  },
  {
    name: 'the session above the form, looked up in the handlers',
    patch: { 'app.ts': `
-  app.use(readForms);
@@
-  app.use(async (req, res, next) => {
-    res.locals.user = await findUser(client, req.session.login);
-    next();
-  });
+  app.use(readForms);
@@
-  app.get('/account', (req, res) => {
-    const { user } = res.locals;
+  app.get('/account', async (req, res) => {
+    const user = await findUser(client, req.session.login);
@@
   app.post('/account/password', async (req, res) => {
-    const { user } = res.locals;
+    const user = await findUser(client, req.session.login);
` },
    caughtBy: late,
    reads: /Ada's session is in MongoDB again.*is app\.use\(readForms\) above app\.use\(session/,
  },
  {
    name: 'the logout leaves the login in place',
    patch: { 'app.ts': `${ending}\
+  app.post('/logout', (req, res, next) => {
` },
    caughtBy: slow,
    reads: /does POST \/logout call endLogin\(\), and wait for it/,
  },
  {
    name: 'the logout does not wait until the login has ended',
    patch: { 'app.ts': `
-  app.post('/logout', async (req, res, next) => {
-    await endLogin(client, req.session.login);
+  app.post('/logout', (req, res, next) => {
+    void endLogin(client, req.session.login);
` },
    caughtBy: slow,
    reads: /Ada logged out, and the answer \(status 200\) came while MongoDB was still deleting.*awaited in POST \/logout/,
  },
  {
    name: 'the logout ends all logins of the user',
    patch: { 'logins.ts': `
-  if (id) await logins(client).deleteOne({ _id: id });
+  const login = await logins(client).findOne({ _id: id ?? '' });
+  if (login) await logins(client).deleteMany({ user: login.user });
` },
    caughtBy: slow,
    reads: /Ada logged out on her laptop\. On her phone, GET \/account shows nobody/,
  },
  {
    name: 'the logout reads the login id once the session is gone',
    patch: { 'app.ts': `${ending}\
+  app.post('/logout', (req, res, next) => {
@@
-      res.send('Logout complete');
+      void endLogin(client, (req.session as typeof req.session | undefined)?.login);
+      res.send('Logout complete');
` },
    caughtBy: slow,
    reads: /her old cookie was still logged in/,
  },
  {
    name: 'a new login leaves the previous one in place',
    patch: { 'app.ts': `
-    await endLogin(client, req.session.login);
-    const login = await beginLogin(client, user);
+    const login = await beginLogin(client, user);
` },
    caughtBy: replaced,
    reads: /With its cookie, GET \/account says “logged in as ada”/,
  },
  {
    name: 'a new login does not wait until the previous one has ended',
    patch: { 'app.ts': `
-    await endLogin(client, req.session.login);
     const login = await beginLogin(client, user);
+    void endLogin(client, req.session.login);
` },
    caughtBy: replaced,
    reads: /Ada logged in after Mallory, and the answer \(status 303\) came.*awaited in POST \/login/,
  },
  {
    name: 'the previous login is looked for in the new session',
    patch: { 'app.ts': `
-    await endLogin(client, req.session.login);
     const login = await beginLogin(client, user);
     req.session.regenerate((error) => {
       if (error) return next(error);
+      endLogin(client, req.session.login).catch(next);
       req.session.login = login;
` },
    caughtBy: replaced,
    reads: /with the id in the old session/,
  },
  {
    name: 'the login begins in an async callback',
    patch: {
      'app.ts': `
-    const login = await beginLogin(client, user);
-    req.session.regenerate((error) => {
+    req.session.regenerate(async (error) => {
       if (error) return next(error);
-      req.session.login = login;
+      req.session.login = await beginLogin(client, user);
`,
    },
    caughtBy: begins,
    reads: /Your server stopped: the database refused to store/,
  },
  {
    name: 'a stranger made of an error',
    patch: {
      'app.ts': `
-    res.locals.user = await findUser(client, req.session.login);
+    res.locals.user = await findUser(client, req.session.login).catch(() => undefined);
`,
    },
    caughtBy: ends,
    reads: /couldn't look up her login.*leads to \/login.*isn't “You're nobody”/,
  },
  {
    name: 'a logout that never fails',
    patch: {
      'app.ts': `
   app.post('/logout', async (req, res, next) => {
-    await endLogin(client, req.session.login);
+    await endLogin(client, req.session.login).catch(() => undefined);
`,
    },
    caughtBy: slow,
    reads: /refused to delete the login, and POST \/logout answered with status 200.*believes that she's logged out/,
  },
  {
    name: 'the previous login ends before the password is checked',
    patch: {
      'app.ts': `
   app.post('/login', async (req, res, next) => {
+    await endLogin(client, req.session.login);
@@
-    await endLogin(client, req.session.login);
     const login = await beginLogin(client, user);
`,
    },
    caughtBy: replaced,
    reads: /mistyped her password at \/login\. In her browser, GET \/account shows nobody/,
  },
  {
    name: 'no sameOrigin any more',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
` },
    caughtBy: "a button on mallory's page doesn't change ada's password",
    reads: /\(since step 6\) .*It sent a form to POST \/account\/password/,
  },
  {
    name: "the password form still trusts the session's user",
    patch: {
      'app.ts': `
-      req.session.login = login;
+      req.session.user = user;
+      req.session.login = login;
@@
   app.post('/account/password', async (req, res) => {
-    const { user } = res.locals;
+    const { user } = req.session;
`,
      'session.ts': `
-    login: string;
+    user: string;
+    login: string;
`,
    },
    caughtBy: slow,
    reads: /Another process ended all logins.*the password was changed.*over for every route/,
  },
  {
    name: 'the session holds the user, too',
    patch: {
      'app.ts': `
       req.session.login = login;
+      req.session.user = user;
`,
      'session.ts': `
+    user: string;
     login: string;
`,
    },
    caughtBy: replaced,
    reads: /her session in MongoDB holds her name.*The id of the login is enough/,
  },
  {
    name: 'the id of the session is the id of the login',
    patch: {
      'logins.ts': `
-export async function beginLogin(client: MongoClient, user: string): Promise<string> {
-  const id = crypto.randomUUID();
+export async function beginLogin(client: MongoClient, user: string, id: string): Promise<string> {
`,
      'app.ts': `
-    const login = await beginLogin(client, user);
+    const login = await beginLogin(client, user, req.sessionID);
`,
    },
    caughtBy: begins,
    reads: /the login's _id is the id of a session.*a new random id/,
  },
  {
    name: 'a look-up without an id',
    patch: { 'logins.ts': `
-  if (!id) return undefined;
   const oldest = new Date(Date.now() - EIGHT_HOURS_IN_MS);
-  const login = await logins(client).findOne({ _id: id, since: { $gt: oldest } });
+  const login = await logins(client).findOne({ _id: id!, since: { $gt: oldest } });
` },
    caughtBy: ends,
    reads: /has no cookie, asked for \/account.*logged in as ada.*ignoreUndefined/,
  },
  {
    name: 'an end without an id',
    patch: { 'logins.ts': `
-  if (id) await logins(client).deleteOne({ _id: id });
+  await logins(client).deleteOne({ _id: id! });
` },
    caughtBy: begins,
    reads: /1 instead of 2.*If endLogin\(\) is there: without an id, it must delete nothing/,
  },
  {
    name: 'a logout ends a login that it has no id of',
    patch: {
      'logins.ts': `
-  if (id) await logins(client).deleteOne({ _id: id });
+  await logins(client).deleteOne({ _id: id! });
`,
      'app.ts': `
-    await endLogin(client, req.session.login);
     const login = await beginLogin(client, user);
+    if (req.session.login) await endLogin(client, req.session.login);
`,
    },
    caughtBy: slow,
    reads: /A stranger without a session sent POST \/logout.*which does the app end/,
  },
];

export const right: RightAnswer[] = [
  {
    name: "the login's id is a hash of the session's",
    patch: {
      'app.ts': `
-    const login = await beginLogin(client, user);
     req.session.regenerate((error) => {
       if (error) return next(error);
-      req.session.login = login;
+      const login = createHash('sha256').update(req.sessionID).digest('hex');
+      req.session.login = login;
       req.session.save((error) => {
         if (error) return next(error);
-        res.redirect(303, '/account');
-      });
+        beginLogin(client, user, login).then(() => { res.redirect(303, '/account'); }, next);
+      });
@@
 import express, { type Express } from 'express';
+import { createHash } from 'node:crypto';
`,
      'logins.ts': `
-export async function beginLogin(client: MongoClient, user: string): Promise<string> {
-  const id = crypto.randomUUID();
+export async function beginLogin(
+  client: MongoClient, user: string, id: string,
+): Promise<string> {
`,
    },
  },
  {
    name: 'other commands for the database',
    patch: { 'logins.ts': `
-  await logins(client).insertOne({ _id: id, user, since: new Date() });
+  await logins(client).insertMany([{ _id: id, user, since: new Date() }]);
@@
-  const login = await logins(client).findOne({ _id: id, since: { $gt: oldest } });
-  return login?.user;
+  for await (const { user } of logins(client).find({ _id: id, since: { $gt: oldest } })) {
+    return user;
+  }
+  return undefined;
@@
-  if (id) await logins(client).deleteOne({ _id: id });
+  if (id) await logins(client).bulkWrite([{ deleteOne: { filter: { _id: id } } }]);
` },
  },
  {
    name: 'logins are marked, not deleted',
    patch: { 'logins.ts': `
   since: Date;
+  ended?: Date;
@@
-  const login = await logins(client).findOne({ _id: id, since: { $gt: oldest } });
+  const login = await logins(client).findOne({
+    _id: id, since: { $gt: oldest }, ended: { $exists: false },
+  });
@@
-  if (id) await logins(client).deleteOne({ _id: id });
+  if (id) await logins(client).updateOne({ _id: id }, { $set: { ended: new Date() } });
` },
  },
  {
    name: 'the age is compared in the app',
    patch: { 'logins.ts': `${lookUp}\
+  const login = await logins(client).findOne({ _id: id });
+  if (login && login.since < oldest) return undefined;
` },
  },
  {
    name: 'looked up in the handlers',
    patch: { 'app.ts': `
-  app.use(async (req, res, next) => {
-    res.locals.user = await findUser(client, req.session.login);
-    next();
-  });
@@
-  app.get('/account', (req, res) => {
-    const { user } = res.locals;
+  app.get('/account', async (req, res) => {
+    const user = await findUser(client, req.session.login);
@@
   app.post('/account/password', async (req, res) => {
-    const { user } = res.locals;
+    const user = await findUser(client, req.session.login);
` },
  },
  {
    name: 'the login ends once the session is gone',
    patch: { 'app.ts': `${ending}\
+  app.post('/logout', (req, res, next) => {
+    const { login } = req.session;
@@
       res.clearCookie(cookieName, cookieOptions);
-      res.send('Logout complete');
+      endLogin(client, login).then(() => { res.send('Logout complete'); }, next);
` },
  },
  {
    name: 'an ObjectId as the id',
    patch: { 'logins.ts': `
-  const id = crypto.randomUUID();
+  const id = new ObjectId().toHexString();
@@
-import type { MongoClient } from 'mongodb';
+import { ObjectId, type MongoClient } from 'mongodb';
` },
  },
];
