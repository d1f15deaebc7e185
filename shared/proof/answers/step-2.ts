import type { RightAnswer, WrongAnswer } from './answer.ts';

const needsSecret = "index.ts doesn't start without a SESSION_SECRET";
const emptySecret = 'an empty SESSION_SECRET counts as missing';
const handsOver = 'index.ts hands SESSION_SECRET over to createApp()';
const cookie = 'the first visit gets a signed session cookie';
const counts = 'it counts the visits of a browser';
const apart = 'two browsers are counted apart';
const tampered = 'a tampered cookie is a new visitor';
const anew = 'a second app knows nobody';
const uninitialized = 'a request that stores nothing gets no cookie';
const slow = "a slow request doesn't undo a visit";
const flags = 'the cookie is HttpOnly and SameSite=Lax';

/** The solution's check of the secret in index.ts. */
const check = `
-if (!SESSION_SECRET) stop('SESSION_SECRET is not set. Set it to a long random value.');
`;

/** A new session at each visit, in the place of the solution's route: how a patch begins. */
const renewal = `
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+  app.get('/', (req, res, next) => {
+    const visits = (req.session.visits ?? 0) + 1;
+    req.session.regenerate((error) => {
+      if (error) return next(error);
+      req.session.visits = visits;
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'a secret that nobody checks',
    patch: { 'index.ts': `${check}@@
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ secret: SESSION_SECRET! }).listen(port, (error) => {
` },
    caughtBy: needsSecret,
    reads: /SESSION_SECRET wasn't set, and index\.ts listens all the same\. Without a/,
  },
  {
    name: 'a secret to fall back on',
    patch: { 'index.ts': `${check}@@
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ secret: SESSION_SECRET ?? 'keyboard cat' }).listen(port, (error) => {
` },
    caughtBy: needsSecret,
    reads: /SESSION_SECRET wasn't set, and index\.ts listens all the same\. A secret in/,
  },
  {
    name: 'a secret to fall back on, and a check that never fails',
    patch: { 'index.ts': `
-const { PORT, SESSION_SECRET } = process.env;
+const { PORT, SESSION_SECRET = 'keyboard cat' } = process.env;
` },
    caughtBy: needsSecret,
    reads: /SESSION_SECRET wasn't set, and index\.ts listens all the same\. A secret in/,
  },
  {
    name: 'a warning and no end',
    patch: { 'index.ts': `${check}+if (!SESSION_SECRET) console.warn('SESSION_SECRET is not set.');
@@
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ secret: SESSION_SECRET as string }).listen(port, (error) => {
` },
    caughtBy: needsSecret,
    reads: /SESSION_SECRET wasn't set, and index\.ts listens all the same\. Without a/,
  },
  {
    name: 'an end that does not name the secret',
    patch: { 'index.ts': `${check}+if (!SESSION_SECRET) stop('Some settings are missing.');
` },
    caughtBy: needsSecret,
    reads: /ended without a word about SESSION_SECRET\. It printed: "Some settings are missing\."/,
  },
  {
    name: 'an exit code of 0 without the secret',
    patch: { 'index.ts': `
-  process.exit(1);
+  process.exit();
` },
    caughtBy: needsSecret,
    reads: /ended with exit code 0, as if all were well/,
  },
  {
    name: 'an empty secret that is taken for one',
    patch: { 'index.ts': `${check}+if (SESSION_SECRET === undefined) stop('No SESSION_SECRET.');
` },
    caughtBy: emptySecret,
    reads: /SESSION_SECRET was empty, and index\.ts listens all the same\. Without a/,
  },
  {
    name: 'a secret in the code beside the check',
    patch: { 'session.ts': `
-    secret,
+    secret: 'keyboard cat',
` },
    caughtBy: cookie,
    reads: /signed, but not with the secret that createApp\(\) was given\..*only index\.ts reads the env/,
  },
  {
    name: 'the secret read from the environment once more',
    patch: { 'session.ts': `
-    secret,
+    secret: process.env.SESSION_SECRET as string,
` },
    caughtBy: cookie,
    reads: /signed, but not with the secret that createApp\(\) was given\..*only index\.ts reads the env/,
  },
  {
    name: 'the secret read from the environment once more, with a fallback',
    patch: { 'session.ts': `
-    secret,
+    secret: process.env.SESSION_SECRET || 'keyboard cat',
` },
    caughtBy: cookie,
    reads: /signed, but not with the secret that createApp\(\) was given/,
  },
  {
    name: 'the secret read from the environment, and the one given as a fallback',
    patch: { 'session.ts': `
-    secret,
+    secret: process.env.SESSION_SECRET ?? secret,
` },
    caughtBy: cookie,
    reads: /signed, but not with the secret that createApp\(\) was given\..*only index\.ts reads the env/,
  },
  {
    name: 'the environment checked in session.ts, and nothing handed over',
    patch: {
      'session.ts': `
-export function sessionOptions({ secret }: Settings): SessionOptions {
+export function sessionOptions(): SessionOptions {
+  const secret = process.env.SESSION_SECRET;
+  if (!secret) throw new Error('SESSION_SECRET is not set.');
+
`,
      'app.ts': `
-import { sessionOptions, type Settings } from './session.ts';
+import { sessionOptions } from './session.ts';
@@
-export function createApp(settings: Settings): Express {
+export function createApp(): Express {
@@
-  app.use(session(sessionOptions(settings)));
+  app.use(session(sessionOptions()));
`,
      'index.ts': `
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp().listen(port, (error) => {
`,
    },
    caughtBy: cookie,
    reads: /signed, but not with the secret that createApp\(\) was given\..*only index\.ts reads the env/,
  },
  {
    name: 'settings that are not handed on',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use(session((sessionOptions as unknown as () => object)() as never));
` },
    caughtBy: cookie,
    reads: /A function that takes \{ secret \} was called without it\..*hand it on to sessionOptions\(\)/,
  },
  {
    name: 'createApp() that takes the secret itself, and no object',
    patch: {
      'app.ts': `
-import { sessionOptions, type Settings } from './session.ts';
+import { sessionOptions } from './session.ts';
@@
-export function createApp(settings: Settings): Express {
+export function createApp(secret: string): Express {
@@
-  app.use(session(sessionOptions(settings)));
+  app.use(session(sessionOptions({ secret })));
`,
      'index.ts': `
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp(SESSION_SECRET).listen(port, (error) => {
`,
    },
    caughtBy: cookie,
    reads: /without a Set-Cookie header.*createApp\(\) is given an object, \{ secret \}/,
  },
  {
    name: 'another secret handed over',
    patch: { 'index.ts': `
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ secret: 'keyboard cat' }).listen(port, (error) => {
` },
    caughtBy: handsOver,
    reads: /index\.ts was started, and its session cookie is signed with a secret other/,
  },
  {
    name: 'a secret made up at every start',
    patch: { 'index.ts': `
-import { createApp } from './app.ts';
+import { randomBytes } from 'node:crypto';
+import { createApp } from './app.ts';
@@
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+const secret = randomBytes(32).toString('hex');
+createApp({ secret }).listen(port, (error) => {
` },
    caughtBy: handsOver,
    reads: /a secret other than SESSION_SECRET\..*After a restart, cookies are good only if/,
  },
  {
    name: 'nothing handed over',
    patch: { 'index.ts': `
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({} as { secret: string }).listen(port, (error) => {
` },
    caughtBy: handsOver,
    reads: /express-session got no secret\. .*index\.ts: is createApp\(\) given \{ secret: SESSION_SECRET/,
  },
  {
    name: 'the middleware moved below the route',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
@@
+  app.use(session(sessionOptions(settings)));
   return app;
` },
    caughtBy: cookie,
    reads: /\(reading 'visits'\)\. Most likely req\.session is undefined .* goes above the routes.*Line steps\/02-memory-sessions\/app\.ts:\d+/,
  },
  {
    name: 'the middleware for another path',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use('/account', session(sessionOptions(settings)));
` },
    caughtBy: cookie,
    reads: /req\.session is undefined in the route/,
  },
  {
    name: 'a cookie for another domain',
    patch: { 'session.ts': `
       httpOnly: true,
+      domain: 'example.com',
` },
    caughtBy: cookie,
    reads: /The browser threw the session cookie away, or doesn't send it back to \/\./,
  },
  {
    name: 'a cookie that needs HTTPS',
    patch: { 'session.ts': `
       httpOnly: true,
+      secure: true,
` },
    caughtBy: cookie,
    reads: /GET \/ came back without a Set-Cookie header.*secure: true needs HTTPS/,
  },
  {
    name: 'maxAge as a text',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: '3600000' as unknown as number,
` },
    aside: true,
    caughtBy: cookie,
    reads: /Your server stopped: .*originalMaxAge.*maxAge has to be a number of milliseconds/,
  },
  {
    name: 'maxAge that is not a number',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: Number(process.env.SESSION_LIFETIME),
` },
    aside: true,
    caughtBy: cookie,
    reads: /GET \/ (got no|answered with status 500|came back without)/,
  },
  {
    name: 'maxAge in seconds',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: 3600,
` },
    caughtBy: counts,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A minute later the same/,
  },
  {
    name: 'one end for all cookies',
    patch: { 'session.ts': `
       httpOnly: true,
+      expires: new Date(Date.now() + 7 * 24 * 60 * 60 * 1000),
` },
    caughtBy: apart,
    reads: /every cookie is dead on arrival: `expires` was computed once/,
  },
  {
    name: 'a cookie of its own making',
    files: { 'app.ts': `import { randomUUID } from 'node:crypto';
import express, { type Express } from 'express';
import { sessionOptions, type Settings } from './session.ts';

export function createApp(settings: Settings): Express {
  sessionOptions(settings);
  const app = express();
  const visits = new Map<string, number>();
  app.get('/', (req, res) => {
    const id = /sid=([\\w-]+)/.exec(req.headers.cookie ?? '')?.[1] ?? randomUUID();
    visits.set(id, (visits.get(id) ?? 0) + 1);
    res.cookie('sid', id, { httpOnly: true, sameSite: 'lax' });
    res.send(\`Hello World, visit \${visits.get(id)}\`);
  });
  return app;
}
` },
    caughtBy: cookie,
    reads: /GET \/ set a cookie, but none that holds a signed session id/,
  },
  {
    name: 'the count kept in a cookie',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const visits = Number(/visits=(\\d+)/.exec(req.headers.cookie ?? '')?.[1] ?? 0) + 1;
+    req.session.visits = visits;
+    res.cookie('visits', visits);
+    res.send(\`Hello World, visit \${visits}\`);
` },
    caughtBy: counts,
    reads: /Visit 13 was .* visit 2".*So the count is in a cookie, where visitors can change it/,
  },
  {
    name: 'no count shown',
    patch: { 'app.ts': `
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    res.send('Hello World');
` },
    caughtBy: counts,
    reads: /GET \/ answered "Hello World": there's no number of visits in it\. The/,
  },
  {
    name: 'no value to start from',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits!++;
` },
    caughtBy: counts,
    reads: /"Hello World, visit (NaN|null)".*undefined \+ 1 is NaN/,
  },
  {
    name: 'the visits before this one',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const before = req.session.visits ?? 0;
+    req.session.visits = before + 1;
+    res.send(\`Hello World, visit \${before}\`);
` },
    caughtBy: counts,
    reads: /"Hello World, visit 0"\. The count was shown before this visit was added/,
  },
  {
    name: 'two at a time',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = (req.session.visits ?? 0) + 2;
` },
    caughtBy: counts,
    reads: /Visit 1 was answered with "Hello World, visit 2"\..*or 1 is added twice/,
  },
  {
    name: 'the count stored after the answer',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const visits = (req.session.visits ?? 0) + 1;
+    res.send(\`Hello World, visit \${visits}\`);
+    req.session.visits = visits;
` },
    caughtBy: cookie,
    reads: /GET \/ came back without a Set-Cookie header\. The id in the cookie is all/,
  },
  {
    name: 'a variable of the module',
    patch: { 'app.ts': `
+let visits = 0;
+
 export function createApp(settings: Settings): Express {
@@
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = ++visits;
` },
    caughtBy: counts,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A browser that's never/,
  },
  {
    name: 'a variable of the app',
    patch: { 'app.ts': `
   const app = express();
+  let visits = 0;
@@
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = ++visits;
` },
    caughtBy: apart,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A browser that's never/,
  },
  {
    name: 'one id for everyone',
    patch: { 'session.ts': `
     secret,
+    genid: () => 'the-one-and-only-session',
` },
    caughtBy: apart,
    reads: /Visit 3 .*they have the same id/,
  },
  {
    name: 'a session thrown away each time',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  app.get('/', async (req, res) => {
+    await new Promise((resolve) => { req.session.regenerate(resolve); });
` },
    caughtBy: counts,
    reads: /Visit 2 was answered with "Hello World, visit 1"\. The same browser came back/,
  },
  {
    name: 'an object in the place of the session',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session = { visits: (req.session.visits ?? 0) + 1 } as typeof req.session;
` },
    aside: true,
    caughtBy: cookie,
    reads: /GET \/ got no answer within 2 s\..*replacing req\.session with another object/,
  },
  {
    name: 'a Set in the session',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const data = req.session as unknown as { seen?: Set<number> };
+    data.seen ??= new Set();
+    data.seen.add(data.seen.size);
+    res.send(\`Hello World, visit \${data.seen.size}\`);
` },
    caughtBy: counts,
    reads: /is not a function\. A session is kept as JSON/,
  },
  {
    name: 'a signature that nobody checks',
    patch: { 'app.ts': `
   const app = express();
+  const visits = new Map<string, number>();
@@
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const id = /s%3A([\\w-]+)/.exec(req.headers.cookie ?? '')?.[1] ?? req.sessionID;
+    visits.set(id, (visits.get(id) ?? 0) + 1);
+    req.session.visits = visits.get(id) ?? 1;
+    res.send(\`Hello World, visit \${visits.get(id)}\`);
` },
    caughtBy: tampered,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A cookie whose/,
  },
  {
    name: 'a store outside of createApp()',
    patch: { 'app.ts': `
+const store = new session.MemoryStore();
+
 export function createApp(settings: Settings): Express {
@@
-  app.use(session(sessionOptions(settings)));
+  app.use(session({ ...sessionOptions(settings), store }));
` },
    caughtBy: anew,
    reads: /A second createApp\(\) knew a browser.*build it inside/,
  },
  {
    name: 'saveUninitialized: true',
    patch: { 'session.ts': `
-    saveUninitialized: false,
+    saveUninitialized: true,
` },
    caughtBy: uninitialized,
    reads: /GET \/no-such-page stores nothing \(status 404\) and got a session cookie.*saveUninitialized/,
  },
  {
    name: 'saveUninitialized as a text',
    patch: { 'session.ts': `
-    saveUninitialized: false,
+    saveUninitialized: 'false' as never,
` },
    caughtBy: uninitialized,
    reads: /got a session cookie\..*or a string, it counts as true/,
  },
  {
    name: 'no saveUninitialized',
    patch: { 'session.ts': `
-    saveUninitialized: false,
` },
    caughtBy: uninitialized,
    reads: /GET \/no-such-page stores nothing \(status \d+\) and got a session cookie\./,
  },
  {
    name: 'every path is counted',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
@@
   app.use(session(sessionOptions(settings)));
+  app.use((req, res, next) => {
+    req.session.visits = (req.session.visits ?? 0) + 1;
+    next();
+  });
` },
    caughtBy: counts,
    reads: /asked for \/favicon\.ico, as browsers do by themselves/,
  },
  {
    name: 'resave: true',
    patch: { 'session.ts': `
-    resave: false,
+    resave: true,
` },
    caughtBy: slow,
    reads: /Visit 3 was answered with "Hello World, visit 2"\. A slow request that only read/,
  },
  {
    name: 'no resave',
    patch: { 'session.ts': `
-    resave: false,
` },
    caughtBy: slow,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A slow request that/,
  },
  {
    name: 'resave: true, and a 404 page of its own',
    patch: {
      'session.ts': `
-    resave: false,
+    resave: true,
`,
      'app.ts': `
+  app.use((req, res) => { res.status(404).send('Nothing here.'); });
   return app;
`,
    },
    caughtBy: slow,
    reads: /wrote its old copy back/,
  },
  {
    name: 'a cookie that scripts can read',
    patch: { 'session.ts': `
-      httpOnly: true,
+      httpOnly: false,
` },
    caughtBy: flags,
    reads: /The session cookie isn't HttpOnly\. Any script/,
  },
  {
    name: 'no SameSite',
    patch: { 'session.ts': `
-      sameSite: 'lax',
` },
    caughtBy: flags,
    reads: /says nothing about SameSite\. A form on any other site/,
  },
  {
    name: 'SameSite=None',
    patch: { 'session.ts': `
-      sameSite: 'lax',
+      sameSite: 'none',
` },
    caughtBy: cookie,
    reads: /The browser threw the session cookie away, or doesn't send it back to \/\./,
  },
  {
    name: 'import * as session',
    patch: { 'app.ts': `
-import session from 'express-session';
+import * as session from 'express-session';
` },
    caughtBy: cookie,
    reads: /session was called, but what's imported .* isn't a function.*without the star/,
  },
  {
    name: 'no return of the options',
    patch: { 'session.ts': `
-export function sessionOptions({ secret }: Settings): SessionOptions {
+export function sessionOptions({ secret }: Settings): SessionOptions | undefined {
@@
-  return {
-    secret,
-    resave: false,
-    saveUninitialized: false,
-    cookie: {
-      httpOnly: true,
-      sameSite: 'lax',
-    },
-  };
+  console.log(secret.length);
` },
    caughtBy: cookie,
    reads: /secret option required for sessions\. express-session got no secret/,
  },
  {
    name: 'a misspelt SESSION_SECRET',
    patch: { 'index.ts': `
-const { PORT, SESSION_SECRET } = process.env;
+const { PORT, SESION_SECRET: SESSION_SECRET } = process.env;
` },
    caughtBy: handsOver,
    reads: /SESSION_SECRET was set, and index\.ts ended \(exit code \d+\) without listening\. It/,
  },
  {
    name: 'an index.ts that never starts',
    patch: { 'index.ts': `
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+createApp({ secret: SESSION_SECRET });
` },
    caughtBy: handsOver,
    reads: /SESSION_SECRET was set, and index\.ts ended \(exit code \d+\) without listening\. It/,
  },
  {
    name: 'a listen() whose error is lost',
    patch: { 'index.ts': `
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+createApp({ secret: SESSION_SECRET }).listen(port, () => {
` },
    caughtBy: 'a PORT that is taken ends it with a sentence',
    reads: /PORT was taken by another server, and index\.ts printed "Server running" all the/,
  },
  {
    name: 'a port of its own',
    patch: { 'index.ts': `
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ secret: SESSION_SECRET }).listen(4000, (error) => {
` },
    caughtBy: 'index.ts listens on PORT',
    reads: /PORT was \d+, but the app asked for port \d+\. Whether an app runs on \d+ or/,
  },
  {
    name: 'no Hello World any more',
    patch: { 'app.ts': `
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    res.send(\`visit \${req.session.visits}\`);
` },
    caughtBy: 'GET / answers Hello World',
    reads: /GET \/ answered "visit \d+"\. There's no Hello World in it\. The text you give/,
  },
  {
    name: 'every path answers',
    patch: { 'app.ts': `
+  app.use((req, res) => { res.send('Hello World'); });
   return app;
` },
    caughtBy: 'any other path is a 404',
    reads: /GET \/no-such-page answered with status \d+ instead of \d+\. The route answers every/,
  },
  {
    name: 'the secret printed',
    patch: { 'index.ts': `
   console.log(\`Server running on port \${port}\`);
+  console.log(\`Secret: \${SESSION_SECRET}\`);
` },
    caughtBy: handsOver,
    reads: /index\.ts printed the SESSION_SECRET\. What an app prints is kept in logs, which many/,
  },
  {
    name: 'the session id in the page',
    patch: { 'app.ts': `
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    res.send(\`Hello World, visit \${req.session.visits} <!-- \${req.sessionID} -->\`);
` },
    caughtBy: counts,
    reads: /The answer to GET \/ holds the session's id outside its/,
  },
  {
    name: 'ids that count up',
    patch: { 'session.ts': `
+let next = 1_000_000;
+
 export function sessionOptions({ secret }: Settings): SessionOptions {
@@
     secret,
+    genid: () => \`the-session-number-\${++next}\`,
` },
    caughtBy: cookie,
    reads: /Three browsers got the ids the-session-number-\d+, the-session-number-\d+,/,
  },
  {
    name: 'short ids',
    patch: { 'session.ts': `
-import type { SessionOptions } from 'express-session';
+import { randomBytes } from 'node:crypto';
+import type { SessionOptions } from 'express-session';
@@
     secret,
+    genid: () => randomBytes(4).toString('hex'),
` },
    caughtBy: cookie,
    reads: /Three browsers got the ids \w{8}, \w{8}, \w{8}\. The id is the key to a session/,
  },
  {
    name: 'the time as an id',
    patch: { 'session.ts': `
     secret,
+    genid: () => String(process.hrtime.bigint()),
` },
    caughtBy: cookie,
    reads: /Three browsers got the ids \d+, \d+, \d+\. The id/,
  },
  {
    name: 'a __Host- cookie without Secure',
    patch: { 'session.ts': `
     secret,
+    name: '__Host-sid',
` },
    caughtBy: cookie,
    reads: /The browser threw the session cookie away, or doesn't send it back to \/\. Browsers/,
  },
  {
    name: 'a partitioned cookie without Secure',
    patch: { 'session.ts': `
       httpOnly: true,
+      partitioned: true,
` },
    caughtBy: cookie,
    reads: /The browser threw the session cookie away, or doesn't send it back to \/\. Browsers/,
  },
  {
    name: 'a cookie for another path',
    patch: { 'session.ts': `
       httpOnly: true,
+      path: '/account',
` },
    caughtBy: cookie,
    reads: /GET \/ answered with status \d+: TypeError: Cannot read properties of undefined/,
  },
  {
    name: 'a count that never grows',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = req.session.visits ?? 0 + 1;
` },
    caughtBy: counts,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. The server recognised the browser/,
  },
  {
    name: '++ behind the number',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    let visits = req.session.visits ?? 1;
+    req.session.visits = visits++;
` },
    caughtBy: counts,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. The server recognised the browser/,
  },
  {
    name: 'options that are not called',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use(session(sessionOptions as never));
` },
    caughtBy: cookie,
    reads: /GET \/ answered with status \d+: Error: secret option required for sessions\./,
  },
  {
    name: 'a session() that is not called',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use(session as never);
` },
    aside: true,
    caughtBy: cookie,
    reads: /GET \/ got no answer within 2 s\..*`app\.use\(session\)` instead of `app\.use\(session\(…\)\)` has/,
  },
  {
    name: 'options that are not awaited',
    patch: { 'session.ts': `
-export function sessionOptions({ secret }: Settings): SessionOptions {
+export async function sessionOptions({ secret }: Settings): Promise<SessionOptions> {
`, 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use(session(sessionOptions(settings) as never));
` },
    caughtBy: cookie,
    reads: /GET \/ answered with status \d+: Error: secret option required for sessions\./,
  },
  {
    name: 'options made for every request',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use((req, res, next) => { session(sessionOptions(settings))(req, res, next); });
` },
    caughtBy: counts,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. The same browser came back and/,
  },
  {
    name: 'a secret that is only checked when a visitor comes',
    patch: { 'index.ts': `
-if (!SESSION_SECRET) stop('SESSION_SECRET is not set. Set it to a long random value.');
@@
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+const app = express();
+app.use((req, res, next) => {
+  if (!SESSION_SECRET) stop('SESSION_SECRET is not set.');
+  next();
+});
+app.use(createApp({ secret: SESSION_SECRET! }));
+app.listen(port, (error) => {
@@
-import { createApp } from './app.ts';
+import express from 'express';
+import { createApp } from './app.ts';
` },
    caughtBy: needsSecret,
    reads: /SESSION_SECRET wasn't set, and index\.ts listens all the same\. Without a secret/,
  },
  {
    name: 'one session per address',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const visits = (seen.get(req.ip) ?? 0) + 1;
+    seen.set(req.ip, visits);
+    req.session.visits = visits;
+    res.send(\`Hello World, visit \${req.session.visits}\`);
@@
   const app = express();
+  const seen = new Map<string | undefined, number>();
` },
    caughtBy: apart,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A browser that's never been here/,
  },
  {
    name: 'sessionOptions() forgotten in the import',
    patch: { 'app.ts': `
-import { sessionOptions, type Settings } from './session.ts';
+import type { Settings } from './session.ts';
` },
    caughtBy: cookie,
    reads: /createApp\(\{ secret \}\) failed: sessionOptions is not defined\. The app couldn't be/,
  },
  {
    name: 'a name in session.ts that does not exist',
    patch: { 'session.ts': `
-    secret,
+    secret: SECRET,
` },
    caughtBy: cookie,
    reads: /failed: SECRET is not defined\..*Look at: .*session\.ts: what goes wrong on line 15\?.*session\.ts:15/,
  },
  {
    name: 'sessionOptions() not exported',
    patch: { 'session.ts': `
-export function sessionOptions({ secret }: Settings): SessionOptions {
+function sessionOptions({ secret }: Settings): SessionOptions {
` },
    caughtBy: cookie,
    reads: /sessionOptions is imported.*`export` is missing in front of it\. Look at/,
  },
  {
    name: 'a cookie that ends after ten seconds',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: 10_000,
` },
    caughtBy: counts,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A minute later the same browser/,
  },
  {
    name: 'a count by two for those who come back',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = (req.session.visits ?? 0.5) * 2;
` },
    caughtBy: counts,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. Each visit counts one more than/,
  },
  {
    name: 'this visitor\'s session in a variable of the app',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+  let current: session.SessionData;
+  app.use((req, res, next) => {
+    current = req.session as unknown as session.SessionData;
+    next();
+  });
+  app.get('/', async (req, res) => {
+    await new Promise(setImmediate);
+    current.visits = (current.visits ?? 0) + 1;
+    res.send(\`Hello World, visit \${current.visits}\`);
` },
    caughtBy: apart,
    reads: /Ten browsers came at once, for the (first|second) time, and one of them read.*in req and res/,
  },
  {
    name: 'the response in a variable of the module',
    patch: { 'app.ts': `
+let response: express.Response;
+
 export function createApp(settings: Settings): Express {
@@
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+  app.get('/', async (req, res) => {
+    response = res;
+    req.session.visits = (req.session.visits ?? 0) + 1;
+    await new Promise(setImmediate);
+    response.send(\`Hello World, visit \${req.session.visits}\`);
` },
    caughtBy: apart,
    reads: /Ten browsers came at once, and not all of them were answered.*in req and res/,
  },
  {
    name: 'a count that starts anew after 9',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = ((req.session.visits ?? 0) + 1) % 10;
` },
    caughtBy: counts,
    reads: /Visit 10 was answered with "Hello World, visit 0"/,
  },
  {
    name: 'a cookie that scripts can read, set beside the real one',
    patch: { 'app.ts': `
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    res.cookie('sid-copy', req.sessionID);
+    res.send(\`Hello World, visit \${req.session.visits}\`);
` },
    caughtBy: counts,
    reads: /The answer to GET \/ holds the session's id outside its/,
  },
  {
    name: 'a session that is forgotten at its third visit',
    patch: { 'app.ts': `${renewal}\
+      if (visits === 3) delete (req.session as Partial<session.SessionData>).visits;
+      res.send(\`Hello World, visit \${visits}\`);
+    });
` },
    caughtBy: counts,
    reads: /Visit 4 was answered with "Hello World, visit 1"/,
  },
  {
    name: 'a second secret that everyone knows',
    patch: {
      'session.ts': `
-    secret,
+    secret: [secret, 'keyboard cat'],
`,
    },
    caughtBy: tampered,
    reads: /signed a cookie with “keyboard cat”, and it was accepted/,
  },
  {
    name: 'ids made of Math.random() and the time',
    patch: {
      'session.ts': `
     secret,
+    genid: () => Math.random().toString(36).slice(2) + Date.now().toString(36),
`,
    },
    caughtBy: cookie,
    reads: /Math\.random\(\) gave the same number twice.*what does genid return/,
  },
  {
    name: 'an answer that caches may keep',
    patch: {
      'app.ts': `
     req.session.visits = (req.session.visits ?? 0) + 1;
+    res.set('Cache-Control', 'public, max-age=60');
`,
    },
    caughtBy: counts,
    reads: /came with Cache-Control: public, max-age=60.*give it to the next visitor/,
  },
  {
    name: 'a log with the cookies in it',
    patch: {
      'app.ts': `
   app.get('/', (req, res) => {
+    console.log(req.method, req.url, req.headers.cookie ?? 'new', req.sessionID);
`,
    },
    caughtBy: cookie,
    reads: /Your app printed the id of a session\. What an app prints is kept in logs/,
  },
  {
    name: 'a middleware that counts every request of a known browser',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
+  app.use((req, res, next) => {
+    if (req.session.visits) req.session.visits++;
+    next();
+  });
+
+  app.get('/', (req, res) => {
+    req.session.visits ??= 1;
` },
    caughtBy: counts,
    reads: /the browser asked for \/favicon\.ico, as browsers do by themselves/,
  },
  {
    name: 'secure in production only',
    patch: { 'session.ts': `
       sameSite: 'lax',
+      secure: process.env.NODE_ENV === 'production',
` },
    caughtBy: handsOver,
    reads: /with NODE_ENV=production.*set no session cookie\..*does anything depend on NODE_ENV/,
  },
  {
    name: 'a new id at each visit',
    patch: { 'app.ts': `${renewal}\
+      res.send(\`Hello World, visit \${visits}\`);
+    });
` },
    caughtBy: counts,
    reads: /The cookie from the first visit was sent again.*two requests at once lose the session/,
  },
];

export const right: RightAnswer[] = [
  { name: 'the solution' },
  {
    name: 'everything in app.ts',
    files: { 'app.ts': `import express from 'express';
import session from 'express-session';

export const createApp = ({ secret }: { secret: string }) => {
  const app = express();
  app.use(session({
    secret: [secret, 'an older one'],
    name: 'sid',
    resave: false,
    saveUninitialized: false,
    cookie: { sameSite: true, maxAge: 3_600_000 },
  }));
  app.get('/', (req, res) => {
    const { session: data } = req as unknown as { session: { stats?: { views: number } } };
    data.stats = { views: (data.stats?.views ?? 0) + 1 };
    res.json({ message: 'Hello World', since: '2024-01-01', stats: data.stats });
  });
  return app;
};
`,
    'session.ts': 'export {};\n' },
  },
  {
    name: 'an exception that nobody catches',
    patch: { 'index.ts': `${check}+if (!SESSION_SECRET) throw new Error('No SESSION_SECRET.');
` },
  },
  {
    name: 'a secret that is checked once more, and taken apart by hand',
    patch: {
      'session.ts': `
-export function sessionOptions({ secret }: Settings): SessionOptions {
+export function sessionOptions(secret: string): SessionOptions {
+  if (secret.length < 16) throw new Error('The secret is too short.');
`,
      'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use(session(sessionOptions(settings.secret)));
`,
    },
  },
  {
    name: 'settings checked in a file of their own, a main() and another shape of the sentence',
    files: {
      'settings.ts': `export const settings = {
  port: Number(process.env['PORT'] || '4000'),
  secret: required('SESSION_SECRET'),
};

function required(name: string): string {
  const value = process.env[name]?.trim();
  if (!value) throw new Error(\`Missing environment variable: \${name}\`);
  return value;
}
`,
      'index.ts': `import { createApp } from './app.ts';

async function main() {
  const { settings: { port, ...settings } } = await import('./settings.ts');
  createApp(settings).listen(port, (error) => {
    if (error) throw error;
    console.log(\`Server running on port \${port}\`);
  });
}

main().catch((error) => {
  console.error(String(error));
  process.exitCode = 1;
});
`,
    },
  },
  {
    name: 'cookie options as a function',
    patch: { 'session.ts': `
-    cookie: {
-      httpOnly: true,
-      sameSite: 'lax',
-    },
+    cookie: () => ({ httpOnly: true, sameSite: 'lax' as const }),
` },
  },
  {
    name: 'secure: auto, rolling, an explicit save() and a store that is passed on',
    patch: {
      'session.ts': `
-import type { SessionOptions } from 'express-session';
+import session, { type SessionOptions } from 'express-session';
@@
-    secret,
+    secret,
+    rolling: true,
+    unset: 'destroy',
+    store: new session.MemoryStore(),
@@
       httpOnly: true,
+      secure: 'auto',
`,
      'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = visits;
+    req.session.save((error) => {
+      if (error) return next(error);
+      res.send(\`Hello World, visit \${visits}\`);
+    });
@@
-  app.get('/', (req, res) => {
+  app.get('/', (req, res, next) => {
`,
    },
  },
  {
    name: 'a page, a second cookie on every answer, a 404 page',
    patch: { 'app.ts': `
   const app = express();
+  app.use((req, res, next) => {
+    res.cookie('theme', 's:dark.1234567890123456789012');
+    res.cookie('bad', '%', { encode: String });
+    next();
+  });
@@
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    res.send(\`<!doctype html><style>p { margin: 9px }</style><h1>Hello World</h1>
+      <p>It is 12:34 and you have been here <b>\${req.session.visits}</b> times.</p>\`);
@@
+  app.use((req, res) => { res.status(404).json({ error: 404 }); });
   return app;
` },
  },
  {
    name: 'an async handler on a router',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  const router = express.Router();
+  router.use(session(sessionOptions(settings)));
+  app.use('/', router);
+  router.get('/', async (req, res) => {
+    await Promise.resolve();
@@
-  app.use(session(sessionOptions(settings)));
-
` },
  },
  {
    name: 'ids of its own, a Buffer as the secret',
    patch: { 'session.ts': `
-import type { SessionOptions } from 'express-session';
+import { randomBytes } from 'node:crypto';
+import type { SessionOptions } from 'express-session';
@@
-    secret,
+    secret: Buffer.from(secret) as never,
+    genid: () => randomBytes(32).toString('hex'),
` },
  },
  {
    name: 'uuids as ids, another name, a cookie for a day',
    patch: { 'session.ts': `
-import type { SessionOptions } from 'express-session';
+import { randomUUID } from 'node:crypto';
+import type { SessionOptions } from 'express-session';
@@
     secret,
+    name: 'id',
+    genid: () => randomUUID(),
@@
       httpOnly: true,
+      maxAge: 24 * 60 * 60 * 1000,
` },
  },
  {
    name: 'the count in a function that is awaited',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+  const count = async (data: Partial<session.SessionData>) => {
+    await new Promise(setImmediate);
+    return data.visits = (data.visits ?? 0) + 1;
+  };
+  app.get('/', async (req, res) => {
+    res.send(\`Hello World, visit \${await count(req.session)}\`);
` },
  },
  {
    name: 'a main-module guard',
    patch: { 'index.ts': `
-import { createApp } from './app.ts';
+import { pathToFileURL } from 'node:url';
+import { createApp } from './app.ts';
@@
-createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
+  createApp({ secret: SESSION_SECRET }).listen(port, (error) => {
+    if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+    console.log(\`Server running on port \${port}\`);
+  });
+}
` },
  },
  {
    name: 'all that is missing in one sentence',
    patch: { 'index.ts': `
-if (!SESSION_SECRET) stop('SESSION_SECRET is not set. Set it to a long random value.');
+const missing = ['SESSION_SECRET'].filter((name) => !process.env[name]?.trim());
+if (!SESSION_SECRET || missing.length > 0) stop(\`Please set: \${missing.join(', ')}\`);
` },
  },
  {
    name: 'a page with a form, a second cookie that lives on, cookie options by themselves',
    patch: { 'session.ts': `
+const cookie = { httpOnly: true, sameSite: 'lax' as const, path: '/' };
+
 export function sessionOptions({ secret }: Settings): SessionOptions {
@@
-    cookie: {
-      httpOnly: true,
-      sameSite: 'lax',
-    },
+    cookie,
`, 'app.ts': `
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    res.cookie('seen', 'yes', { maxAge: 86_400_000 });
+    res.send(\`<!doctype html><title>Home</title><h1>Hello World, visit \${req.session.visits}</h1>
+<form><input name="q"><button>Search</button></form>\`);
` },
  },
  {
    name: 'a session of a class, a count in a list',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const data = req.session as unknown as { seen?: number[] };
+    data.seen = [...data.seen ?? [], Date.now()];
+    res.send(\`Hello World, visit \${data.seen.length}\`);
` },
  },
];
