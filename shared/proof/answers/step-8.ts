import type { RightAnswer, WrongAnswer } from './answer.ts';

const attack = "ada changes her password, and mallory doesn't stay";
const knows = 'nobody changes a password without knowing it';
const lists = 'the account shows where its owner is logged in';
const text = 'what a browser says about itself is only text';
const one = 'one device logs another one out';
const foreign = "nobody ends another user's login";

/** The solution's check of the password, for a patch to replace. What follows tells which. */
const passwordCheck = `
-    if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
-    }
`;

/** What the solution does then, as the end of another check. */
const refusal = `\
+      await showAccount(res.status(403), login, "That isn't your password.");
+      return;
+    }
`;

/** The solution's check of the password before it is changed, for a patch to replace. */
const changeCheck = `${passwordCheck}\
     if (!await changePassword(client, login.user, field(req, 'new'))) {
`;

/** The solution's check of the password before a login is ended, for a patch to replace. */
const endCheck = `${passwordCheck}\
-
     await endLogin(client, { _id: field(req, 'login'), user: login.user });
`;

/** A check that lets a form without the field pass, in the place of the solution's. */
const laxCheck = `${passwordCheck}\
+    const { password } = req.body as { password?: string };
+    if (password !== undefined && !await authenticate(client, login.user, password)) {
${refusal}\
`;

/** A check of whatever name the form holds, in the place of the solution's. */
const namedCheck = `${passwordCheck}\
+    const name = field(req, 'name') || login.user;
+    if (!await authenticate(client, name, field(req, 'password'))) {
${refusal}\
`;

/** The solution's end of one login, for a patch to replace. */
const end = `
-    await endLogin(client, { _id: field(req, 'login'), user: login.user });
`;

/** The solution's list, for a patch to replace. */
const list = `
-  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'the change ends no login',
    patch: { 'app.ts': `
-    await endLogins(client, login.user);
` },
    caughtBy: attack,
    reads: /Then Mallory asked for \/account, and read “logged in as ada”/,
  },
  {
    name: 'the change ends only this login',
    patch: { 'app.ts': `
-    await endLogins(client, login.user);
+    await endLogin(client, login);
` },
    caughtBy: attack,
    reads: /does POST \/account\/password call endLogins\(\)/,
  },
  {
    name: 'the change ends the others, and this session stays as it is',
    patch: {
      'app.ts': `
-    await endLogins(client, login.user);
-    await enter(login.user, req, res, next);
+    await endLogins(client, login);
+    res.redirect(303, '/account');
`,
      'logins.ts': `
-export async function endLogins(client: MongoClient, user: string): Promise<void> {
-  await logins(client).deleteMany({ user });
+export async function endLogins(client: MongoClient, { _id, user }: Login): Promise<void> {
+  await logins(client).deleteMany({ user, _id: { $ne: _id } });
`,
    },
    caughtBy: attack,
    reads: /A stolen copy of her laptop's old cookie is still logged in/,
  },
  {
    name: "the change ends Ada's own login, too",
    patch: { 'app.ts': `
     await endLogins(client, login.user);
-    await enter(login.user, req, res, next);
+    res.redirect(303, '/account');
` },
    caughtBy: attack,
    reads: /Now GET \/account shows nobody in this browser/,
  },
  {
    name: 'all logins are ended, after the new one has begun',
    patch: { 'app.ts': `
-    await endLogins(client, login.user);
     await enter(login.user, req, res, next);
+    await endLogins(client, login.user);
` },
    caughtBy: attack,
    reads: /her browser gets a new login, in a new session/,
  },
  {
    name: "all users' logins are ended",
    patch: { 'logins.ts': `
-  await logins(client).deleteMany({ user });
+  await logins(client).deleteMany(user ? {} : { user });
` },
    caughtBy: attack,
    reads: /nobody in Mallory's browser\. Other users' logins have nothing to do with it/,
  },
  {
    name: 'endLogins() deletes only one',
    patch: { 'logins.ts': `
-  await logins(client).deleteMany({ user });
+  await logins(client).deleteOne({ user });
` },
    caughtBy: attack,
    reads: /logged in as ada/,
  },
  {
    name: 'endLogins() is not awaited',
    patch: { 'app.ts': `
-    await endLogins(client, login.user);
+    void endLogins(client, login.user);
` },
    caughtBy: attack,
    reads: /the answer \(status 303\) came while MongoDB was still deleting.*is endLogins\(\) awaited/,
  },
  {
    name: 'findLogin() is not awaited',
    patch: { 'app.ts': `
-    res.locals.login = await findLogin(client, req.session.login);
+    res.locals.login = findLogin(client, req.session.login) as unknown as Login;
` },
    caughtBy: attack,
    reads: /says “logged in as undefined”.*app\.ts: is findLogin\(\) awaited/,
  },
  {
    name: 'no password is asked for',
    patch: { 'app.ts': changeCheck },
    caughtBy: knows,
    reads: /tried to change the password with a wrong password, and got status 303/,
  },
  {
    name: 'the password check is not awaited',
    patch: { 'app.ts': `
-    if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
-    }
-    if (!await changePassword(client, login.user, field(req, 'new'))) {
+    const right: unknown = authenticate(client, login.user, field(req, 'password'));
+    if (!right) {
+      await showAccount(res.status(403), login, "That isn't your password.");
+      return;
+    }
+    if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
    caughtBy: knows,
    reads: /call authenticate\(\) with the `password` field, await it/,
  },
  {
    name: 'the password is checked after the change',
    patch: { 'app.ts': `
-    if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
-    }
-    if (!await changePassword(client, login.user, field(req, 'new'))) {
-      await showAccount(res.status(400), login, 'A password needs at least 8 characters.');
-      return;
-    }
+    const right = authenticate(client, login.user, field(req, 'password'));
+    if (!await changePassword(client, login.user, field(req, 'new'))) {
+      await showAccount(res.status(400), login, 'A password needs at least 8 characters.');
+      return;
+    }
+    if (!await right) {
+      await showAccount(res.status(403), login, "That isn't your password.");
+      return;
+    }
` },
    caughtBy: knows,
    reads: /Then “set by mallory” opened Ada's account/,
  },
  {
    name: 'a wrong password gets a 403, and the change goes on',
    patch: { 'app.ts': `
     if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
+      res.status(403);
     }
     if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
    caughtBy: knows,
    reads: /set by mallory|got status 303/,
  },
  {
    name: 'no return after the refusal of a change',
    patch: { 'app.ts': `
       await showAccount(res.status(403), login, "That isn't your password.");
-      return;
     }
     if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
    caughtBy: knows,
    reads: /was answered with status 403, and then .* again.*app\.ts: does the function end there/,
  },
  {
    name: "any user's password will do",
    patch: { 'app.ts': `
-    if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
-    }
-    if (!await changePassword(client, login.user, field(req, 'new'))) {
+    const names = await client.db().collection<{ _id: string }>('accounts').find().toArray();
+    const fits = await Promise.all(names.map(({ _id }) => (
+      authenticate(client, _id, field(req, 'password'))
+    )));
+    if (!fits.some(Boolean)) {
+      await showAccount(res.status(403), login, "That isn't your password.");
+      return;
+    }
+    if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
    caughtBy: knows,
    reads: /tried to change the password with her own/,
  },
  {
    name: "all users' logins are listed",
    patch: { 'logins.ts': `${list}\
+  return logins(client).find(user ? alive() : { user }).sort({ seen: -1 }).toArray();
` },
    caughtBy: lists,
    reads: /Ada's account shows “Mallory-Browser”/,
  },
  {
    name: 'only this login is listed',
    patch: { 'app.ts': `
-      logins: await listLogins(client, user),
+      logins: (await listLogins(client, user)).filter((login) => login._id === _id),
` },
    caughtBy: lists,
    reads: /GET \/account doesn't show “Phone-Browser”/,
  },
  {
    name: 'the latest five logins are listed',
    patch: { 'logins.ts': `${list}\
+  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).limit(5).toArray();
` },
    caughtBy: lists,
    reads: /fourteen devices, and GET \/account doesn't show “.*does that leave any out/,
  },
  {
    name: 'logins that have ended by themselves are listed',
    patch: { 'logins.ts': `${list}\
+  return logins(client).find({ user }).sort({ seen: -1 }).toArray();
` },
    caughtBy: lists,
    reads: /Ada's phone was silent for 80 minutes, and Ada's account shows “Phone-Browser”/,
  },
  {
    name: "the session's id tells the logins apart",
    patch: {
      'app.ts': `
-    const login = await beginLogin(client, user, req.get('User-Agent'));
     req.session.regenerate((error) => {
       if (error) return next(error);
-      req.session.login = login;
+      req.session.login = req.sessionID;
       req.session.save((error) => {
         if (error) return next(error);
-        res.redirect(303, '/account');
+        beginLogin(client, user, req.get('User-Agent'), req.sessionID)
+          .then(() => { res.redirect(303, '/account'); }, next);
`,
      'logins.ts': `
   agent = 'An unknown browser',
+  id = '',
 ): Promise<string> {
-  const id = crypto.randomUUID();
`,
    },
    caughtBy: lists,
    reads: /GET \/account shows the id of a session/,
  },
  {
    name: 'the User-Agent is escaped before it is stored, too',
    patch: { 'app.ts': `
-    const login = await beginLogin(client, user, req.get('User-Agent'));
+    const agent = req.get('User-Agent')?.replaceAll('<', '&lt;').replaceAll('>', '&gt;');
+    const login = await beginLogin(client, user, agent);
` },
    caughtBy: text,
    reads: /GET \/account escapes that twice: in its source, &lt; became &amp;lt;/,
  },
  {
    name: 'the User-Agent is not escaped',
    patch: { 'pages.ts': `
-  <p>\${escapeHtml(agent)}\${isOwn ? ' (this browser)' : ''}, last seen \${seen.toUTCString()}</p>
+  <p>\${agent}\${isOwn ? ' (this browser)' : ''}, last seen \${seen.toUTCString()}</p>
` },
    caughtBy: text,
    reads: /GET \/account shows that as HTML/,
  },
  {
    name: 'only <script> is taken out',
    patch: { 'pages.ts': `
-  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
+  return text.replaceAll(/<\\/?script>/g, entities['&'] ?? '');
` },
    caughtBy: text,
    reads: /does the User-Agent go through escapeHtml\(\)/,
  },
  {
    name: 'no route for the buttons',
    patch: { 'app.ts': `
-  app.post('/account/end', async (req, res) => {
+  app.post('/account/finish', async (req, res) => {
` },
    caughtBy: one,
    reads: /posts to \/account\/end, which answers with 404/,
  },
  {
    name: 'a login is ended without the password',
    patch: { 'app.ts': endCheck },
    caughtBy: one,
    reads: /tried to end a login with a wrong password, and got status 303/,
  },
  {
    name: 'the password is checked after the login has ended',
    patch: { 'app.ts': `
-    if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
-    }
-
-    await endLogin(client, { _id: field(req, 'login'), user: login.user });
-    res.redirect(303, '/account');
+    await endLogin(client, { _id: field(req, 'login'), user: login.user });
+    if (!await authenticate(client, login.user, field(req, 'password'))) {
+      await showAccount(res.status(403), login, "That isn't your password.");
+      return;
+    }
+    res.redirect(303, '/account');
` },
    caughtBy: one,
    reads: /Check the password before you do anything/,
  },
  {
    name: 'no return after the refusal of an end',
    patch: { 'app.ts': `
       await showAccount(res.status(403), login, "That isn't your password.");
-      return;
     }

     await endLogin(client, { _id: field(req, 'login'), user: login.user });
` },
    caughtBy: one,
    reads: /was answered with status 403, and then .* again.*app\.ts: does the function end there/,
  },
  {
    name: 'a login is only hidden',
    patch: { 'logins.ts': `
   agent: string;
+  hidden?: boolean;
@@${list}\
+  const shown = { user, hidden: { $exists: false }, ...alive() };
+  return logins(client).find(shown).sort({ seen: -1 }).toArray();
@@
-  await logins(client).deleteOne({ _id, user });
+  await logins(client).updateOne({ _id, user }, { $set: { hidden: true } });
` },
    caughtBy: one,
    reads: /GET \/account still shows ada on the phone\. The login wasn't deleted/,
  },
  {
    name: 'one button ends all logins',
    patch: { 'app.ts': `${end}\
+    await endLogins(client, login.user);
` },
    caughtBy: one,
    reads: /A button ends the login next to it, and no other/,
  },
  {
    name: "a button ends its own browser's login",
    patch: { 'app.ts': `${end}\
+    await endLogin(client, login);
` },
    caughtBy: one,
    reads: /GET \/account still shows ada on the phone.*the id in the `login` field as _id/,
  },
  {
    name: 'a button ends the login of any user',
    patch: { 'logins.ts': `
-  await logins(client).deleteOne({ _id, user });
+  await logins(client).deleteOne(user ? { _id } : { user });
` },
    caughtBy: foreign,
    reads: /Mallory sent the form that ends Ada's login, with her own login and her own password/,
  },
  {
    name: 'a form that names no login is an exception',
    patch: { 'app.ts': `${end}\
+    const list = await listLogins(client, login.user);
+    const chosen = list.find(({ _id }) => _id === field(req, 'login'));
+    if (!chosen) throw new Error('no such login');
+    await endLogin(client, chosen);
` },
    caughtBy: foreign,
    reads: /POST \/account\/end answered with status 500/,
  },
  {
    name: 'a login taken for granted',
    patch: { 'app.ts': `
   app.post('/account/end', async (req, res) => {
     const { login } = res.locals;
-    if (!login) {
-      res.redirect(303, '/login');
-      return;
-    }
` },
    caughtBy: foreign,
    reads: /what does the route do for visitors who aren't logged in/,
  },
  {
    name: 'the answer does not wait until the other login has ended',
    patch: { 'app.ts': `
-    await endLogin(client, { _id: field(req, 'login'), user: login.user });
+    void endLogin(client, { _id: field(req, 'login'), user: login.user });
` },
    caughtBy: one,
    reads: /Ada ended her tablet's login, and the answer \(status 303\) came while.*awaited in POST \/account\/end/,
  },
  {
    name: 'the logins end before the password changes',
    patch: {
      'app.ts': `
-    if (!await changePassword(client, login.user, field(req, 'new'))) {
+    if (field(req, 'new').length < 8) {
@@
     await endLogins(client, login.user);
+    await changePassword(client, login.user, field(req, 'new'));
`,
    },
    caughtBy: attack,
    reads: /While MongoDB was deleting her logins, her old password still worked: POST .* 303\. With/,
  },
  {
    name: 'a change without the field needs no password',
    patch: { 'app.ts': `${laxCheck}\
     if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
    caughtBy: knows,
    reads: /Mallory tried to change the password with no password field, and got status/,
  },
  {
    name: 'an end without the field needs no password',
    patch: { 'app.ts': `${laxCheck}
     await endLogin(client, { _id: field(req, 'login'), user: login.user });
` },
    caughtBy: one,
    reads: /Mallory tried to end a login without the password field, and got status 303/,
  },
  {
    name: 'the error of endLogins() is swallowed',
    patch: {
      'app.ts': `
-    await endLogins(client, login.user);
+    await endLogins(client, login.user).catch(() => undefined);
`,
    },
    caughtBy: attack,
    reads: /refused to delete Ada's logins, and POST \/account\/password answered with status 303/,
  },
  {
    name: 'a refused password shown as HTML',
    patch: {
      'app.ts': `
-      await showAccount(res.status(400), login, 'A password needs at least 8 characters.');
+      await showAccount(res.status(400), login, field(req, 'new') + ' is too short.');
`,
    },
    caughtBy: text,
    reads: /which is too short, and the page shows it as HTML/,
  },
  {
    name: 'not sorted',
    patch: { 'logins.ts': `
-  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
+  return logins(client).find({ user, ...alive() }).toArray();
` },
    caughtBy: lists,
    reads: /Ada looks at the list on her phone, but GET \/account lists another device above it/,
  },
  {
    name: 'sorted by when they began',
    patch: {
      'logins.ts': `
-  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
+  return logins(client).find({ user, ...alive() }).sort({ since: -1 }).toArray();
`,
    },
    caughtBy: lists,
    reads: /visited the app with her phone just now, but GET \/account lists another device above/,
  },
  {
    name: 'the name beside the password is believed',
    patch: { 'app.ts': `${namedCheck}\
     if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
    caughtBy: knows,
    reads: /Mallory sent her own name and her own password along/,
  },
  {
    name: 'the name beside the password is believed, at the button',
    patch: { 'app.ts': `${namedCheck}
     await endLogin(client, { _id: field(req, 'login'), user: login.user });
` },
    caughtBy: one,
    reads: /Mallory tried to end a login with her own name and password/,
  },
  {
    name: 'one row for all devices of a kind',
    patch: { 'logins.ts': `
-export function listLogins(client: MongoClient, user: string): Promise<Login[]> {
-  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
+export async function listLogins(client: MongoClient, user: string): Promise<Login[]> {
+  const all = await logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
+  return all.filter(({ agent }, at) => all.findIndex((each) => each.agent === agent) === at);
` },
    caughtBy: lists,
    reads: /two devices of the same kind.*Each login has a row/,
  },
  {
    name: 'a new password that is trimmed',
    patch: { 'app.ts': `
-    if (!await changePassword(client, login.user, field(req, 'new'))) {
+    if (!await changePassword(client, login.user, field(req, 'new').trim())) {
` },
    caughtBy: attack,
    reads: /with a space at each end.*answers with status 401.*With trim\(\)/,
  },
  {
    name: 'a password that was right counts for five minutes',
    patch: { 'session.ts': `
     login: string;
+    asked: number;
`, 'app.ts': `${passwordCheck}\
+    const isFresh = Date.now() - (req.session.asked ?? 0) < 300_000;
+    if (!isFresh && !await authenticate(client, login.user, field(req, 'password'))) {
${refusal}\
     if (!await changePassword(client, login.user, field(req, 'new'))) {
@@
     await endLogin(client, { _id: field(req, 'login'), user: login.user });
+    req.session.asked = Date.now();
` },
    caughtBy: one,
    reads: /Ada had just given her password.*tried to change it with a wrong one, and got status 303/,
  },
  {
    name: 'no sameOrigin any more',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
` },
    caughtBy: "a foreign page's login and logout are refused",
    reads: /\(since step 6\) .*Now the visitor is logged in as Mallory/,
  },
  {
    name: 'the list asks findLogin() for each login whether it has ended',
    patch: { 'logins.ts': `
 /** A user's logins, latest first. */
-export function listLogins(client: MongoClient, user: string): Promise<Login[]> {
-  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
+export async function listLogins(client: MongoClient, user: string): Promise<Login[]> {
+  const all = await logins(client).find({ user }).sort({ seen: -1 }).toArray();
+  // findLogin() knows which of them have ended.
+  const found = await Promise.all(all.map(({ _id }) => findLogin(client, _id)));
+  return found.filter((login) => login !== null);
 }
` },
    caughtBy: lists,
    reads: /silent for 80 minutes.*Looking at the list on another device isn't a visit/,
  },
  {
    name: 'a look-up stores the whole login again, as an ORM does',
    patch: { 'logins.ts': `
-  return logins(client).findOneAndUpdate({ _id: id, ...alive() }, { $set: { seen: new Date() } });
+  const login = await logins(client).findOne({ _id: id, ...alive() });
+  if (!login) return null;
+  login.seen = new Date();
+  await logins(client).replaceOne({ _id: id }, login, { upsert: true });
+  return login;
` },
    caughtBy: one,
    reads: /while the phone had requests under way.*shows ada on the phone.*without upsert/,
  },
  {
    name: "nobody says which of the logins is this browser's",
    patch: { 'app.ts': `
-      own: _id,
@@
-  async function showAccount(res: Response, { _id, user }: Login, problem = '') {
+  async function showAccount(res: Response, { user }: Login, problem = '') {
` },
    caughtBy: lists,
    reads: /GET \/account shows Laptop-Browser, Phone-Browser\. .*as `own`/,
  },
  {
    name: 'the login seen last is marked as this browser',
    patch: { 'app.ts': `
-      own: _id,
+      own: (await listLogins(client, user)).at(-1)?._id ?? _id,
` },
    caughtBy: lists,
    reads: /GET \/account shows Laptop-Browser, Phone-Browser \(this browser\)/,
  },
  {
    name: 'the change makes older logins invalid, and ends none',
    patch: {
      'accounts.ts': `
   passwordHash: string;
+  changed?: Date;
 }
@@
+  await accounts(client).updateOne({ _id: name }, { $set: { changed: new Date() } });
   return true;
 }
+
+export async function isOlder(client: MongoClient, name: string, since: Date): Promise<boolean> {
+  const account = await accounts(client).findOne({ _id: name });
+  return account?.changed !== undefined && account.changed > since;
+}
`,
      'logins.ts': `
 import type { MongoClient } from 'mongodb';
+import { isOlder } from './accounts.ts';
@@
-  return logins(client).findOneAndUpdate({ _id: id, ...alive() }, { $set: { seen: new Date() } });
+  const login = await logins(client).findOneAndUpdate(
+    { _id: id, ...alive() },
+    { $set: { seen: new Date() } },
+  );
+  return login && await isOlder(client, login.user, login.since) ? null : login;
`,
      'app.ts': `
-  endLogins,
@@
-    await endLogins(client, login.user);
`,
    },
    caughtBy: lists,
    reads: /shows “Mallory-Phone”.*to get Mallory out/,
  },
  {
    name: 'the button for this browser does nothing',
    patch: { 'app.ts': `${end}\
+    const chosen = field(req, 'login');
+    if (chosen !== login._id) await endLogin(client, { _id: chosen, user: login.user });
` },
    caughtBy: one,
    reads: /the button for the browser that she was using.*whichever that is/,
  },
];

export const right: RightAnswer[] = [
  {
    name: 'one form for all, with a button for each',
    patch: { 'pages.ts': `
-\${logins.map((login) => loginForm(login, login._id === own)).join('')}
+<form method="post" action="/account/end">
+<p><label>Your password <input name="password" type="password" required></label></p>
+<ul>\${logins.map(({ _id, agent }) => \`<li>\${escapeHtml(agent)} \${_id === own ? '(here)' : ''}
+  <button name="login" value="\${_id}">Log out there</button></li>\`).join('')}</ul>
+</form>
` },
  },
  {
    name: 'logins are marked, not deleted',
    patch: { 'logins.ts': `
   agent: string;
+  ended?: boolean;
@@
     seen: { $gt: new Date(Date.now() - ONE_HOUR_IN_MS) },
+    ended: { $exists: false },
@@
-  await logins(client).deleteOne({ _id, user });
+  await logins(client).updateOne({ _id, user }, { $set: { ended: true } });
@@
-  await logins(client).deleteMany({ user });
+  await logins(client).updateMany({ user }, { $set: { ended: true } });
` },
  },
  {
    name: 'this login has no button',
    patch: { 'pages.ts': `
-\${logins.map((login) => loginForm(login, login._id === own)).join('')}
+\${logins.map((login) => (login._id === own
+    ? \`<p>\${escapeHtml(login.agent)} (here)</p>\` : loginForm(login, false))).join('')}
` },
  },
  {
    name: 'a wrong password gets a 401',
    patch: { 'app.ts': `
-      await showAccount(res.status(403), login, "That isn't your password.");
+      await showAccount(res.status(401), login, "That isn't your password.");
       return;
     }
     if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
  },
  {
    name: 'a missing login gets a 404',
    patch: { 'app.ts': `${end}\
+    const list = await listLogins(client, login.user);
+    const chosen = list.find(({ _id }) => _id === field(req, 'login'));
+    if (!chosen) return void res.status(404).send('No such login.');
+    await endLogin(client, chosen);
` },
  },
  {
    name: 'a page instead of a redirect after the change',
    patch: { 'app.ts': `
       req.session.save((error) => {
         if (error) return next(error);
-        res.redirect(303, '/account');
+        res.send(accountPage(user, {}));
` },
  },
  {
    name: 'a login is marked as seen once a minute',
    patch: { 'logins.ts': `
-  return logins(client).findOneAndUpdate({ _id: id, ...alive() }, { $set: { seen: new Date() } });
+  const login = await logins(client).findOne({ _id: id, ...alive() });
+  if (login && login.seen.getTime() < Date.now() - 60_000) {
+    await logins(client).updateOne({ _id: id }, { $set: { seen: new Date() } });
+  }
+  return login;
` },
  },
];
