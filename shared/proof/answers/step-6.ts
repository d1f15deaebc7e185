import type { RightAnswer, WrongAnswer } from './answer.ts';
import { noRenewal } from './renewal.ts';

const attack = "a button on mallory's page doesn't change ada's password";
const foreign = "a foreign page's login and logout are refused";
const own = 'our own forms and links from anywhere still work';
const old = "in an old browser, foreign pages are refused and our own aren't";

/** The solution's check of Sec-Fetch-Site, for a patch to replace. */
const siteCheck = `
-  if (site) return site === 'same-origin' || site === 'none';
`;

/** The solution's check of Origin, for a patch to replace. */
const originCheck = `
-  return !origin || (URL.canParse(origin) && new URL(origin).host === req.get('Host'));
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'SameSite=Strict instead',
    patch: {
      'app.ts': `
-  app.use(sameOrigin);
`,
      'session.ts': `
-  sameSite: 'lax',
+  sameSite: 'strict',
`,
    },
    caughtBy: attack,
    reads: /two ports of one host are the same site/,
  },
  {
    name: 'same-site is let in',
    patch: { 'same-origin.ts': `${siteCheck}\
+  if (site) return site !== 'cross-site';
` },
    caughtBy: attack,
    reads: /which values of Sec-Fetch-Site may pass/,
  },
  {
    name: 'CORS headers instead',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
+  app.use((req, res, next) => {
+    res.set('Access-Control-Allow-Origin', 'http://localhost:4000');
+    next();
+  });
` },
    caughtBy: attack,
    reads: /it answered|sent her cookie along/i,
  },
  {
    name: 'only /account is checked',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
+  app.use('/account', sameOrigin);
` },
    caughtBy: foreign,
    reads: /Now the visitor is logged in as Mallory/,
  },
  {
    name: 'only requests with a cookie are checked',
    patch: { 'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
+  if (isSafe(req.method) || !req.get('Cookie') || isOurs(req)) next();
` },
    caughtBy: foreign,
    reads: /does it check requests without a cookie/,
  },
  {
    name: 'only requests with a login are checked',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
@@
   app.use(readForms);
+  app.use((req, res, next) => {
+    if (req.session.user) sameOrigin(req, res, next);
+    else next();
+  });
` },
    caughtBy: foreign,
    reads: /The attack needs no cookie, so SameSite can't stop it/,
  },
  {
    name: '/logout is left out',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
+  app.use(['/login', '/account'], sameOrigin);
` },
    caughtBy: foreign,
    reads: /A page on another port sent a logout, and got status 200/,
  },
  {
    name: 'the check is below the routes',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
@@
+  app.use(sameOrigin);
   return app;
` },
    caughtBy: attack,
    reads: /is app\.use\(sameOrigin\) above the routes/,
  },
  {
    name: 'the check is below the session',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
   app.use(session(sessionOptions(settings)));
+  app.use(sameOrigin);
` },
    caughtBy: foreign,
    reads: /she's still logged in.*is app\.use\(sameOrigin\) above app\.use\(session/,
  },
  {
    name: 'a check at each route that changes something',
    patch: { 'app.ts': `
-  app.use(sameOrigin);
@@
-  app.post('/login', async (req, res, next) => {
+  app.post('/login', sameOrigin, async (req, res, next) => {
@@
-  app.post('/account/password', async (req, res) => {
+  app.post('/account/password', sameOrigin, async (req, res) => {
@@
-  app.post('/logout', (req, res, next) => {
+  app.post('/logout', sameOrigin, (req, res, next) => {
` },
    caughtBy: foreign,
    reads: /she's still logged in.*is app\.use\(sameOrigin\) above app\.use\(session/,
  },
  {
    name: 'foreign requests are logged, and let in',
    patch: { 'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
-  else res.status(403).type('text').send("This request came from a page that isn't ours.");
+  if (!isSafe(req.method) && !isOurs(req)) console.warn('a foreign page');
+  next();
` },
    caughtBy: attack,
    reads: /with the password that her page had set/,
  },
  {
    name: 'no return after next()',
    patch: { 'same-origin.ts': `
-  else res.status(403).type('text').send("This request came from a page that isn't ours.");
+  res.status(403).type('text').send("This request came from a page that isn't ours.");
` },
    caughtBy: attack,
    reads: /GET \/login was .* 403, and then .* again.*same-origin\.ts: does the function end there/,
  },
  {
    name: 'next() after the refusal',
    patch: { 'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
-  else res.status(403).type('text').send("This request came from a page that isn't ours.");
+  if (!isSafe(req.method) && !isOurs(req)) res.status(403).send('Not ours.');
+  next();
` },
    caughtBy: foreign,
    reads: /POST \/\S+ was .* 403, and then .* again.*same-origin\.ts: does the function end there/,
  },
  {
    name: 'a redirect instead of a 403',
    patch: { 'same-origin.ts': `
-  else res.status(403).type('text').send("This request came from a page that isn't ours.");
+  else res.redirect(303, '/');
` },
    caughtBy: attack,
    reads: /got status 303 instead of 403/,
  },
  {
    name: 'a refusal that clears the cookie',
    patch: { 'same-origin.ts': `
-  else res.status(403).type('text').send("This request came from a page that isn't ours.");
+  else res.clearCookie('connect.sid').status(403).send('No.');
` },
    caughtBy: attack,
    reads: /the 403 came with a cookie/,
  },
  {
    name: 'an exception instead of an answer',
    patch: { 'same-origin.ts': `
-  else res.status(403).type('text').send("This request came from a page that isn't ours.");
+  else next(new Error('a foreign page'));
` },
    caughtBy: attack,
    reads: /POST \/account\/password answered with status 500/,
  },
  {
    name: 'from other sites, only links and no pictures',
    patch: { 'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
+  const mode = req.get('Sec-Fetch-Mode') ?? 'navigate';
+  if ((isSafe(req.method) && mode === 'navigate') || isOurs(req)) next();
` },
    caughtBy: own,
    reads: /A script on a page on another port asked for \/account with a GET, and got status 403/,
  },
  {
    name: 'every method is checked',
    patch: { 'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
+  if (isOurs(req)) next();
` },
    caughtBy: own,
    reads: /Ada followed a link on a page on another port to \/account, and got status 403/,
  },
  {
    name: 'typed addresses are refused',
    patch: { 'same-origin.ts': `${siteCheck}\
+  if (site) return site === 'same-origin';
` },
    caughtBy: own,
    reads: /from no page \(typed, or from a bookmark\) \(Sec-Fetch-Site: none\)/,
  },
  {
    name: 'a list of what to refuse, in place of what to let in',
    patch: { 'same-origin.ts': `${siteCheck}\
+  if (site) return site !== 'cross-site' && site !== 'same-site';
` },
    caughtBy: foreign,
    reads: /Sec-Fetch-Site: other-planet, which no browser says today, and got status 200.*list what may come in/,
  },
  {
    name: 'Origin only',
    patch: { 'same-origin.ts': siteCheck },
    caughtBy: foreign,
    reads: /our own host, but with another scheme, and got status 200.*Sec-Fetch-Site/,
  },
  {
    name: 'Sec-Fetch-Site only',
    patch: { 'same-origin.ts': `${originCheck}\
+  return true;
` },
    caughtBy: old,
    reads: /sent a logout with Origin: http:\/\/127\.0\.0\.1, and got status 200/,
  },
  {
    name: 'null is let in',
    patch: { 'same-origin.ts': `${originCheck}\
+  if (!origin || origin === 'null') return true;
+  return URL.canParse(origin) && new URL(origin).host === req.get('Host');
` },
    caughtBy: old,
    reads: /with Origin: null, and got status 200/,
  },
  {
    name: 'a host that only ends like ours',
    patch: { 'same-origin.ts': `${originCheck}\
+  return !origin || origin.endsWith(req.get('Host') ?? '-');
` },
    caughtBy: old,
    reads: /at shop\.example sent a logout with Origin: https:\/\/evil\.shop\.example/,
  },
  {
    name: 'a host that only begins like ours',
    patch: { 'same-origin.ts': `${originCheck}\
+  return !origin || origin.replace(/^https?:../, '').startsWith(req.get('Host') ?? '-');
` },
    caughtBy: old,
    reads: /Host and port have to match the request's/,
  },
  {
    name: 'the host without its port',
    patch: { 'same-origin.ts': `${originCheck}\
+  return !origin || (URL.canParse(origin) && new URL(origin).hostname === req.hostname);
` },
    caughtBy: old,
    reads: /new URL\(origin\)\.host compared with req\.get\('Host'\)/,
  },
  {
    name: "an Origin that can't be parsed is an exception",
    patch: { 'same-origin.ts': `${originCheck}\
+  return !origin || new URL(origin).host === req.get('Host');
` },
    caughtBy: old,
    reads: /POST \/logout answered with status 500: TypeError: Invalid URL/,
  },
  {
    name: 'our own host is hard-coded',
    patch: { 'same-origin.ts': `${originCheck}\
+  return !origin || origin === 'http://localhost:4000';
` },
    caughtBy: old,
    reads: /A login came from our own page \(Origin: http:\/\/127/,
  },
  {
    name: 'navigations are let in',
    patch: {
      'same-origin.ts': `
-  if (site) return site === 'same-origin' || site === 'none';
+  if (site === 'same-origin' || site === 'none') return true;
+  if (req.get('Sec-Fetch-Mode') === 'navigate') return true;
+  if (site) return false;
`,
    },
    caughtBy: attack,
    reads: /which values of Sec-Fetch-Site may pass/,
  },
  {
    name: 'CORS headers for everyone',
    patch: {
      'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
+  const origin = req.get('Origin');
+  if (origin) {
+    res.set('Access-Control-Allow-Origin', origin);
+    res.set('Access-Control-Allow-Credentials', 'true');
+  }
+  if (isSafe(req.method) || isOurs(req)) next();
`,
    },
    caughtBy: own,
    reads: /may read it, with Ada's cookie.*CORS headers take protection away/,
  },
  {
    name: 'only forms are checked',
    patch: {
      'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
+  if (isSafe(req.method) || !req.is('urlencoded') || isOurs(req)) next();
`,
    },
    caughtBy: foreign,
    reads: /sent a logout as plain text, and got status 200 instead of 403/,
  },
  noRenewal('user'),
  {
    name: 'the paths that change something are on a list, compared with req.path',
    patch: { 'same-origin.ts': `
+/** What changes something. */
+const CHANGES = ['/login', '/logout', '/account/password'];
+
 /** Refuses what foreign pages make our visitors' browsers send. */
 export const sameOrigin: RequestHandler = (req, res, next) => {
-  if (isSafe(req.method) || isOurs(req)) next();
+  if (isSafe(req.method) || !CHANGES.includes(req.path) || isOurs(req)) next();
   else res.status(403).type('text').send("This request came from a page that isn't ours.");
` },
    caughtBy: foreign,
    reads: /Another site sent a form to POST \/logout\/, and got status 200/,
  },
  {
    name: 'a matching Origin is enough, whatever Sec-Fetch-Site says',
    patch: { 'same-origin.ts': `
-  if (site) return site === 'same-origin' || site === 'none';
+  if (site === 'same-origin' || site === 'none') return true;
@@
-  return !origin || (URL.canParse(origin) && new URL(origin).host === req.get('Host'));
+  if (!origin) return !site;
+  return URL.canParse(origin) && new URL(origin).host === req.get('Host');
` },
    caughtBy: foreign,
    reads: /our own host, but with another scheme, and got status 200.*nothing else counts/,
  },
  {
    name: 'a regular expression made of the Host',
    patch: { 'same-origin.ts': `${originCheck}\
+  return !origin || new RegExp(\`^https?://\${req.get('Host')}$\`).test(origin);
` },
    caughtBy: old,
    reads: /Origin: http:\/\/127x0x0x1:\d+, and got status 200/,
  },
  {
    name: 'only POST is checked',
    patch: { 'same-origin.ts': `
-  if (isSafe(req.method) || isOurs(req)) next();
+  if (req.method !== 'POST' || isOurs(req)) next();
@@
-/** Whether a method only reads, and changes nothing. */
-function isSafe(method: string): boolean {
-  return ['GET', 'HEAD', 'OPTIONS'].includes(method);
-}
-
` },
    caughtBy: foreign,
    reads: /Another site sent a PUT .*do only GET, HEAD and OPTIONS pass/,
  },
  {
    name: 'the check below the forms',
    patch: { 'app.ts': `
+  app.use(readForms);
   app.use(sameOrigin);
   app.use(session(sessionOptions(settings)));
-  app.use(readForms);
` },
    caughtBy: foreign,
    reads: /sent half a form, and got no answer.*above app\.use\(readForms\)/,
  },
];

/** The pages' forms, with a hidden field in each. */
const tokenInForms = `
-<form method="post" action="/login">
+<form method="post" action="/login"><input type="hidden" name="token" value="TOKEN">
@@
-<form method="post" action="/account/password">
+<form method="post" action="/account/password"><input type="hidden" name="token" value="TOKEN">
@@
-<form method="post" action="/logout">
+<form method="post" action="/logout"><input type="hidden" name="token" value="TOKEN">
`;

export const right: RightAnswer[] = [
  {
    name: 'a token in the session and in every form',
    patch: {
      'pages.ts': tokenInForms,
      'session.ts': `
     user: string;
+    token: string;
`,
      'app.ts': `
-  app.use(sameOrigin);
@@
   app.use(readForms);
+  app.use((req, res, next) => {
+    const { token } = req.session;
+    if (req.method !== 'GET' && (!token || field(req, 'token') !== token)) {
+      res.status(403).send("This form isn't ours.");
+      return;
+    }
+    if (req.method === 'GET' && req.path !== '/') {
+      const fresh = req.session.token ??= crypto.randomUUID();
+      const send = res.send.bind(res);
+      res.send = (body: string) => send(body.replaceAll('TOKEN', fresh));
+    }
+    next();
+  });
`,
    },
  },
  {
    name: 'a request with neither header is refused',
    patch: { 'same-origin.ts': `${originCheck}\
+  return URL.canParse(origin ?? '') && new URL(origin ?? '').host === req.get('Host');
` },
  },
  {
    name: "Go's switch",
    patch: { 'same-origin.ts': `${siteCheck}\
+  switch (site) {
+    case '': case undefined: break;
+    case 'same-origin': case 'none': return true;
+    default: return false;
+  }
` },
  },
  {
    name: 'SameSite=Strict as well',
    patch: { 'session.ts': `
-  sameSite: 'lax',
+  sameSite: 'strict',
` },
  },
  {
    name: 'everything in one function',
    files: { 'same-origin.ts': `import type { NextFunction, Request, Response } from 'express';

export function sameOrigin(req: Request, res: Response, next: NextFunction): void {
  const { 'sec-fetch-site': site, origin, host } = req.headers;
  if (req.method === 'GET' || req.method === 'HEAD' || req.method === 'OPTIONS') return next();
  if (site !== undefined) {
    if (site === 'none' || site === 'same-origin') return next();
  } else if (origin === undefined || origin === 'http://' + host || origin === 'https://' + host) {
    return next();
  }
  res.sendStatus(403);
}
` },
  },
];
