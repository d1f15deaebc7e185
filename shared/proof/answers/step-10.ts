import type { RightAnswer, WrongAnswer } from './answer.ts';
import { noRenewal } from './renewal.ts';

const silent = 'when the database falls silent, nobody waits forever';
const answered = "an outage is a 503, and a defect isn't";
const killed = 'one of two processes is killed, and ada is still logged in';
const deployed = 'SIGTERM lets requests in progress finish';
const interrupted = 'Ctrl-C ends it just as gently';

/** The solution's deadlines, all in milliseconds, to be replaced. */
const deadlines = `
-  heartbeatFrequencyMS: 1000,
-  connectTimeoutMS: 1000,
-  socketTimeoutMS: 1500,
-  serverSelectionTimeoutMS: 1500,
`;

/** The solution's errors that are an outage, to be replaced. */
const isOutage = `
-  return error instanceof MongoNetworkError || error instanceof MongoServerSelectionError;
`;

/** The solution's answer, to be replaced. */
const answer = `
-  res.status(503).set('Retry-After', '5').type('text').send('Please try again in a moment.');
`;

/** The solution's route, to be replaced. */
const health = `
-  app.get('/health', (req, res) => {
-    res.send('ok');
-  });
-
`;

/** The route below another line of app.ts. */
const healthBelow = (line: string) => `${health}\
@@
   ${line}
+  app.get('/health', (req, res) => {
+    res.send('ok');
+  });
`;

/** The solution's handlers, to be replaced. */
const handlers = `
-  process.once('SIGTERM', () => void end());
-  process.once('SIGINT', () => void end());
`;

/** The solution's deadline for connections, to be taken away or replaced. */
const closing = `
-    const deadline = setTimeout(() => { server.closeAllConnections(); }, FIVE_SECONDS_IN_MS);
`;

/** The solution's wait for the last answer, to be replaced. */
const lastAnswer = `
-    await once(server, 'close');
`;

/** A /health that asks the database first. */
const healthAsks = (question: string) => `
-  app.get('/health', (req, res) => {
+  app.get('/health', async (req, res) => {
+    await client.${question};
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'no deadline at all',
    patch: { 'index.ts': deadlines },
    caughtBy: silent,
    reads: /was still unanswered after 5 s.*all four/,
    aside: true,
  },
  {
    name: 'a deadline for finding a server only',
    patch: { 'index.ts': `${deadlines}\
+  serverSelectionTimeoutMS: 2000,
` },
    caughtBy: silent,
    reads: /still unanswered after 5 s.*Silence isn't an error/,
    aside: true,
  },
  {
    name: 'a deadline for each answer only',
    patch: { 'index.ts': `${deadlines}\
+  socketTimeoutMS: 2000,
` },
    caughtBy: silent,
    reads: /still unanswered after 5 s/,
    aside: true,
  },
  {
    name: 'no deadline for connecting',
    patch: { 'index.ts': `
-  connectTimeoutMS: 1000,
` },
    caughtBy: silent,
    reads: /still unanswered after 5 s.*connectTimeoutMS/,
    aside: true,
  },
  {
    name: 'timeoutMS, which the driver ignores in the options of a client',
    patch: { 'index.ts': `${deadlines}\
+  timeoutMS: 2000,
` },
    caughtBy: silent,
    reads: /still unanswered after 5 s/,
    aside: true,
  },
  {
    name: 'no deadline for an answer',
    patch: { 'index.ts': `
-  socketTimeoutMS: 1500,
` },
    caughtBy: silent,
    reads: /told the driver that it was up, and answered nothing else.*socketTimeoutMS/,
    aside: true,
  },
  {
    name: 'no heartbeat',
    patch: { 'index.ts': `
-  heartbeatFrequencyMS: 1000,
` },
    caughtBy: silent,
    reads: /was still unanswered after 5 s.*heartbeatFrequencyMS/,
    aside: true,
  },
  {
    name: 'deadlines that are too long',
    patch: { 'index.ts': `${deadlines}\
+  heartbeatFrequencyMS: 10_000,
+  connectTimeoutMS: 10_000,
+  socketTimeoutMS: 10_000,
+  serverSelectionTimeoutMS: 10_000,
` },
    caughtBy: silent,
    reads: /still unanswered after 5 s.*short enough/,
    aside: true,
  },
  {
    name: 'an end of the process when the server is lost',
    patch: { 'index.ts': `
 await sweepLogins(client);
+client.on('serverHeartbeatFailed', () => process.exit(1));
` },
    caughtBy: silent,
    reads: /the process ended.*A new process would find the same database/,
    aside: true,
  },
  {
    name: 'strangers made of everyone',
    patch: { 'app.ts': `
-    res.locals.login = await findLogin(client, req.session.login);
+    res.locals.login = await findLogin(client, req.session.login).catch(() => undefined);
` },
    caughtBy: answered,
    reads: /the database fell silent.*app\.ts: is an error caught there/,
  },
  {
    name: 'a 503 that waits for the store',
    patch: { 'outage.ts': `
-  // Without a session nothing is stored, and the answer doesn't wait for the database again.
-  Reflect.deleteProperty(req, 'session');
` },
    caughtBy: answered,
    reads: /stores the session again before it sends an answer, even a 503/,
    aside: true,
  },
  {
    name: 'a 503 for every error',
    patch: { 'outage.ts': `${isOutage}\
+  return error instanceof Error;
` },
    caughtBy: answered,
    reads: /That's a defect, and GET \/account answered with status 503/,
  },
  {
    name: 'a 503 for every error of MongoDB',
    patch: { 'outage.ts': `
-import { MongoNetworkError, MongoServerSelectionError } from 'mongodb';
+import { MongoError } from 'mongodb';
@@${isOutage}\
+  return error instanceof MongoError;
` },
    caughtBy: answered,
    reads: /throws an error for a duplicate key\. That's a defect/,
  },
  {
    name: 'a 503 for every error that the driver itself throws',
    patch: { 'outage.ts': `
-import { MongoNetworkError, MongoServerSelectionError } from 'mongodb';
+import { MongoError, MongoServerError } from 'mongodb';
@@${isOutage}\
+  return error instanceof MongoError && !(error instanceof MongoServerError);
` },
    caughtBy: answered,
    reads: /throws an error for a wrong argument\. That's a defect/,
    aside: true,
  },
  {
    name: 'the session destroyed',
    patch: { 'outage.ts': `
-  Reflect.deleteProperty(req, 'session');
+  Reflect.get(req, 'session')?.destroy(() => undefined);
` },
    caughtBy: answered,
    reads: /The database answers again, and Ada's GET \/account still answers with status 302/,
    aside: true,
  },
  {
    name: 'a 503 when no server is found only',
    patch: { 'outage.ts': `${isOutage}\
+  return error instanceof MongoServerSelectionError;
` },
    caughtBy: answered,
    reads: /The driver gave up \(silence\), and GET \/ answered with status 500/,
  },
  {
    name: 'a 503 when the network fails only',
    patch: { 'outage.ts': `${isOutage}\
+  return error instanceof MongoNetworkError;
` },
    caughtBy: answered,
    reads: /The driver gave up \(no server\), and GET \/ answered with status 500/,
  },
  {
    name: 'a page in place of an error',
    patch: { 'outage.ts': `${answer}\
+  res.set('Retry-After', '5').type('text').send('Please try again in a moment.');
` },
    caughtBy: silent,
    reads: /answered with status 200.*reports the failure with a success status/,
    aside: true,
  },
  {
    name: 'no Retry-After',
    patch: { 'outage.ts': `${answer}\
+  res.status(503).type('text').send('Please try again in a moment.');
` },
    caughtBy: answered,
    reads: /without a Retry-After/,
  },
  {
    name: 'a Retry-After with a unit',
    patch: { 'outage.ts': `${answer}\
+  res.status(503).set('Retry-After', '5s').type('text').send('Please try again in a moment.');
` },
    caughtBy: answered,
    reads: /with Retry-After: 5s.*in whole seconds/,
  },
  {
    name: 'a Retry-After in milliseconds',
    patch: { 'outage.ts': `${answer}\
+  res.status(503).set('Retry-After', '5000').type('text').send('Please try again in a moment.');
` },
    caughtBy: answered,
    reads: /with Retry-After: 5000.*a few, not thousands/,
    aside: true,
  },
  {
    name: 'the error shown to the visitor',
    patch: { 'outage.ts': `${answer}\
+  res.status(503).set('Retry-After', '5').type('text').send(String(error));
` },
    caughtBy: answered,
    reads: /shows the error: ".*That's for the log/,
  },
  {
    name: 'the error handler above the routes',
    patch: { 'app.ts': `
   app.use(session(sessionOptions(settings)));
+  app.use(outage);
@@
-  app.use(outage);
-
   /** Gives this browser a new session with a new login, and redirects to the account. */
` },
    caughtBy: answered,
    reads: /does app\.use\(outage\) stand below all routes/,
  },
  {
    name: 'an outage that never ends',
    patch: {
      'app.ts': `
   app.use(httpsOnly);
+  app.use((req, res, next) => {
+    if (app.locals.isAway) return res.status(503).set('Retry-After', '5').send('Away');
+    next();
+  });
`,
      'outage.ts': `${answer}\
+  req.app.locals.isAway = true;
+  res.status(503).set('Retry-After', '5').type('text').send('Please try again in a moment.');
`,
    },
    caughtBy: silent,
    reads: /The database answers again, and Ada's GET \/account still answers with status 503/,
    aside: true,
  },
  {
    name: 'no /health',
    patch: { 'app.ts': health },
    caughtBy: answered,
    reads: /GET \/health answered with status 403/,
  },
  {
    name: '/health below httpsOnly',
    patch: { 'app.ts': healthBelow('app.use(httpsOnly);') },
    caughtBy: answered,
    reads: /GET \/health answered with status 403.*above httpsOnly and the session/,
  },
  {
    name: '/health below the session',
    patch: { 'app.ts': `${healthBelow('app.use(session(sessionOptions(settings)));')}\
@@
-  app.use(httpsOnly);
@@
   app.get('/', (req, res) => {
+    if (!req.secure) return res.sendStatus(403);
` },
    caughtBy: answered,
    reads: /GET \/health (was still unanswered after 2 s|answered with status 5)/,
  },
  {
    name: '/health asks the database',
    patch: { 'app.ts': healthAsks("db('admin').command({ ping: 1 })") },
    caughtBy: answered,
    reads: /GET \/health (was still unanswered after 2 s|answered with status 5).*A silent database is no reason/,
  },
  {
    name: '/health asks the database, and is well whatever it says',
    patch: {
      'app.ts': healthAsks(
        "db().collection('logins').countDocuments().catch(() => undefined)",
      ),
    },
    caughtBy: answered,
    reads: /GET \/health was still unanswered after 2 s.*A silent database is no reason/,
  },
  {
    name: '/health looks for a session, and is well whatever becomes of it',
    patch: {
      'app.ts': healthAsks(
        "db().collection('sessions').find({}).toArray().catch(() => undefined)",
      ),
    },
    caughtBy: answered,
    reads: /GET \/health was still unanswered after 2 s.*A silent database is no reason/,
  },
  {
    name: '/health counts as a visit',
    patch: { 'app.ts': `
-  app.get('/health', (req, res) => {
-    res.send('ok');
+  app.get('/health', session({ ...sessionOptions(settings), saveUninitialized: true,
+    store: new session.MemoryStore() }), (req, res) => {
+    req.session.visits = 1;
+    req.session.cookie.secure = false;
+    res.send('ok');
` },
    caughtBy: answered,
    reads: /GET \/health set a cookie/,
  },
  {
    name: 'the sessions in memory again',
    patch: { 'session.ts': `
-import MongoStore from 'connect-mongo';
@@
-    store: MongoStore.create({
-      client,
-      ttl: ONE_HOUR_IN_SECONDS,
-    }),
` },
    caughtBy: killed,
    reads: /Ada logged in at one of two processes, and it was killed/,
    aside: true,
  },
  {
    name: 'endGently() never called',
    patch: { 'index.ts': `
-endGently(server, client);
` },
    caughtBy: deployed,
    reads: /She never got an answer, and the process has ended.*is endGently\(\) given the server/,
    aside: true,
  },
  {
    name: 'an exit at once',
    patch: { 'ending.ts': `${handlers}\
+  process.once('SIGTERM', () => process.exit(0));
+  process.once('SIGINT', () => process.exit(0));
` },
    caughtBy: deployed,
    reads: /She never got an answer, and the process has ended/,
    aside: true,
  },
  {
    name: 'an end that the server does not have',
    patch: { 'ending.ts': `
-    server.close();
+    Reflect.get(server, 'shutdown')();
` },
    caughtBy: deployed,
    reads: /has ended \(1\)\. It printed: "TypeError: .* is not a function" An error that nobody/,
    aside: true,
  },
  {
    name: 'all connections cut at once',
    patch: { 'ending.ts': `${closing}\
+    server.closeAllConnections();
+    const deadline = setTimeout(() => undefined, 0);
` },
    caughtBy: deployed,
    reads: /She never got an answer/,
    aside: true,
  },
  {
    name: 'a deadline of a second',
    patch: { 'ending.ts': `
-const FIVE_SECONDS_IN_MS = 5000;
+const FIVE_SECONDS_IN_MS = 1000;
` },
    caughtBy: deployed,
    reads: /She never got an answer.*wait for the server's `close`, up to five seconds/,
    aside: true,
  },
  {
    name: 'the client closed before the last answer',
    patch: { 'ending.ts': `${lastAnswer}\
+    await client.close();
+    await once(server, 'close');
` },
    caughtBy: deployed,
    reads: /A request in progress still needs the database/,
    aside: true,
  },
  {
    name: 'new connections taken until the end',
    patch: { 'ending.ts': `
-    server.close();
${closing.slice(1)}${lastAnswer.slice(1)}\
-    clearTimeout(deadline);
+    await new Promise((resolve) => setTimeout(resolve, 6 * FIVE_SECONDS_IN_MS));
+    server.close();
+    server.closeAllConnections();
` },
    caughtBy: deployed,
    reads: /Two seconds later it still took new connections/,
    aside: true,
  },
  {
    name: 'no deadline for kept connections',
    patch: { 'ending.ts': `${closing}\
+    const deadline = setTimeout(() => { server.closeIdleConnections(); }, FIVE_SECONDS_IN_MS);
` },
    caughtBy: deployed,
    reads: /Ten seconds later the process was still running.*your visitors decide how long that is/,
    aside: true,
  },
  {
    name: 'the client left open',
    patch: { 'ending.ts': `
-    await client.close();
` },
    caughtBy: deployed,
    reads: /Ten seconds later the process was still running.*is the client closed/,
    aside: true,
  },
  {
    name: 'an exit code that looks like a crash',
    patch: { 'ending.ts': `
-    await client.close();
+    process.exit(1);
` },
    caughtBy: deployed,
    reads: /ended with exit code 1.*looks like a crash/,
    aside: true,
  },
  {
    name: 'an exit at once at SIGINT',
    patch: { 'ending.ts': `
-  process.once('SIGINT', () => void end());
+  process.once('SIGINT', () => process.exit(0));
` },
    caughtBy: interrupted,
    reads: /in progress when SIGINT came\. She never got an answer.*It's what Ctrl-C sends/,
    aside: true,
  },
  {
    name: 'SIGINT forgotten',
    patch: { 'ending.ts': `${handlers}\
+  process.once('SIGTERM', () => void end());
` },
    caughtBy: interrupted,
    reads: /in progress when SIGINT came\. She never got an answer/,
    aside: true,
  },
  {
    name: 'a deadline that is never cleared',
    patch: { 'ending.ts': `
-    const deadline = setTimeout(() => { server.closeAllConnections(); }, FIVE_SECONDS_IN_MS);
+    setTimeout(() => { server.closeAllConnections(); }, FIVE_SECONDS_IN_MS);
@@
-    clearTimeout(deadline);
` },
    caughtBy: interrupted,
    reads: /every connection was closed, and 3 s later the process still runs.*unref\(\)/,
    aside: true,
  },
  {
    name: 'a secret that nobody checks any more',
    patch: { 'index.ts': `
-if (!SESSION_SECRET) stop('SESSION_SECRET is not set. Set it to a long random value.');
@@
-const server = createApp({ client, secret: SESSION_SECRET }).listen(port, (error) => {
+const server = createApp({ client, secret: SESSION_SECRET! }).listen(port, (error) => {
` },
    caughtBy: "index.ts doesn't start without a SESSION_SECRET",
    reads: /SESSION_SECRET wasn't set, and index\.ts listens all the same/,
    aside: true,
  },
  noRenewal('login'),
  {
    name: 'requests that still come in during the shutdown get a 503',
    patch: { 'ending.ts': `
-    // Connections that are kept alive may bring one more request each.
-    server.prependListener('request', (req, res) => res.setHeader('Connection', 'close'));
+    // Connections that are kept alive may bring one more request each: it's for other processes.
+    server.removeAllListeners('request');
+    server.on('request', (req, res) => {
+      res.writeHead(503, { 'Connection': 'close', 'Retry-After': '1' });
+      res.end('This server is restarting.');
+    });
     server.close();
` },
    caughtBy: deployed,
    reads: /over a connection that was kept alive, and got status 503/,
    aside: true,
  },
  {
    name: 'a 503 when the connection is silent, but not when it breaks',
    patch: { 'outage.ts': `
-import { MongoNetworkError, MongoServerSelectionError } from 'mongodb';
+import { MongoNetworkTimeoutError, MongoServerSelectionError } from 'mongodb';
@@
-  return error instanceof MongoNetworkError || error instanceof MongoServerSelectionError;
+  return error instanceof MongoNetworkTimeoutError || error instanceof MongoServerSelectionError;
` },
    caughtBy: answered,
    reads: /The driver gave up \(a broken connection\), and GET \/ answered with status 500/,
  },
];

export const right: RightAnswer[] = [
  {
    name: 'other deadlines, and a client that is built first',
    patch: { 'index.ts': `${deadlines}\
+  heartbeatFrequencyMS: 500,
+  connectTimeoutMS: 1200,
+  socketTimeoutMS: 1600,
+  serverSelectionTimeoutMS: 1400,
@@
-const client = await MongoClient.connect(MONGO_URL, deadlines).catch((error: unknown) => {
+const client = new MongoClient(MONGO_URL, deadlines);
+await client.connect().catch((error: unknown) => {
` },
    aside: true,
  },
  {
    name: 'outages told by their names',
    patch: { 'outage.ts': `
-import { MongoNetworkError, MongoServerSelectionError } from 'mongodb';
@@${isOutage}\
+  return error instanceof Error && /^Mongo(Network|ServerSelection)/.test(error.name);
` },
    aside: true,
  },
  {
    name: 'a page, and a date to try again at',
    patch: { 'outage.ts': `${answer}\
+  res.status(503).set('Retry-After', new Date(Date.now() + 5000).toUTCString());
+  res.send('<h1>Please try again in a moment</h1>');
` },
    aside: true,
  },
  {
    name: '/health with a 204, and on a router of its own',
    patch: { 'app.ts': `${health}\
+  const health = express.Router();
+  health.get('/health', (req, res) => res.status(204).end());
+  app.use(health);
+
` },
  },
  {
    name: 'an exit in the end',
    patch: { 'ending.ts': `
-    await client.close();
+    await client.close();
+    process.exit(0);
` },
    aside: true,
  },
  {
    name: 'callbacks, and a shorter deadline',
    patch: { 'ending.ts': `
-import { once } from 'node:events';
@@
-  async function end() {
+  function end() {
@@
-    server.close();
${closing.slice(1)}${lastAnswer.slice(1)}\
-    clearTimeout(deadline);
-    // Nothing keeps the process running any more.
-    await client.close();
+    server.close(() => void client.close());
+    setTimeout(() => { server.closeAllConnections(); }, 4000).unref();
` },
    aside: true,
  },
  {
    name: 'one handler for both signals, in index.ts',
    patch: { 'index.ts': `
-import { endGently } from './ending.ts';
@@
-endGently(server, client);
+for (const signal of ['SIGINT', 'SIGTERM']) {
+  process.on(signal, () => {
+    server.close(() => client.close().then(() => process.exit()));
+    setTimeout(() => server.closeAllConnections(), 4000).unref();
+  });
+}
` },
    aside: true,
  },
];
