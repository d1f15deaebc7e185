import type { RightAnswer, WrongAnswer } from './answer.ts';

const home = 'GET / answers Hello World';
const notFound = 'any other path is a 404';
const onPort = 'index.ts listens on PORT';
const defaultPort = 'without PORT it listens on 4000';
const emptyPort = 'an empty PORT counts as missing';
const takenPort = 'a PORT that is taken ends it with a sentence';
const noPort = "a PORT that isn't a port number ends it too";

const listen = `
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'no route',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    res.send('Hello World');
-  });
` },
    caughtBy: home,
    reads: /GET \/ answered with status 404 instead of 200\. Express knows what to do .* only where/,
  },
  {
    name: 'a route for POST',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  app.post('/', (req, res) => {
` },
    caughtBy: home,
    reads: /status 404 instead of 200.*app\.get\('\/', …\)/,
  },
  {
    name: 'a handler that returns the text',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    return 'Hello World';
` },
    aside: true,
    caughtBy: home,
    reads: /GET \/ got no answer within 2 s\. Express doesn't send what a handler returns/,
  },
  {
    name: 'a handler that only logs',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    console.log('Hello World');
` },
    aside: true,
    caughtBy: home,
    reads: /GET \/ got no answer within 2 s\..*every path through a handler has/,
  },
  {
    name: 'a promise that is never fulfilled',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  app.get('/', async (req, res) => {
+    await new Promise(() => undefined);
` },
    aside: true,
    caughtBy: home,
    reads: /GET \/ got no answer within 2 s/,
  },
  {
    name: 'a loop that never ends in the handler',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    let found = false;
+    while (!found) found = Date.now() < 0;
+    res.send('Hello World');
` },
    aside: true,
    caughtBy: home,
    reads: /GET \/ kept your server busy: nothing else has run.*Line steps\/01-hello-express\/app\.ts:8/,
  },
  {
    name: 'a loop that never ends while app.ts is read',
    patch: { 'app.ts': `
 import express, { type Express } from 'express';
+
+while (Date.now() > 0);
` },
    aside: true,
    caughtBy: home,
    reads: /app\.ts kept your server busy.*Line steps\/01-hello-express\/app\.ts:3/,
  },
  {
    name: 'process.exit() in the handler',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    process.exit(1);
` },
    caughtBy: home,
    reads: /Your server stopped: process\.exit\(1\) was called\..*Line steps\/01-hello-express\/app\.ts:7/,
  },
  {
    name: 'an exception in a timer',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    setTimeout(() => {
+      throw new Error('too late');
+    }, 1);
` },
    caughtBy: home,
    reads: /Your server stopped: too late\..*out of Express's reach.*app\.ts:8/,
  },
  {
    name: 'an exception after the answer',
    patch: { 'app.ts': `
     res.send('Hello World');
+    process.nextTick(() => { throw new Error('after all'); });
` },
    caughtBy: home,
    reads: /Your server stopped: after all/,
  },
  {
    name: 'a name that does not exist',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    response.send('Hello World');
` },
    caughtBy: home,
    reads: /status 500: ReferenceError: response is not defined.*Line steps\/01-hello-express\/app\.ts:7/,
  },
  {
    name: 'the parameters swapped',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  app.get('/', (res, req) => {
` },
    caughtBy: home,
    reads: /res\.send is not a function\..* request first .*in the order \(req, res\).*app\.ts:7/,
  },
  {
    name: 'another text',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    res.send('It works!');
` },
    caughtBy: home,
    reads: /GET \/ answered "It works!"\. There's no Hello World in it\. The text you/,
  },
  {
    name: 'another status',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    res.status(201).send('Hello World');
` },
    caughtBy: home,
    reads: /GET \/ answered with status \d+ instead of \d+\. \d+ means that the/,
  },
  {
    name: 'middleware for all paths instead of a route',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  app.use((req, res) => {
` },
    caughtBy: notFound,
    reads: /GET \/no-such-page answered with status 200 instead of 404.*app\.use\(…\) answers all/,
  },
  {
    name: 'a star in the path, as in Express 4',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  app.get('*', (req, res) => {
` },
    caughtBy: home,
    reads: /Express can't read the path of a route.*Since Express 5.*Line steps\/01-hello-express\/app\.ts:6/,
  },
  {
    name: 'listen() in createApp()',
    patch: { 'app.ts': `
+  app.listen(4000);
   return app;
` },
    caughtBy: home,
    reads: /A port was opened.*index\.ts makes it listen.*does it call listen\(\)/,
  },
  {
    name: 'listen() while app.ts is read',
    patch: { 'app.ts': `
   return app;
 }
+
+createApp().listen(process.env.PORT ?? 4000);
` },
    caughtBy: home,
    reads: /A port was opened while app\.ts was loading/,
  },
  {
    name: 'no return',
    patch: { 'app.ts': `
-  return app;
` },
    caughtBy: home,
    reads: /createApp\(\) returned nothing\..*does createApp\(\) end with `return app`/,
  },
  {
    name: 'a server instead of the app',
    patch: { 'app.ts': `
-import express, { type Express } from 'express';
+import { createServer } from 'node:http';
+import express from 'express';
@@
-export function createApp(): Express {
+export function createApp() {
@@
-  return app;
+  return createServer(app);
` },
    caughtBy: home,
    reads: /createApp\(\) returned a server, not an Express app/,
  },
  {
    name: 'a promise of an app that never comes',
    patch: { 'app.ts': `
-export function createApp(): Express {
+export async function createApp(): Promise<Express> {
   const app = express();
+  await new Promise(() => undefined);
` },
    aside: true,
    caughtBy: home,
    reads: /createApp\(\) returned a promise that wasn't fulfilled within 2 s/,
  },
  {
    name: 'a top-level await that never ends',
    patch: { 'app.ts': `
 import express, { type Express } from 'express';
+
+await new Promise(() => undefined);
` },
    aside: true,
    caughtBy: home,
    reads: /app\.ts didn't finish loading within 3 s.*outside all functions/,
  },
  {
    name: 'createApp() not exported',
    patch: { 'app.ts': `
-export function createApp(): Express {
+function createApp(): Express {
` },
    caughtBy: home,
    reads: /app\.ts exports no createApp.*does it say `export function createApp\(\)`/,
  },
  {
    name: 'only a default export',
    patch: { 'app.ts': `
-export function createApp(): Express {
+export default function createApp(): Express {
` },
    caughtBy: home,
    reads: /app\.ts exports default, but no createApp/,
  },
  {
    name: 'a bracket that is not closed',
    patch: { 'app.ts': `
-    res.send('Hello World');
-  });
+    res.send('Hello World');
+  };
` },
    caughtBy: home,
    reads: /app\.ts can't be read: line 8: Expected "\)" but found ";".*Line steps\/01-hello-express\/app\.ts:8/,
  },
  {
    name: 'a package that is not installed',
    patch: { 'app.ts': `
 import express, { type Express } from 'express';
+import helmet from 'helmet';
` },
    caughtBy: home,
    reads: /The package helmet is imported, but it isn't installed\..*npm install helmet/,
  },
  {
    name: 'a file that is not there',
    patch: { 'app.ts': `
 import express, { type Express } from 'express';
+import { greeting } from './greeting.ts';
` },
    caughtBy: home,
    reads: /The file greeting\.ts is imported, but there's no such file/,
  },
  {
    name: 'a type imported as a value',
    patch: { 'app.ts': `
-import express, { type Express } from 'express';
+import express, { Express } from 'express';
` },
    caughtBy: home,
    reads: /Express is imported, but nothing with that name is exported there.*import \{ type Express \}/,
  },
  {
    name: 'import * as express',
    patch: { 'app.ts': `
-import express, { type Express } from 'express';
+import * as express from 'express';
+import type { Express } from 'express';
` },
    caughtBy: home,
    reads: /express was called, but what's imported .* isn't a function.*without the star/,
  },
  {
    name: 'require()',
    patch: { 'app.ts': `
-import express, { type Express } from 'express';
+import type { Express } from 'express';
+const express = require('express');
` },
    caughtBy: home,
    reads: /require isn't defined.*These files are ES modules/,
  },
  {
    name: 'an error while the app is built',
    patch: { 'app.ts': `
   const app = express();
+  app.use(undefined as never);
` },
    caughtBy: home,
    reads: /createApp\(\) failed: .*middleware.*Line steps\/01-hello-express\/app\.ts:5/,
  },
  {
    name: 'index.ts never listens',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+createApp();
+console.log(\`Server running on port \${port}\`);
` },
    caughtBy: onPort,
    reads: /index\.ts ended \(exit code 0\) without listening\. It printed: "Server running/,
  },
  {
    name: 'a port of its own',
    patch: { 'index.ts': `
-const { PORT } = process.env;
+const PORT = '4000';
` },
    caughtBy: onPort,
    reads: /PORT was \d+, but the app asked for port \d+\. Whether an app runs on/,
  },
  {
    name: 'the port behind the callback',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
+createApp().listen((error) => {
@@
-});
+}, port);
` },
    caughtBy: onPort,
    reads: /listen\(\) got a function where the port belongs\. The port comes first/,
  },
  {
    name: 'an empty PORT handed on as it is',
    patch: { 'index.ts': `
-const { PORT } = process.env;
-const port = Number(PORT || 4000);
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
-}
+const port = process.env.PORT ?? 4000;
` },
    caughtBy: emptyPort,
    reads: /PORT was empty, as in `PORT=`, but the app asked for port "" \(an empty string\)\. Whether/,
  },
  {
    name: 'another default port',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
+const port = Number(PORT || 3000);
` },
    caughtBy: defaultPort,
    reads: /PORT wasn't set, but the app asked for port \d+\. Whether an app runs on/,
  },
  {
    name: 'no default port',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
+const port = Number(PORT);
` },
    caughtBy: defaultPort,
    reads: /PORT wasn't set, and index\.ts ended \(exit code \d+\) without listening\. It/,
  },
  {
    name: 'a default that an empty PORT does not get',
    patch: { 'index.ts': `
-const { PORT } = process.env;
-const port = Number(PORT || 4000);
+const { PORT = '4000' } = process.env;
+const port = Number(PORT);
` },
    caughtBy: emptyPort,
    reads: /PORT was empty, as in `PORT=`, and index\.ts ended \(exit code \d+\) without/,
  },
  {
    name: 'an empty PORT taken for port 0',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
+const port = Number(PORT ?? 4000);
+if (!Number.isInteger(port) || port < 0 || port > 65535) {
` },
    caughtBy: emptyPort,
    reads: /PORT was empty, as in `PORT=`, but the app asked for port \d+\. Whether an/,
  },
  {
    name: 'no line that says that it runs',
    patch: { 'index.ts': `
-  console.log(\`Server running on port \${port}\`);
` },
    aside: true,
    caughtBy: onPort,
    reads: /index\.ts listens but didn't print "Server running on port \d+"\. It/,
  },
  {
    name: 'another app listens',
    patch: { 'index.ts': `
-import { createApp } from './app.ts';
+import express from 'express';
@@
-createApp().listen(port, (error) => {
+express().listen(port, (error) => {
` },
    caughtBy: onPort,
    reads: /index\.ts listens, but GET \/ on its port doesn't answer Hello World\./,
  },
  {
    name: 'a syntax error in index.ts',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
+const port = Number(PORT || 4000;
` },
    caughtBy: onPort,
    reads: /index\.ts can't be read: line 4: Expected "\)" but found ";".*Line steps\/01-hello-express\/index\.ts:4/,
  },
  {
    name: 'an exception in index.ts',
    patch: { 'index.ts': `
 const port = Number(PORT || 4000);
+console.log(settings.port);
` },
    caughtBy: onPort,
    reads: /ended \(exit code 1\) .*ReferenceError: settings is not defined.*Line steps\/01-hello-express\/index\.ts:5/,
  },
  {
    name: 'an address that this machine has not',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
+createApp().listen(port, '203.0.113.7', (error) => {
` },
    caughtBy: onPort,
    reads: /index\.ts asked for port \d+ and then ended\. It printed: "Cannot listen/,
  },
  {
    name: 'the error of listen() ignored',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+createApp().listen(port, () => {
` },
    caughtBy: takenPort,
    reads: /PORT was taken by another server, and index\.ts printed "Server running.*In Express 5/,
  },
  {
    name: 'the line printed before it listens',
    patch: { 'index.ts': `
+console.log(\`Server running on port \${port}\`);
 createApp().listen(port, (error) => {
   if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
 });
` },
    caughtBy: takenPort,
    reads: /PORT was taken by another server, and index\.ts printed ".*all the same/,
  },
  {
    name: 'the error only logged',
    patch: { 'index.ts': `
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  if (error) return console.error(error.message);
` },
    caughtBy: takenPort,
    reads: /index\.ts ended with exit code 0, as if all were well.*does it call stop\(\)\?/,
  },
  {
    name: 'exit code 0',
    patch: { 'index.ts': `
-  process.exit(1);
+  process.exit(0);
` },
    caughtBy: takenPort,
    reads: /ended with exit code 0, as if all were well/,
  },
  {
    name: 'an end without a word',
    patch: { 'index.ts': `
-  console.error(reason);
` },
    caughtBy: takenPort,
    reads: /ended without a word about PORT\. It printed nothing/,
  },
  {
    name: 'another try at a taken port, forever',
    patch: { 'index.ts': `
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  if (error) {
+    setInterval(() => undefined, 1000);
+    return;
+  }
` },
    aside: true,
    caughtBy: takenPort,
    reads: /PORT was taken by another server, and index\.ts neither listened nor/,
  },
  {
    name: 'another port instead of a wrong one',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
-}
+const port = Number(PORT) || 4000;
` },
    caughtBy: noPort,
    reads: /PORT was "\d+O", and the app asked for port \d+\. That's a typo\./,
  },
  {
    name: 'PORT passed on as a text',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
-}
+const port = PORT || 4000;
` },
    caughtBy: noPort,
    reads: /PORT was "\d+O", and the app asked for a socket file named "\d+O"\. That's/,
  },
  {
    name: 'PORT not looked at',
    patch: { 'index.ts': `
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
-}
` },
    caughtBy: noPort,
    reads: /PORT was "\d+O", and index\.ts ended with an error: "RangeError.*Line steps\/01-hello-express\/index\.ts/,
  },
  {
    name: 'two servers on one port',
    patch: { 'index.ts': `
+createApp().listen(port);
 createApp().listen(port, (error) => {
` },
    caughtBy: onPort,
    reads: /index\.ts listened, and then it ended \(exit code \d+\)\. It printed: "Cannot/,
  },
  {
    name: 'app.ts listens by itself unless NODE_ENV is test',
    patch: { 'app.ts': `
+  if (process.env.NODE_ENV !== 'test') app.listen(process.env.PORT || 4000);
   return app;
` },
    caughtBy: onPort,
    reads: /index\.ts listened, and then it ended \(exit code \d+\)\. It printed: "Cannot/,
  },
  {
    name: 'only a taken port is an error of listen()',
    patch: { 'index.ts': `
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  if (error && 'code' in error && error.code === 'EADDRINUSE') stop(\`Port \${port} is taken.\`);
` },
    caughtBy: takenPort,
    reads: /The system didn't allow index\.ts to listen on PORT \(EACCES\), and index\.ts printed "Server/,
  },
  {
    name: 'a server that closes again',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
+const server = createApp().listen(port, (error) => {
@@
   console.log(\`Server running on port \${port}\`);
+  server.close();
` },
    caughtBy: onPort,
    reads: /index\.ts listened, and then it ended \(exit code \d+\)\. It printed: "Server/,
  },
  {
    name: 'a server for one visitor',
    patch: { 'index.ts': `
-import { createApp } from './app.ts';
+import { createServer } from 'node:http';
+import { createApp } from './app.ts';
@@${listen}+const app = createApp();
+const server = createServer((req, res) => {
+  res.on('finish', () => { server.close(); });
+  app(req, res);
+});
+server.on('error', (error) => stop(error.message));
+server.listen(port, () => { console.log(\`Server running on port \${port}\`); });
` },
    caughtBy: onPort,
    reads: /index\.ts listened, and then it ended \(exit code \d+\)\. It printed: "Server/,
  },
  {
    name: 'a body that only the first visitor gets',
    patch: { 'app.ts': `
   const app = express();
+  const words = ['Hello World'];
@@
-    res.send('Hello World');
+    res.send(words.shift() ?? '');
` },
    caughtBy: home,
    reads: /GET \/ answered "" when the second visitor came\. There's no Hello World in/,
  },
  {
    name: 'the source served as static files',
    patch: { 'app.ts': `
   const app = express();
+  app.use(express.static(import.meta.dirname));
` },
    caughtBy: notFound,
    reads: /GET \/app\.ts answered with status \d+ instead of \d+\. Anyone can read your code,/,
  },
  {
    name: 'the whole folder served as static files',
    patch: { 'app.ts': `
   const app = express();
+  app.use(express.static('.'));
` },
    caughtBy: notFound,
    reads: /GET \/package\.json answered with status \d+ instead of \d+\. Anyone can read your/,
  },
  {
    name: 'a download',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    res.send(Buffer.from('Hello World'));
` },
    caughtBy: home,
    reads: /GET \/ answered with the type application\/octet-stream: the browser saves/,
  },
  {
    name: 'an attachment',
    patch: { 'app.ts': `
-    res.send('Hello World');
+    res.attachment('hello.txt').send('Hello World');
` },
    caughtBy: home,
    reads: /GET \/ answered with the type attachment: the browser saves that as a/,
  },
  {
    name: 'NaN looked at, and nothing else',
    patch: { 'index.ts': `
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
+if (Number.isNaN(port)) {
` },
    caughtBy: noPort,
    reads: /PORT was "\d+", and index\.ts ended with an error: "RangeError/,
  },
  {
    name: 'a PORT cut to what looks like a number',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
+const port = parseInt(PORT || '4000', 10);
` },
    caughtBy: noPort,
    reads: /PORT was "\d+O", and the app asked for port \d+\. That's a typo\./,
  },
  {
    name: 'a PORT that is too large brought down to size',
    patch: { 'index.ts': `
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
+if (port > 65535) {
+  console.log('That port is too large, taking 4000.');
+  process.env.PORT = '';
+  createApp().listen(4000);
+} else if (!Number.isInteger(port) || port < 1) {
` },
    caughtBy: noPort,
    reads: /PORT was "\d+", and the app asked for port \d+\. That's a typo\./,
  },
  {
    name: 'the next port instead of a taken one',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+const app = createApp();
+app.listen(port, (error) => {
+  if (error) app.listen(port + 1, () => { console.log(\`Server running on port \${port + 1}\`); });
+  else console.log(\`Server running on port \${port}\`);
+});
` },
    caughtBy: takenPort,
    reads: /taken by another server, and index\.ts listens all the same\. .* chooses its port/,
  },
  {
    name: 'a stop() that refuses every PORT',
    patch: { 'index.ts': `
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
+if (typeof PORT !== 'number') {
` },
    caughtBy: onPort,
    reads: /PORT was \d+, and index\.ts ended \(exit code \d+\) without listening\. It printed:/,
  },
  {
    name: 'a route below return app',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    res.send('Hello World');
-  });
-
   return app;
+  app.get('/', (req, res) => {
+    res.send('Hello World');
+  });
` },
    caughtBy: home,
    reads: /GET \/ answered with status \d+ instead of \d+\. Express knows what to do/,
  },
  {
    name: 'written and never ended',
    aside: true,
    patch: { 'app.ts': `
-    res.send('Hello World');
+    res.write('Hello World');
` },
    caughtBy: home,
    reads: /GET \/ got no answer within \d+ s\. Express doesn't send what a handler returns, and a/,
  },
  {
    name: 'a listen() at the top of app.ts, and no createApp',
    files: { 'app.ts': `import express from 'express';

const app = express();
app.get('/', (req, res) => { res.send('Hello World'); });
app.listen(process.env.PORT || 4000, () => { console.log('Server running'); });
` },
    caughtBy: home,
    reads: /app\.ts exports no createApp\. index\.ts and the tests build the app by/,
  },
  {
    name: 'a wait inside the handler, by Atomics',
    aside: true,
    patch: { 'app.ts': `
-    res.send('Hello World');
+    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
+    res.send('Hello World');
` },
    caughtBy: home,
    reads: /GET \/ kept your server busy: nothing else has run for a long time\. JavaScript does/,
  },
  {
    name: 'errors that are caught and logged',
    patch: { 'index.ts': `
 const { PORT } = process.env;
+process.on('uncaughtException', (error) => { console.error(error.message); });
@@
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  if (error) throw error;
` },
    caughtBy: takenPort,
    reads: /PORT was taken by another server, and index\.ts ended with exit code \d+, as/,
  },
  {
    name: 'a server that listens a while later, and says so at once',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+console.log(\`Server running on port \${port}\`);
+setTimeout(() => {
+  createApp().listen(port, (error) => {
+    if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  });
+}, 100);
` },
    caughtBy: takenPort,
    reads: /PORT was taken by another server, and index\.ts printed "Server running"/,
  },
  {
    name: 'a page that loads forever after its text',
    aside: true,
    patch: { 'app.ts': `
-    res.send('Hello World');
+    res.set('Content-Length', '500').write('Hello World');
` },
    caughtBy: home,
    reads: /GET \/ got no answer within \d+ s\. Express doesn't send what a handler returns, and a/,
  },
  {
    name: 'one app for all',
    patch: { 'app.ts': `
+const app = express();
+
 export function createApp(): Express {
-  const app = express();
@@
-  app.get('/', (req, res) => {
-    res.send('Hello World');
-  });
+  let asked = false;
+  app.get('/', (req, res, next) => {
+    if (asked) return next();
+    asked = true;
+    res.send('Hello World');
+  });
` },
    caughtBy: home,
    reads: /GET \/ answered with status \d+ instead of \d+ when the second visitor/,
  },
  {
    name: 'req.url compared with /',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
+  app.use((req, res, next) => {
+    if (req.url !== '/') return next();
` },
    caughtBy: home,
    reads: /GET \/\?from=mail answered with status 404 .*The query, which .* isn't part of the path/,
  },
  {
    name: 'a page for a 404 that shows the path as HTML',
    patch: { 'app.ts': `
     res.send('Hello World');
   });
+  app.use((req, res) => {
+    const path = decodeURIComponent(req.path);
+    res.status(404).send(\`<h1>Not found</h1><p>There is no \${path} here.</p>\`);
+  });
` },
    caughtBy: notFound,
    reads: /The HTML that answered GET \/%3C.* holds <script>.*or it's code/,
  },
  {
    name: 'the limits of PORT are compared as text',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
+const text = PORT || '4000';
+const port = Number(text);
+if (!Number.isInteger(port) || text < '1' || text > '65535') {
   stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
 }
` },
    caughtBy: takenPort,
    reads: /PORT was "8080", and index\.ts ended without asking for that port/,
  },
  {
    name: 'ports below 1024 are refused, because they need root',
    patch: { 'index.ts': `
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
+// The ports below 1024 belong to the system.
+if (!Number.isInteger(port) || port < 1024 || port > 65535) {
+  stop(\`PORT must be a number from 1024 to 65535, not "\${PORT}".\`);
 }
` },
    caughtBy: takenPort,
    reads: /PORT was "80", and index\.ts ended without asking.*It printed: "PORT must be/,
  },
];

export const right: RightAnswer[] = [
  { name: 'the solution' },
  {
    name: 'an arrow function',
    patch: { 'app.ts': `
-export function createApp(): Express {
+export const createApp = (): Express => {
@@
   return app;
-}
+};
` },
  },
  {
    name: 'a process of its own, which shares its output and lives for ten minutes',
    patch: { 'index.ts': `
+import { spawn } from 'node:child_process';
 import { createApp } from './app.ts';
@@
 const { PORT } = process.env;
+spawn(process.execPath, ['--eval', 'setTimeout(() => {}, 600_000)'], { stdio: 'inherit' });
` },
  },
  {
    name: 'an async createApp(), awaited',
    patch: {
      'app.ts': `
-export function createApp(): Express {
+export async function createApp(): Promise<Express> {
`,
      'index.ts': `
-createApp().listen(port, (error) => {
+(await createApp()).listen(port, (error) => {
`,
    },
  },
  {
    name: 'an async handler, and JSON',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    res.send('Hello World');
+  app.get('/', async (req, res) => {
+    res.json({ message: await Promise.resolve('Hello World') });
` },
  },
  {
    name: 'HTML, a logger, security headers, another route and a 404 page',
    patch: { 'app.ts': `
   const app = express();
+  app.disable('x-powered-by');
+  app.use((req, res, next) => {
+    res.setHeader('Content-Security-Policy', "default-src 'self'");
+    res.on('finish', () => { if (res.statusCode > 599) console.log(req.method, req.url); });
+    next();
+  });
+  app.get('/health', (req, res) => { res.sendStatus(204); });
@@
-    res.send('Hello World');
+    res.type('html').send('<!doctype html><h1>Hello, world!</h1>');
@@
+  app.use((req, res) => { res.status(404).send('Nothing here.'); });
   return app;
` },
  },
  {
    name: 'a router, and res.end()',
    patch: { 'app.ts': `
-  app.get('/', (req, res) => {
-    res.send('Hello World');
-  });
+  const router = express.Router();
+  router.route('/').get((req, res) => { res.type('text').end('Hello World\\n'); });
+  app.use('/', router);
` },
  },
  {
    name: 'a 404 page of its own',
    patch: { 'app.ts': `
+  app.use((req, res) => { res.status(404).json({ error: 'not found' }); });
   return app;
` },
  },
  {
    name: 'http.createServer(app)',
    patch: { 'index.ts': `
-import { createApp } from './app.ts';
+import { createServer } from 'node:http';
+import { createApp } from './app.ts';
@@
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+const server = createServer(createApp());
+server.on('error', (error) => stop(error.message));
+server.listen({ port, host: '127.0.0.1' }, () => {
+  console.log(\`Server running on port \${port}\`);
+});
` },
  },
  {
    name: 'exceptions instead of sentences',
    patch: { 'index.ts': `
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  if (error) throw error;
@@
-  console.error(reason);
-  process.exit(1);
+  throw new Error(reason);
` },
  },
  {
    name: 'another check of PORT, which takes 0 and an empty one',
    patch: { 'index.ts': `
-const { PORT } = process.env;
-const port = Number(PORT || 4000);
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
-}
+const port = process.env.PORT ? Number(process.env.PORT) : 4000;
+if (!(port >= 0 && port <= 65_535)) stop(\`Invalid value: \${process.env.PORT}\`);
` },
  },
  {
    name: 'an exit code that is set, and an events-style listen()',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+const server = createApp().listen(port);
+server.once('listening', () => { console.log(\`Server running on port \${port}\`); });
+server.once('error', (error) => {
+  console.error(\`The port cannot be used: \${error.message}\`);
+  process.exitCode = 1;
+});
` },
  },
  {
    name: 'a default export as well, a file beside it, no file extension',
    patch: {
      'app.ts': `
 import express, { type Express } from 'express';
+import { greeting } from './greeting';
@@
-    res.send('Hello World');
+    res.send(greeting);
@@
   return app;
 }
+
+export default createApp;
`,
      'index.ts': `
-import { createApp } from './app.ts';
+import createApp from './app.js';
`,
    },
    files: { 'greeting.ts': "export const greeting = 'Hello World';\n" },
  },
  {
    name: 'the address as the server tells it',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
+const server = createApp().listen(port, (error) => {
@@
-  console.log(\`Server running on port \${port}\`);
+  const address = server.address();
+  const real = address !== null && typeof address === 'object' ? address.port : port;
+  console.log(\`Server running on port \${real}\`);
` },
  },
  {
    name: 'a main-module guard',
    patch: { 'index.ts': `
-import { createApp } from './app.ts';
+import { fileURLToPath } from 'node:url';
+import { createApp } from './app.ts';
@@
-createApp().listen(port, (error) => {
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
-  console.log(\`Server running on port \${port}\`);
-});
+if (process.argv[1] === fileURLToPath(import.meta.url)) {
+  createApp().listen(port, (error) => {
+    if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+    console.log(\`Server running on port \${port}\`);
+  });
+}
` },
  },
  {
    name: 'sentences that name the number and not PORT',
    patch: { 'index.ts': `
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
+  stop(\`Cannot listen on \${PORT}.\`);
@@
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  if (error) stop(\`Something else runs at \${port} already.\`);
` },
  },
  {
    name: 'localhost only',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
+createApp().listen(port, 'localhost', (error) => {
` },
  },
  {
    name: 'IPv6 localhost only',
    patch: { 'index.ts': `
-createApp().listen(port, (error) => {
+createApp().listen(port, '::1', (error) => {
` },
  },
  {
    name: 'an interval, and lines that look like a report',
    patch: { 'app.ts': `
   const app = express();
+  setInterval(() => undefined, 60_000);
+  process.stdout.write('.');
+  console.log('{"step":1}');
` },
  },
  {
    name: 'another sentence for a port that is taken',
    patch: { 'index.ts': `
-  if (error) stop(\`Cannot listen on port \${port}: \${error.message}\`);
+  if (error && 'code' in error && error.code === 'EADDRINUSE') {
+    stop(\`Port \${port} is taken. Is the app running in another window?\`);
+  }
+  if (error) throw error;
` },
  },
  {
    name: 'a page from a file, and files for everyone in a folder of their own',
    patch: { 'app.ts': `
   const app = express();
+  app.use(express.static(new URL('public', import.meta.url).pathname));
` }, files: { 'public/style.css': 'p {}\n' },
  },
  {
    name: 'a regular expression for PORT',
    patch: { 'index.ts': `
-const port = Number(PORT || 4000);
-if (!Number.isInteger(port) || port < 1 || port > 65535) {
-  stop(\`PORT must be a number from 1 to 65535, not "\${PORT}".\`);
-}
+if (PORT && !/^[1-9]\\d{0,4}$/.test(PORT)) stop(\`"\${PORT}" is no port.\`);
+const port = PORT ? Number(PORT) : 4000;
+if (port > 65_535) stop(\`Port \${port} is too large.\`);
` },
  },
];
