import type { RightAnswer, WrongAnswer } from './answer.ts';

const attack = 'ada changes her password, and mallory does not stay';
const knows = 'nobody changes a password without knowing it';
const lists = 'the account shows where its owner is logged in';
const text = 'what a browser says about itself is only text';
const one = 'one device logs another one out';
const foreign = "nobody ends another user's login";

/** The solution's check of the password before it is changed, to be replaced. */
const changeCheck = `
-    if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
-    }
     if (!await changePassword(client, login.user, field(req, 'new'))) {
`;

/** The solution's check of the password before a login is ended, to be replaced. */
const endCheck = `
-    if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
-    }
-
     await endLogin(client, { _id: field(req, 'login'), user: login.user });
`;

/** The solution's end of one login, to be replaced. */
const end = `
-    await endLogin(client, { _id: field(req, 'login'), user: login.user });
`;

/** The solution's list, to be replaced. */
const list = `
-  return logins(client).find({ user, ...alive() }).sort({ seen: -1 }).toArray();
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'the change ends nobody',
    patch: { 'app.ts': `
-    await endLogins(client, login.user);
` },
    caughtBy: attack,
    reads: /Mallory asked for \/account, and read “logged in as ada”/,
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
    reads: /with a stolen copy of her laptop’s old cookie, and still is/,
  },
  {
    name: 'the change ends ada’s own login, too',
    patch: { 'app.ts': `
     await endLogins(client, login.user);
-    await enter(login.user, req, res, next);
+    res.redirect(303, '/account');
` },
    caughtBy: attack,
    reads: /Now GET \/account shows no one in this browser/,
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
    name: 'the logins of everybody are ended',
    patch: { 'logins.ts': `
-  await logins(client).deleteMany({ user });
+  await logins(client).deleteMany(user ? {} : { user });
` },
    caughtBy: attack,
    reads: /no one in mallory’s browser\. The logins of other users have nothing to do with it/,
  },
  {
    name: 'endLogins() deletes one',
    patch: { 'logins.ts': `
-  await logins(client).deleteMany({ user });
+  await logins(client).deleteOne({ user });
` },
    caughtBy: attack,
    reads: /logged in as ada/,
  },
  {
    name: 'no password is asked for',
    patch: { 'app.ts': changeCheck },
    caughtBy: knows,
    reads: /tried to change the password with a wrong password, and was answered with status 303/,
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
    reads: /call authenticate\(\) with the field `password`, await it/,
  },
  {
    name: 'the password is asked for after the deed',
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
    reads: /Then “set by mallory” opened ada’s account/,
  },
  {
    name: 'a wrong password is told, and the change goes on',
    patch: { 'app.ts': `
     if (!await authenticate(client, login.user, field(req, 'password'))) {
-      await showAccount(res.status(403), login, "That isn't your password.");
-      return;
+      res.status(403);
     }
     if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
    caughtBy: knows,
    reads: /set by mallory|answered with status 303/,
  },
  {
    name: 'anybody’s password will do',
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
    reads: /tried to change the password with mallory’s own/,
  },
  {
    name: 'everybody’s logins are listed',
    patch: { 'logins.ts': `${list}\
+  return logins(client).find(user ? alive() : { user }).sort({ seen: -1 }).toArray();
` },
    caughtBy: lists,
    reads: /ada’s account shows “Mallory-Browser”/,
  },
  {
    name: 'only this login is listed',
    patch: { 'app.ts': `
-      logins: await listLogins(client, user),
+      logins: (await listLogins(client, user)).filter((login) => login._id === _id),
` },
    caughtBy: lists,
    reads: /GET \/account does not show “Phone-Browser”/,
  },
  {
    name: 'those that have ended by themselves are listed',
    patch: { 'logins.ts': `${list}\
+  return logins(client).find({ user }).sort({ seen: -1 }).toArray();
` },
    caughtBy: lists,
    reads: /Ada’s phone was silent for 80 minutes, and ada’s account shows “Phone-Browser”/,
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
    name: 'no route behind the buttons',
    patch: { 'app.ts': `
-  app.post('/account/end', async (req, res) => {
+  app.post('/account/finish', async (req, res) => {
` },
    caughtBy: one,
    reads: /posts to \/account\/end, and that is a 404/,
  },
  {
    name: 'a login is ended without the password',
    patch: { 'app.ts': endCheck },
    caughtBy: one,
    reads: /tried to end a login with a wrong password, and was answered with status 303/,
  },
  {
    name: 'the password is asked for after the login has ended',
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
    reads: /gone from the server, not only from the page/,
  },
  {
    name: 'one button ends all',
    patch: { 'app.ts': `${end}\
+    await endLogins(client, login.user);
` },
    caughtBy: one,
    reads: /A button ends the login next to it, and no other/,
  },
  {
    name: 'a button ends the login of the browser in which it is pressed',
    patch: { 'app.ts': `${end}\
+    await endLogin(client, login);
` },
    caughtBy: one,
    reads: /Now GET \/account shows ada on the phone/,
  },
  {
    name: 'a login is ended, whose ever it is',
    patch: { 'logins.ts': `
-  await logins(client).deleteOne({ _id, user });
+  await logins(client).deleteOne(user ? { _id } : { user });
` },
    caughtBy: foreign,
    reads: /Mallory sent the form that ends ada’s login, with her own login and her own password/,
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
    name: 'marked in place of deleted',
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
    name: 'a 401 for a wrong password',
    patch: { 'app.ts': `
-      await showAccount(res.status(403), login, "That isn't your password.");
+      await showAccount(res.status(401), login, "That isn't your password.");
       return;
     }
     if (!await changePassword(client, login.user, field(req, 'new'))) {
` },
  },
  {
    name: 'a login that is not there is a 404',
    patch: { 'app.ts': `${end}\
+    const list = await listLogins(client, login.user);
+    const chosen = list.find(({ _id }) => _id === field(req, 'login'));
+    if (!chosen) return void res.status(404).send('There is no such login.');
+    await endLogin(client, chosen);
` },
  },
  {
    name: 'after the change a page in place of a redirect',
    patch: { 'app.ts': `
       req.session.save((error) => {
         if (error) return next(error);
-        res.redirect(303, '/account');
+        res.send(accountPage(user, {}));
` },
  },
  {
    name: 'seen only once a minute',
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
