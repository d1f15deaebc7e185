import type { RightAnswer, WrongAnswer } from './answer.ts';

const needsMongo = "index.ts doesn't start without its MongoDB";
const needsUrl = "index.ts doesn't start without a MONGO_URL";
const survives = 'the visit count survives a restart of the app';
const documents = 'every browser has one document, named by its session id';
const client = 'the store uses the client that createApp() is given';
const deletes = 'MongoDB is told to delete expired sessions';
const atUrl = 'index.ts keeps the sessions at MONGO_URL';
const oneHour = 'a session lives one hour after its last visit';
const expired = 'an expired session is a new visitor';

/** The solution's store, to be replaced. */
const store = `
-    store: MongoStore.create({
-      client,
-      ttl: ONE_HOUR_IN_SECONDS,
-    }),
`;

/** The solution's check of MONGO_URL, and its connection. */
const check = `
-if (!MONGO_URL) stop('MONGO_URL is not set. Set it to the address of a MongoDB.');
`;
const connect = `
-const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
-});
`;

const listen = `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'the app listens before it connects',
    patch: { 'index.ts': `${connect}+const client = new MongoClient(MONGO_URL);
+client.connect().catch((error: unknown) => {
+  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+});
` },
    caughtBy: needsMongo,
    reads: /No MongoDB answers at MONGO_URL, and index\.ts listens all the same.*Connect first/,
  },
  {
    name: 'a misspelt import',
    patch: { 'index.ts': `
-import { MongoClient } from 'mongodb';
+import { mongoClient as MongoClient } from 'mongodb';
` },
    caughtBy: needsMongo,
    reads: /^✖ fail [^✖]* mongoClient is imported, but nothing with that name.*index\.ts, and what it/,
  },
  {
    name: 'no await',
    patch: { 'index.ts': `${connect}+const client = MongoClient.connect(MONGO_URL) as never;
` },
    caughtBy: needsMongo,
    reads: /index\.ts listens all the same/,
  },
  {
    name: 'an end that does not name MongoDB',
    patch: { 'index.ts': `
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+  stop('Something went wrong.');
` },
    caughtBy: needsMongo,
    reads: /No MongoDB answers at MONGO_URL, and index\.ts ended without a word about/,
  },
  {
    name: 'another try forever',
    patch: { 'index.ts': `${connect}+let client!: MongoClient;
+for (let connected = false; !connected;) {
+  const next = new MongoClient(MONGO_URL);
+  await next.connect().then(() => { client = next; connected = true; }, () => next.close());
+}
` },
    aside: true,
    caughtBy: needsMongo,
    reads: /No MongoDB answers at MONGO_URL, and index\.ts neither listened nor ended/,
  },
  {
    name: 'a URL that nobody checks, and an error that nobody catches',
    patch: { 'index.ts': `${check}@@${connect}+const client = await MongoClient.connect(MONGO_URL!);
` },
    caughtBy: needsUrl,
    reads: /MONGO_URL wasn't set, and index\.ts ended with an error: "TypeError:/,
  },
  {
    name: 'a URL to fall back on',
    patch: { 'index.ts': `
-const { PORT, SESSION_SECRET, MONGO_URL } = process.env;
+const { PORT, SESSION_SECRET, MONGO_URL = 'mongodb://127.0.0.1:27017/shop' } = process.env;
` },
    aside: true,
    caughtBy: needsUrl,
    reads: /MONGO_URL wasn't set, and index\.ts (listens all the same|neither listened nor ended)/,
  },
  {
    name: 'another variable than MONGO_URL',
    patch: { 'index.ts': `
-const { PORT, SESSION_SECRET, MONGO_URL } = process.env;
+const { PORT, SESSION_SECRET, MONGODB_URI: MONGO_URL } = process.env;
@@${check}+if (!MONGO_URL) stop('MONGODB_URI is not set.');
` },
    caughtBy: needsUrl,
    reads: /MONGO_URL wasn't set, and index\.ts ended without a word about MONGO_URL\./,
  },
  {
    name: 'no store',
    patch: { 'session.ts': store },
    caughtBy: survives,
    reads: /Visit 3 was answered with "Hello World, visit 1"\..*still in its memory.*is the store part of the options/,
  },
  {
    name: 'a store that is built and not passed on',
    patch: { 'session.ts': `
+  const store = MongoStore.create({ client, ttl: ONE_HOUR_IN_SECONDS });
+
   return {
@@${store}` },
    caughtBy: survives,
    reads: /The sessions died with the app/,
  },
  {
    name: 'the old middleware left above the new one',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  const { secret } = settings;
+  app.use(session({ secret, resave: false, saveUninitialized: false }));
+  app.use(session(sessionOptions(settings)));
` },
    caughtBy: survives,
    reads: /still in its memory.*is there only one app\.use\(session\(…\)\)/,
  },
  {
    name: 'the store misspelt',
    patch: { 'session.ts': `
-    store: MongoStore.create({
+    sessionStore: MongoStore.create({
@@
-  };
+  } as SessionOptions;
` },
    caughtBy: survives,
    reads: /still in its memory/,
  },
  {
    name: 'a secret made up at every start',
    patch: { 'session.ts': `
-    secret,
+    secret: secret + String(Math.random()),
` },
    caughtBy: survives,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. The app was built again,/,
  },
  {
    name: 'the counts in a variable',
    patch: { 'app.ts': `
   const app = express();
+  const visits = new Map<string, number>();
@@
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const count = (visits.get(req.sessionID) ?? 0) + 1;
+    visits.set(req.sessionID, count);
+    req.session.visits = 1;
+    res.send(\`Hello World, visit \${count}\`);
` },
    caughtBy: survives,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. The app was built again,/,
  },
  {
    name: 'a document for every visit',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+  app.get('/', (req, res, next) => {
+    const visits = (req.session.visits ?? 0) + 1;
+    const old = req.sessionID;
+    const { sessionStore } = req;
+    sessionStore.get(old, (_, data) => {
+      req.session.regenerate((error) => {
+        if (error) return next(error);
+        req.session.visits = visits;
+        if (data) sessionStore.set(old, data);
+        res.send(\`Hello World, visit \${visits}\`);
+      });
+    });
` },
    caughtBy: documents,
    reads: /Two browsers came, one of them twice, and a bot asked for a page that/,
  },
  {
    name: 'one document for all',
    patch: { 'session.ts': `
       client,
+      transformId: () => 'the session',
` },
    caughtBy: documents,
    reads: /MongoDB holds 1 session document\.|Visit 2 was answered/,
  },
  {
    name: 'a connection of the store\'s own',
    patch: { 'session.ts': `
-      client,
+      mongoUrl: process.env.MONGO_URL ?? '',
` },
    caughtBy: survives,
    reads: /The store was built without a client\..*Line steps\/03-mongo-store\/session\.ts:\d+/,
  },
  {
    name: 'a connection of the store\'s own, with a fallback',
    patch: { 'session.ts': `
-      client,
+      mongoUrl: process.env.MONGO_URL ?? 'mongodb://127.0.0.1:27017/shop',
` },
    aside: true,
    caughtBy: survives,
    reads: /The app made another client for MongoDB, and didn't use the one.*Line steps\/03-mongo-store\/session\.ts:\d+/,
  },
  {
    name: 'a client that session.ts makes',
    patch: { 'session.ts': `
-import type { MongoClient } from 'mongodb';
+import { MongoClient } from 'mongodb';
@@
-export function sessionOptions({ client, secret }: Settings): SessionOptions {
+export function sessionOptions({ secret }: Settings): SessionOptions {
+  const client = new MongoClient(process.env.MONGO_URL!);
` },
    caughtBy: survives,
    reads: /createApp\(\{ client, secret \}\) failed: .*Only index\.ts reads the environment/,
  },
  {
    name: 'a client that session.ts makes from the one that it is given',
    patch: { 'session.ts': `
-import type { MongoClient } from 'mongodb';
+import { MongoClient } from 'mongodb';
@@
-      client,
+      client: new MongoClient(\`mongodb://\${client.options.hosts.join()}/\${client.options.dbName}\`),
` },
    caughtBy: survives,
    reads: /The app made another client for MongoDB, and didn't use the one/,
  },
  {
    name: 'createApp() that takes the client itself, and no object',
    patch: {
      'app.ts': `
-import { sessionOptions, type Settings } from './session.ts';
+import type { MongoClient } from 'mongodb';
+import { sessionOptions } from './session.ts';
@@
-export function createApp(settings: Settings): Express {
+export function createApp(client: MongoClient, secret: string): Express {
@@
-  app.use(session(sessionOptions(settings)));
+  app.use(session(sessionOptions({ client, secret })));
`,
      'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+createApp(client, SESSION_SECRET).listen(port, (error) => {
`,
    },
    caughtBy: survives,
    reads: /given an object, \{ client, secret \}/,
  },
  {
    name: 'a client that is not handed on',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  const { secret } = settings;
+  app.use(session(sessionOptions({ secret } as Settings)));
` },
    caughtBy: survives,
    reads: /The store was built without a client\..*is `client` handed on, from createApp\(\{ client, secret/,
  },
  {
    name: 'a store for every request',
    patch: { 'app.ts': `
-  app.use(session(sessionOptions(settings)));
+  app.use((req, res, next) => {
+    session(sessionOptions(settings))(req, res, next);
+  });
` },
    caughtBy: client,
    reads: /Each request built a new store/,
  },
  {
    name: 'no client handed over by index.ts',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ secret: SESSION_SECRET } as never).listen(port, (error) => {
` },
    caughtBy: atUrl,
    reads: /The store was built without a client\. MongoStore\.create\(\) takes an/,
  },
  {
    name: 'another client handed over, of another database',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+const other = new MongoClient('mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=50');
+createApp({ client: other, secret: SESSION_SECRET }).listen(port, (error) => {
` },
    caughtBy: atUrl,
    // Whether it ends or answers depends on which comes first, the visitor or the timeout.
    reads: /listened, and then it ended \(exit code \d+\)\. It printed:|500: MongoServerSelectionE/,
  },
  {
    name: 'an import as in connect-mongo 3',
    patch: { 'session.ts': `
-import MongoStore from 'connect-mongo';
-import type { SessionOptions } from 'express-session';
+import connectMongo from 'connect-mongo';
+import session, { type SessionOptions } from 'express-session';
@@
+const MongoStore = (connectMongo as never as (s: typeof session) => typeof connectMongo)(session);
 const ONE_HOUR_IN_SECONDS = 60 * 60;
` },
    caughtBy: needsMongo,
    reads: /connect-mongo was imported with a star, or its class was called.*Line steps\/03-mongo-store\/session\.ts/,
  },
  {
    name: 'an import of connect-mongo with a star',
    patch: { 'session.ts': `
-import MongoStore from 'connect-mongo';
+import * as MongoStore from 'connect-mongo';
@@
-    store: MongoStore.create({
+    store: (MongoStore as never as typeof MongoStore.default).create({
` },
    caughtBy: survives,
    reads: /connect-mongo was imported with a star, or its class was called/,
  },
  {
    name: 'require() of connect-mongo',
    patch: { 'session.ts': `
-import MongoStore from 'connect-mongo';
@@
+const { MongoStore } = require('connect-mongo');
 const ONE_HOUR_IN_SECONDS = 60 * 60;
` },
    caughtBy: needsMongo,
    reads: /require isn't defined\. These files are ES modules/,
  },
  {
    name: 'nothing removes expired sessions',
    patch: { 'session.ts': `
       client,
+      autoRemove: 'disabled',
` },
    caughtBy: deletes,
    reads: /There is no TTL index on `expires`.*what is autoRemove/,
  },
  {
    name: 'an index without an end',
    patch: { 'session.ts': `
+  void client.db().collection('sessions').createIndex({ expires: 1 });
   return {
@@
       client,
+      autoRemove: 'disabled',
` },
    caughtBy: deletes,
    reads: /There is no TTL index on `expires`/,
  },
  {
    name: 'no ttl',
    patch: { 'session.ts': `
-      ttl: ONE_HOUR_IN_SECONDS,
` },
    caughtBy: oneHour,
    reads: /After a visit the session expires in \d+ days, not in one hour\. Without a/,
  },
  {
    name: 'ttl in milliseconds',
    patch: { 'session.ts': `
-const ONE_HOUR_IN_SECONDS = 60 * 60;
+const ONE_HOUR_IN_SECONDS = 60 * 60 * 1000;
` },
    caughtBy: oneHour,
    reads: /After a visit the session expires in \d+ days, not in one hour\. `ttl` is/,
  },
  {
    name: 'the tutorial\'s ttl: 20000 beside maxAge: 20000',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: 20000,
@@
-      ttl: ONE_HOUR_IN_SECONDS,
+      ttl: 20000,
` },
    caughtBy: oneHour,
    reads: /After a visit the session expires in \d+ seconds, not in one hour\. The/,
  },
  {
    name: 'a maxAge of a day beside the ttl',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: 24 * 60 * 60 * 1000,
` },
    caughtBy: oneHour,
    reads: /After a visit the session expires in \d+ hours, not in one hour\. The/,
  },
  {
    name: 'one end for all, computed once',
    patch: { 'session.ts': `
       httpOnly: true,
+      expires: new Date(Date.now() + ONE_HOUR_IN_SECONDS * 1000),
` },
    caughtBy: oneHour,
    reads: /After a new browser's first visit then the session expires in \d+ minutes,/,
  },
  {
    name: 'an hour after the first visit',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.visits = (req.session.visits ?? 0) + 1;
+    const data = req.session as unknown as { end?: number };
+    data.end ??= Date.now() + 3_600_000;
+    req.session.cookie.expires = new Date(data.end);
` },
    caughtBy: oneHour,
    reads: /After a visit half an hour later the session expires in 30 minutes/,
  },
  {
    name: 'expired sessions that still open',
    patch: { 'session.ts': `
+class ForgivingStore extends MongoStore {
+  override async get(id: string, callback: (error: unknown, data?: never) => void) {
+    const sessions = await this.collectionP;
+    const found = await sessions.findOne({ _id: id as never });
+    callback(null, found && JSON.parse(String(found.session)) as never);
+  }
+}
+
 const ONE_HOUR_IN_SECONDS = 60 * 60;
@@
-    store: MongoStore.create({
+    store: new ForgivingStore({
` },
    caughtBy: expired,
    reads: /An hour and a minute after the last visit, the old cookie still opened the session/,
  },
  // What the tests of earlier steps ask is still asked of this app.
  {
    name: 'no resave', tests: 2,
    patch: { 'session.ts': `
-    resave: false,
` },
    caughtBy: "a slow request doesn't undo a visit",
    reads: /wrote its old copy back/,
  },
  {
    name: 'no saveUninitialized', tests: 2,
    patch: { 'session.ts': `
-    saveUninitialized: false,
` },
    caughtBy: 'a request that stores nothing gets no cookie',
    reads: /got a session cookie/,
  },
  {
    name: 'no check of the secret', tests: 2,
    patch: { 'index.ts': `
-if (!SESSION_SECRET) stop('SESSION_SECRET is not set. Set it to a long random value.');
@@
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ client, secret: SESSION_SECRET! }).listen(port, (error) => {
` },
    caughtBy: "index.ts doesn't start without a SESSION_SECRET",
    reads: /listens all the same/,
  },
  {
    name: 'a secret of the module, made up at every start',
    patch: { 'session.ts': `
+const salt = String(Math.random());
+
 export function sessionOptions({ client, secret }: Settings): SessionOptions {
@@
-    secret,
+    secret: secret + salt,
` },
    caughtBy: atUrl,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. index\.ts was started again with/,
  },
  {
    name: 'a cookie name that holds the process id',
    patch: { 'session.ts': `
     secret,
+    name: \`sid-\${process.pid}\`,
` },
    caughtBy: atUrl,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. index\.ts was started again with/,
  },
  {
    name: 'the counts in a Map of the module',
    patch: { 'app.ts': `
+const visits = new Map<string, number>();
+
 export function createApp(settings: Settings): Express {
@@
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+    const count = (visits.get(req.sessionID) ?? 0) + 1;
+    visits.set(req.sessionID, count);
+    req.session.visits = 1;
+    res.send(\`Hello World, visit \${count}\`);
` },
    caughtBy: atUrl,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. index\.ts was started again with/,
  },
  {
    name: 'the first client for all apps',
    patch: { 'session.ts': `
+let store: MongoStore | undefined;
+
 export function sessionOptions({ client, secret }: Settings): SessionOptions {
@@${store}+    store: store ??= MongoStore.create({ client, ttl: ONE_HOUR_IN_SECONDS }),
` },
    caughtBy: documents,
    reads: /GET \/ answered with status \d+: MongoNotConnectedError: Client must be connected/,
  },
  {
    name: 'a secret made of the time of the start, by index.ts',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ client, secret: SESSION_SECRET + process.pid }).listen(port, (error) => {
` },
    caughtBy: atUrl,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. index\.ts was started again with/,
  },
  {
    name: 'all sessions thrown away at every start of index.ts',
    patch: { 'index.ts': `
+await client.db().collection('sessions').deleteMany({});
 createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
` },
    caughtBy: atUrl,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. index\.ts was started again with/,
  },
  {
    name: 'no SameSite any more',
    patch: { 'session.ts': `
-      sameSite: 'lax',
` },
    caughtBy: 'the cookie is HttpOnly and SameSite=Lax',
    reads: /The session cookie says nothing about SameSite\. A form on any other site could post/,
  },
  {
    name: 'saveUninitialized: true',
    patch: { 'session.ts': `
-    saveUninitialized: false,
+    saveUninitialized: true,
` },
    caughtBy: documents,
    reads: /Two browsers came, one of them twice, and a bot asked for a page that doesn't/,
  },
  {
    name: 'touchAfter longer than ttl',
    patch: { 'session.ts': `
       client,
+      touchAfter: 24 * 3600,
` },
    caughtBy: oneHour,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. A browser came back after \d+/,
  },
  {
    name: 'a TTL index three days late',
    patch: { 'session.ts': `
+  void client.db().collection('sessions')
+    .createIndex({ expires: 1 }, { expireAfterSeconds: 3 * 24 * 3600 });
   return {
@@
       client,
+      autoRemove: 'disabled',
` },
    caughtBy: deletes,
    reads: /There is no TTL index on `expires` that deletes a session within a day, and nothing/,
  },
  {
    name: 'a second TTL index, on a date that no visit changes',
    patch: { 'session.ts': `
+  void client.db().collection('sessions')
+    .createIndex({ createdAt: 1 }, { expireAfterSeconds: ONE_HOUR_IN_SECONDS });
   return {
@@
       client,
+      timestamps: true,
` },
    caughtBy: oneHour,
    reads: /half an hour later, a TTL index on `createdAt` lets MongoDB delete the session before/,
  },
  {
    name: 'sessions removed once a week',
    patch: { 'session.ts': `
       client,
+      autoRemove: 'interval',
+      autoRemoveInterval: 7 * 24 * 60,
` },
    caughtBy: deletes,
    reads: /There is no TTL index on `expires` that deletes a session within a day, and nothing/,
  },
  {
    name: 'writes that nobody acknowledges',
    patch: { 'session.ts': `
       client,
+      writeOperationOptions: { w: 0 },
` },
    caughtBy: survives,
    reads: /The store wrote to MongoDB and asked for no answer \(w: \d+\)\. Then you don't know/,
  },
  {
    name: 'a document for every bot',
    patch: { 'app.ts': `
   app.use(session(sessionOptions(settings)));
+  app.use((req, res, next) => { req.session.save(next); });
` },
    caughtBy: documents,
    reads: /Two browsers came, one of them twice, and a bot asked for a page that doesn't/,
  },
  {
    name: 'the password of MONGO_URL printed',
    patch: { 'index.ts': `
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+  stop(\`Cannot connect to the MongoDB at \${MONGO_URL}: \${String(error)}\`);
` },
    caughtBy: needsMongo,
    reads: /index\.ts printed MONGO_URL, with the password in it\. What an app prints is kept in/,
  },
  {
    name: 'an empty MONGO_URL that nobody looks at',
    patch: { 'index.ts': `
-if (!MONGO_URL) stop('MONGO_URL is not set. Set it to the address of a MongoDB.');
+if (MONGO_URL === undefined) stop('MONGO_URL is not set.');
@@
-const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
-});
+const client = await MongoClient.connect(MONGO_URL);
` },
    caughtBy: needsUrl,
    reads: /MONGO_URL was empty, and index\.ts ended without a word about MONGO_URL\. It printed:/,
  },
  {
    name: 'a listen() whose error is lost',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+createApp({ client, secret: SESSION_SECRET }).listen(port, () => {
` },
    caughtBy: 'a PORT that is taken ends it with a sentence',
    reads: /PORT was taken by another server, and index\.ts printed "Server running" all the/,
  },
  {
    name: 'a client that is closed once the app listens',
    patch: { 'index.ts': `
-  console.log(\`Server running on port \${port}\`);
+  console.log(\`Server running on port \${port}\`);
+  void client.close();
` },
    caughtBy: atUrl,
    reads: /index\.ts listened, and then it ended \(exit code \d+\)\. It printed:/,
  },
  {
    name: 'a Db in the place of the client',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+createApp({ client: client.db() as never, secret: SESSION_SECRET }).listen(port, (error) => {
` },
    caughtBy: atUrl,
    reads: /index\.ts listened, and then it ended \(exit code \d+\)\. It printed: "TypeError: con\.db/,
  },
  {
    name: 'a Db taken for a client',
    patch: { 'session.ts': `
-      client,
+      client: client.db() as never,
` },
    caughtBy: survives,
    reads: /Your server stopped: con\.db is not a function\. The store was given something other/,
  },
  {
    name: 'MongoStore.create(client)',
    patch: { 'session.ts': `${store}+    store: MongoStore.create(client as never),
` },
    caughtBy: survives,
    reads: /The store was built without a client\. MongoStore\.create\(\) takes an/,
  },
  {
    name: 'a wait that never ends before the app is built',
    aside: true,
    patch: { 'index.ts': `
-const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
-});
+const client = new MongoClient(MONGO_URL);
+const connected = new Promise((resolve, reject) => {
+  client.once('open', resolve);
+  client.once('error', reject);
+});
+client.connect().catch((error: unknown) => {
+  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+});
+await connected;
+await new Promise(() => { setInterval(() => undefined, 1000); });
` },
    caughtBy: atUrl,
    reads: /Everything was set, and index\.ts runs but doesn't listen\. It printed nothing\./,
  },
  {
    name: 'the visits of a browser in a collection, by its address',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+  app.get('/', async (req, res) => {
+    const visits = settings.client.db().collection<{ _id: string; count: number }>('visits');
+    const found = await visits.findOneAndUpdate(
+      { _id: String(req.ip) }, { $inc: { count: 1 } }, { upsert: true, returnDocument: 'after' },
+    );
+    req.session.visits = found?.count ?? 1;
+    res.send(\`Hello World, visit \${req.session.visits}\`);
` },
    caughtBy: documents,
    reads: /Visit \d+ was answered with "Hello World, visit \d+"\. Each visit counts one more than/,
  },
  {
    name: 'a connection that fails, and only a line about it',
    patch: { 'index.ts': `
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+  console.error(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+  return new MongoClient(MONGO_URL);
` },
    caughtBy: needsMongo,
    reads: /No MongoDB answers at MONGO_URL, and index\.ts listens all the same\. An app without/,
  },
  {
    name: 'an expiry that only the cookie of the first visit has',
    patch: { 'app.ts': `
-    req.session.visits = (req.session.visits ?? 0) + 1;
+    if (!req.session.visits) req.session.cookie.originalMaxAge = 3_600_000;
+    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.cookie.maxAge = 600_000;
` },
    caughtBy: oneHour,
    reads: /After a visit the session expires in \d+ minutes, not in one hour\. The cookie has an/,
  },
  {
    name: 'a month for those who come often',
    patch: {
      'app.ts': `
     req.session.visits = (req.session.visits ?? 0) + 1;
+    if (req.session.visits > 5) req.session.cookie.maxAge = 30 * 24 * 60 * 60 * 1000;
`,
    },
    caughtBy: oneHour,
    reads: /After a regular's twelfth visit the session expires in 30 days, not in one hour/,
  },
  {
    name: 'MONGO_URL printed once all is well',
    patch: {
      'index.ts': `
   if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  console.log(\`Connected to \${MONGO_URL}\`);
`,
    },
    caughtBy: atUrl,
    reads: /index\.ts printed MONGO_URL, which may hold a password/,
  },
  {
    name: 'a first visit in place of an error',
    patch: {
      'app.ts': `
-import express, { type Express } from 'express';
+import express, { type ErrorRequestHandler, type Express } from 'express';
@@
+  const onError: ErrorRequestHandler = (error, req, res, next) => {
+    void next;
+    console.error(String(error));
+    res.send('Hello World, visit 1');
+  };
+  app.use(onError);
+
   return app;
`,
    },
    caughtBy: expired,
    reads: /MongoDB was unreachable, and GET \/ was answered with status 200.*isn't true/,
  },
  {
    name: 'Ctrl-C closes the client, and nothing else',
    patch: { 'index.ts': `
 createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
   if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
   console.log(\`Server running on port \${port}\`);
 });
+process.on('SIGINT', () => void client.close());
` },
    caughtBy: atUrl,
    reads: /Ctrl-C sends SIGINT\. 3 s later index\.ts was still running.*needs no such handler/,
    aside: true,
  },
  {
    name: 'a cache in front of the store',
    patch: { 'session.ts': `
-import type { SessionOptions } from 'express-session';
+import type { SessionData, SessionOptions } from 'express-session';
@@
 const ONE_HOUR_IN_SECONDS = 60 * 60;
+
+class CachedStore extends MongoStore {
+  readonly #cache = new Map<string, string>();
+
+  override get(sid: string, callback: (error: unknown, session?: SessionData | null) => void) {
+    const hit = this.#cache.get(sid);
+    if (hit) setTimeout(() => { this.#cache.delete(sid); }, 60_000).unref();
+    if (hit) callback(null, JSON.parse(hit));
+    else super.get(sid, callback);
+  }
+
+  override set(sid: string, session: SessionData, callback?: (error: unknown) => void) {
+    this.#cache.set(sid, JSON.stringify(session));
+    super.set(sid, session, callback);
+  }
+}
@@
-    store: MongoStore.create({
+    store: new CachedStore({
       client,
` },
    caughtBy: atUrl,
    reads: /to one, to the other, and back\. The first went on from its own copy/,
  },
  {
    name: 'the options that Atlas shows are appended to MONGO_URL',
    patch: { 'index.ts': `
-const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
+const address = \`\${MONGO_URL}?retryWrites=true&w=majority\`;
+const client = await MongoClient.connect(address).catch((error: unknown) => {
   stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
` },
    caughtBy: 'index.ts keeps the sessions at MONGO_URL',
    reads: /ended \(exit code 1\) without listening\. It printed: "Cannot connect .* must be either/,
  },
];

export const right: RightAnswer[] = [
  { name: 'the solution' },
  {
    name: 'new MongoStore, imported by its name, with all kinds of options',
    patch: { 'session.ts': `
-import MongoStore from 'connect-mongo';
+import { MongoStore } from 'connect-mongo';
@@${store}+    name: 'sid',
+    store: new MongoStore({
+      clientPromise: Promise.resolve(client),
+      dbName: 'shop',
+      collectionName: 'visitors',
+      stringify: false,
+      timestamps: true,
+      touchAfter: 600,
+      ttl: ONE_HOUR_IN_SECONDS,
+    }),
` },
  },
  {
    name: 'ids that are hashed, contents that are encrypted',
    patch: { 'session.ts': `
-import MongoStore from 'connect-mongo';
+import { createHash } from 'node:crypto';
+import MongoStore, { createWebCryptoAdapter } from 'connect-mongo';
@@
       client,
+      transformId: (id) => createHash('sha256').update(id).digest('hex'),
+      cryptoAdapter: createWebCryptoAdapter({ secret }),
` },
  },
  {
    name: 'maxAge and no ttl',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: ONE_HOUR_IN_SECONDS * 1000,
@@
-      ttl: ONE_HOUR_IN_SECONDS,
` },
  },
  {
    name: 'maxAge and ttl, rolling',
    patch: { 'session.ts': `
       httpOnly: true,
+      maxAge: 3_600_000,
@@
     secret,
+    rolling: true,
` },
  },
  {
    name: 'expired sessions removed at intervals',
    patch: { 'session.ts': `
       client,
+      autoRemove: 'interval',
+      autoRemoveInterval: 10,
` },
  },
  {
    name: 'a TTL index of one\'s own, made by an async createApp()',
    patch: {
      'session.ts': `
       client,
+      autoRemove: 'disabled',
`,
      'app.ts': `
-export function createApp(settings: Settings): Express {
+export async function createApp(settings: Settings): Promise<Express> {
+  const sessions = settings.client.db().collection('sessions');
+  await sessions.createIndex({ expires: 1 }, { expireAfterSeconds: 0 });
`,
      'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+const app = await createApp({ client, secret: SESSION_SECRET });
+app.listen(port, (error) => {
`,
    },
  },
  {
    name: 'everything in app.ts, a log in MongoDB beside it',
    files: {
      'app.ts': `import MongoStore from 'connect-mongo';
import express from 'express';
import session from 'express-session';
import type { MongoClient } from 'mongodb';

export const createApp = ({ client, secret }: { client: MongoClient; secret: string }) => {
  const app = express();
  const log = client.db().collection('log');
  app.use(session({
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'strict' },
    store: MongoStore.create({ client, ttl: 3600 }),
  }));
  app.get('/', async (req, res) => {
    const data = req.session as unknown as { stats?: { count: number } };
    data.stats = { count: (data.stats?.count ?? 0) + 1 };
    await log.insertOne({ path: req.path });
    res.json({ text: 'Hello World', stats: data.stats });
  });
  return app;
};
`,
      'session.ts': 'export {};\n',
    },
  },
  {
    name: 'a gentle end, for those who know it already',
    patch: { 'index.ts': `
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+const server = createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
@@
-function stop(reason: string): never {
+for (const signal of ['SIGINT', 'SIGTERM'] as const) {
+  process.once(signal, () => server.close(() => void client.close()));
+}
+
+function stop(reason: string): never {
` },
  },
  {
    name: 'http.createServer(), a connection tried by hand, exceptions instead of sentences',
    patch: { 'index.ts': `
-import { MongoClient } from 'mongodb';
+import { createServer } from 'node:http';
+import { MongoClient } from 'mongodb';
@@${check}+if (!MONGO_URL) throw new Error('Please set MONGO_URL.');
@@${connect}+const client = new MongoClient(MONGO_URL);
+await client.connect();
+await client.db().command({ ping: 1 });
@@
-createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+const server = createServer(createApp({ client, secret: SESSION_SECRET })).listen(port);
+server.on('listening', () => { console.log(\`Server running on port \${port}\`); });
` },
  },
  {
    name: 'MONGO_URL left to the driver to check',
    patch: { 'index.ts': `
-const { PORT, SESSION_SECRET, MONGO_URL } = process.env;
+const { PORT, SESSION_SECRET, MONGO_URL = '' } = process.env;
@@${check}` },
  },
  {
    name: 'a 404 page of its own, an explicit save()',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    req.session.visits = (req.session.visits ?? 0) + 1;
-    res.send(\`Hello World, visit \${req.session.visits}\`);
+  app.get('/', (req, res, next) => {
+    req.session.visits = (req.session.visits ?? 0) + 1;
+    req.session.save((error) => {
+      if (error) return next(error);
+      res.send(\`Hello World, visit \${req.session.visits}\`);
+    });
@@
+  app.use((req, res) => { res.status(404).send('Nothing here.'); });
   return app;
` },
  },
  {
    name: 'ten seconds to look for MongoDB',
    patch: { 'index.ts': `
-const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
+const client = await MongoClient.connect(MONGO_URL, {
+  serverSelectionTimeoutMS: 10_000,
+}).catch((error: unknown) => {
` },
  },
  {
    name: 'a sentence that names the address',
    patch: { 'index.ts': `
-const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+const client = await MongoClient.connect(MONGO_URL).catch(() => {
+  stop(\`Nothing answers at \${new URL(MONGO_URL).host}.\`);
` },
  },
  {
    name: 'another collection with an expires of its own',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  const log = settings.client.db().collection('log');
+  app.get('/', async (req, res) => {
+    await log.insertOne({ path: req.path, expires: new Date(Date.now() + 60_000) });
` },
  },
  {
    name: 'three tries, then an end',
    patch: { 'index.ts': `
-const client = await MongoClient.connect(MONGO_URL).catch((error: unknown) => {
-  stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
-});
+const client = await connect(MONGO_URL);
@@
+async function connect(url: string, tries = 3): Promise<MongoClient> {
+  try {
+    return await MongoClient.connect(url);
+  } catch (error) {
+    if (tries === 1) stop(\`Cannot connect to the MongoDB at MONGO_URL: \${String(error)}\`);
+    await new Promise((resolve) => setTimeout(resolve, 1000));
+    return connect(url, tries - 1);
+  }
+}
+
 function stop(reason: string): never {
` },
  },
  {
    name: 'touchAfter of ten minutes, a database of its own',
    patch: { 'session.ts': `
       client,
+      dbName: 'visits',
+      touchAfter: 600,
` },
  },
  {
    name: 'writes that wait for the majority and the journal',
    patch: { 'session.ts': `
       client,
+      writeOperationOptions: { w: 'majority', journal: true },
` },
  },
  {
    name: 'a main-module guard',
    patch: { 'index.ts': `
-import { MongoClient } from 'mongodb';
+import { pathToFileURL } from 'node:url';
+import { MongoClient } from 'mongodb';
@@${listen}+if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
+  createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+    if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+    console.log(\`Server running on port \${port}\`);
+  });
+}
` },
  },
];
