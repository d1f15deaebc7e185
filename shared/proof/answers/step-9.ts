import type { RightAnswer, WrongAnswer } from './answer.ts';

const sniffed = "what mallory overhears on plain HTTP doesn't let her in";
const refused = 'plain HTTP is refused, and the app says so';
const tossed = "a cookie tossed from a sibling host doesn't come before ada's own";
const kept = 'the browser keeps the cookie for this host alone, and forgets it at the logout';

/** The solution's trust in the proxy, to be replaced. */
const trust = `
-  app.set('trust proxy', 1);
`;

/** The solution's check of how a request came, to be replaced. */
const check = `
-  if (req.secure) next();
`;

/** The solution's refusal, to be replaced. */
const refusal = `
-  else res.status(403).type('text').send('This app answers over HTTPS only.');
`;

/** The solution's place for the check, to be replaced. */
const place = `
-  app.use(httpsOnly);
`;

/** The solution's attribute, to be replaced. */
const secure = `
-  secure: true,
`;

/** The solution's name, to be replaced. */
const name = `
-export const cookieName = '__Host-session';
`;

export const wrong: WrongAnswer[] = [
  {
    name: 'no secure, and no prefix',
    patch: { 'session.ts': `${name}\
+export const cookieName = 'connect.sid';
@@${secure}` },
    caughtBy: sniffed,
    reads: /read “logged in as ada”.*does cookieOptions say `secure: true`/,
  },
  {
    name: 'the prefix without secure',
    patch: { 'session.ts': secure },
    caughtBy: sniffed,
    reads: /the browser at https:\/\/shop\.example didn't take it.*only with Secure, with Path=\//,
  },
  {
    name: 'the proxy not believed',
    patch: { 'app.ts': `${trust}\
@@${place}` },
    caughtBy: sniffed,
    reads: /got no cookie.*does it say app\.set\('trust proxy', 1\)/,
  },
  {
    name: 'the proxy not believed, and all is refused',
    patch: { 'app.ts': trust },
    caughtBy: sniffed,
    reads: /answered with status 403.*Express believes it only if you tell it to trust the proxy/,
  },
  {
    name: 'another proxy believed',
    patch: { 'app.ts': `${trust}\
+  app.set('trust proxy', '10.0.0.0/8');
` },
    caughtBy: sniffed,
    reads: /was answered with status 403/,
  },
  {
    name: "express-session's own setting only",
    patch: { 'app.ts': `${trust}\
-
-  app.use(httpsOnly);
@@
-  app.use(session(sessionOptions(settings)));
+  app.use(session({ ...sessionOptions(settings), proxy: true }));
@@
   app.use(async (req, res, next) => {
+    if (!req.secure) return next(Object.assign(new Error('HTTPS only'), { status: 403 }));
` },
    caughtBy: sniffed,
    reads: /was answered with status 403/,
  },
  {
    name: 'the connection asked',
    patch: { 'https-only.ts': `${check}\
+  if ('encrypted' in req.socket) next();
` },
    caughtBy: sniffed,
    reads: /The proxy ends HTTPS and speaks plain HTTP with the app/,
  },
  {
    name: 'no return after next()',
    patch: { 'https-only.ts': `
-  else res.status(403).type('text').send('This app answers over HTTPS only.');
+  res.status(403).type('text').send('This app answers over HTTPS only.');
` },
    caughtBy: sniffed,
    reads: /GET \/ was .* 403, and then .* again.*https-only\.ts: does the function end there/,
  },
  {
    name: 'secure by NODE_ENV',
    patch: { 'session.ts': `${name}\
+export const cookieName = 'session';
@@${secure}\
+  secure: process.env.NODE_ENV === 'production',
` },
    caughtBy: sniffed,
    reads: /One old link, or one picture with http:\/\/, is enough/,
  },
  {
    name: "secure: 'auto', and plain HTTP let in",
    patch: {
      'app.ts': place,
      'session.ts': `${name}\
+export const cookieName = 'session';
@@
-    cookie: cookieOptions,
+    cookie: { ...cookieOptions, secure: 'auto' },
`,
    },
    caughtBy: sniffed,
    reads: /A session that began over plain HTTP keeps its insecure cookie/,
  },
  {
    name: 'a Domain with the prefix',
    patch: { 'session.ts': `${secure}\
+  secure: true,
+  domain: 'shop.example',
` },
    caughtBy: sniffed,
    reads: /didn't take it.*without Domain/,
  },
  {
    name: 'a Path with the prefix',
    patch: { 'session.ts': `${secure}\
+  secure: true,
+  path: '/account',
` },
    caughtBy: sniffed,
    reads: /gives a session only to requests below the cookie's path/,
  },
  {
    name: 'silent over plain HTTP',
    patch: { 'app.ts': place },
    caughtBy: refused,
    reads: /logged in at http:\/\/shop\.example, without the s, and was answered with status 303/,
  },
  {
    name: 'only /login checked',
    patch: { 'app.ts': `${place}\
+  app.use('/login', httpsOnly);
` },
    caughtBy: refused,
    reads: /Ada opened http:\/\/shop\.example\/account, and was answered with status 302/,
  },
  {
    name: 'only forms checked',
    patch: { 'https-only.ts': `${check}\
+  if (req.secure || req.method === 'GET') next();
` },
    caughtBy: refused,
    reads: /Ada opened http:\/\/shop\.example\/login, and was answered with status 200/,
  },
  {
    name: 'only pages checked',
    patch: { 'https-only.ts': `${check}\
+  if (req.secure || req.method === 'POST') next();
` },
    caughtBy: refused,
    reads: /Anyone along the way could read her password/,
  },
  {
    name: 'only those without a cookie refused',
    patch: { 'https-only.ts': `${check}\
+  if (req.secure || req.get('Cookie')) next();
` },
    caughtBy: refused,
    reads: /Ada's cookie came over plain HTTP.*Secure is a rule for browsers/,
  },
  {
    name: 'below the routes',
    patch: { 'app.ts': `${place}\
@@
+  app.use(httpsOnly);
   return app;
` },
    caughtBy: refused,
    reads: /is app\.use\(httpsOnly\) above everything else/,
  },
  {
    name: 'below the session',
    patch: { 'app.ts': `${place}\
@@
   app.use(session(sessionOptions(settings)));
+  app.use(httpsOnly);
` },
    caughtBy: refused,
    reads: /her session is still there.*is app\.use\(httpsOnly\) above app\.use\(session/,
  },
  {
    name: 'refused in production only',
    patch: { 'https-only.ts': `${check}\
+  if (req.secure || process.env.NODE_ENV !== 'production') next();
` },
    caughtBy: refused,
    reads: /nothing tells her why/,
  },
  {
    name: 'refused with a 200',
    patch: { 'https-only.ts': `${refusal}\
+  else res.send('This app answers over HTTPS only.');
` },
    caughtBy: refused,
    reads: /was answered with status 200/,
  },
  {
    name: 'an exception in place of an answer',
    patch: { 'https-only.ts': `${refusal}\
+  else next(new Error('plain HTTP'));
` },
    caughtBy: refused,
    reads: /POST \/login answered with status 500|GET \/login answered with status 500/,
  },
  {
    name: 'next() after the refusal',
    patch: { 'https-only.ts': `
-  if (req.secure) next();
-  else res.status(403).type('text').send('This app answers over HTTPS only.');
+  if (!req.secure) res.status(403).send('This app answers over HTTPS only.');
+  next();
` },
    caughtBy: refused,
    reads: /was answered with status 403, and then .* again.*https-only\.ts: does the function end there/,
  },
  {
    name: 'a redirect that stays on plain HTTP',
    patch: { 'https-only.ts': `${refusal}\
+  else res.redirect(308, \`//\${req.get('Host')}\${req.originalUrl}\`);
` },
    caughtBy: refused,
    reads: /Location: \/\/shop\.example\/login/,
  },
  {
    name: 'what says nothing let in',
    patch: { 'https-only.ts': `${check}\
+  if (req.get('X-Forwarded-Proto') !== 'http') next();
` },
    caughtBy: refused,
    reads: /Ada's cookie came to the app itself, past the proxy/,
  },
  {
    name: 'HSTS in place of a refusal',
    patch: { 'https-only.ts': `${check.trimEnd()}${refusal}\
+  res.set('Strict-Transport-Security', 'max-age=31536000');
+  next();
` },
    caughtBy: refused,
    reads: /without the s, and was answered with status 303/,
  },
  {
    name: 'the old name',
    patch: { 'session.ts': `${name}\
+export const cookieName = 'connect.sid';
` },
    caughtBy: tossed,
    reads: /Now GET \/account tells her “logged in as mallory”/,
  },
  {
    name: '__Secure-',
    patch: { 'session.ts': `${name}\
+export const cookieName = '__Secure-session';
` },
    caughtBy: tossed,
    reads: /does the cookie's name begin with __Host-/,
  },
  {
    name: 'the old name still counts',
    patch: { 'app.ts': `
   app.use(readForms);
+  app.use((req, res, next) => {
+    const [, old] = /connect[.]sid=([^;]*)/.exec(req.get('Cookie') ?? '') ?? [];
+    if (old) req.headers.cookie = \`\${cookieName}=\${old}\`;
+    next();
+  });
` },
    caughtBy: tossed,
    reads: /connect\.sid=….*is every other name ignored/,
  },
  {
    name: 'clearCookie without Secure',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.clearCookie(cookieName);
` },
    caughtBy: kept,
    reads: /her browser still holds __Host-session.*only if Secure is there again/,
  },
  {
    name: 'clearCookie of the old name',
    patch: { 'app.ts': `
-      res.clearCookie(cookieName, cookieOptions);
+      res.clearCookie('connect.sid', cookieOptions);
` },
    caughtBy: kept,
    reads: /is clearCookie\(\) given the name and the options/,
  },
  {
    name: 'SameSite=None, since it is Secure now',
    patch: { 'session.ts': `
-  sameSite: 'lax',
+  sameSite: 'none',
` },
    caughtBy: kept,
    reads: /comes without SameSite=Lax or Strict/,
  },
  {
    name: 'scripts may read it',
    patch: { 'session.ts': `
-  httpOnly: true,
+  httpOnly: false,
` },
    caughtBy: kept,
    reads: /comes without HttpOnly/,
  },
  {
    name: 'our own origin with http',
    patch: { 'same-origin.ts': `
-  return !origin || (URL.canParse(origin) && new URL(origin).host === req.get('Host'));
+  return !origin || origin === \`http://\${req.get('Host')}\`;
` },
    caughtBy: kept,
    reads: /sends only Origin: https:\/\/shop\.example/,
  },
  {
    name: 'the old name counts where there is no new one',
    patch: {
      'app.ts': `
+  app.use((req, res, next) => {
+    const { cookie } = req.headers;
+    if (cookie && !cookie.includes(cookieName)) {
+      req.headers.cookie = cookie.replace('connect.sid=', \`\${cookieName}=\`);
+    }
+    next();
+  });
   app.use(session(sessionOptions(settings)));
`,
    },
    caughtBy: tossed,
    reads: /A browser sent no cookie but connect\.sid=….*logged in as mallory/,
  },
  {
    name: 'localhost may come over plain HTTP',
    patch: {
      'https-only.ts': `
-  if (req.secure) next();
+  if (req.secure || req.hostname === 'localhost') next();
`,
    },
    caughtBy: refused,
    reads: /A request came over plain HTTP, with Host: localhost:4000, and was answered with status 200/,
  },
  {
    name: 'a maxAge of one hour',
    patch: { 'session.ts': `
   secure: true,
+  maxAge: ONE_HOUR_IN_SECONDS * 1000,
` },
    caughtBy: kept,
    reads: /After 80 minutes her browser had no cookie any more\. A maxAge ends the cookie/,
  },
  {
    name: 'the headers of other proxies are believed too',
    patch: { 'https-only.ts': `${check}\
+  if (req.secure || req.get('X-Forwarded-Ssl') === 'on') next();
` },
    caughtBy: refused,
    reads: /with X-Forwarded-Ssl: on.*passes everything else on as the client wrote it/,
  },
  {
    name: 'HEAD passes, for a health check',
    patch: { 'https-only.ts': `${check}\
+  if (req.secure || req.method === 'HEAD') next();
` },
    caughtBy: refused,
    reads: /A HEAD request came over plain HTTP.*Express answers HEAD with the route for GET/,
  },
  {
    name: 'a list of the pages that need HTTPS',
    patch: { 'https-only.ts': `${check}\
+  const pages = ['/', '/login', '/logout', '/account', '/account/password', '/account/end'];
+  if (req.secure || !pages.includes(req.path)) next();
` },
    caughtBy: refused,
    reads: /Ada opened http:\/\/shop\.example\/Account, and was answered with status 302/,
  },
  {
    name: 'X-Forwarded-Proto holds https somewhere',
    patch: { 'https-only.ts': `${check}\
+  if (req.get('X-Forwarded-Proto')?.includes('https')) next();
` },
    caughtBy: refused,
    reads: /to the first of two proxies, and was answered with status 200/,
  },
  {
    name: "a certificate's challenge, wherever it stands in the address",
    patch: { 'https-only.ts': `${check}\
+  if (req.secure || req.originalUrl.includes('/.well-known/acme-challenge/')) next();
` },
    caughtBy: refused,
    reads: /Ada opened http:\/\/shop\.example\/account\?to=.*and was answered with status 302/,
  },
  {
    name: 'a logout that ends no login any more',
    patch: { 'app.ts': `
-    if (res.locals.login) await endLogin(client, res.locals.login);
     req.session.destroy((error) => {
` },
    caughtBy: "a slow request doesn't undo a logout",
    reads: /\(since step 7\) .*A slow GET \/ was under way while Ada logged out\./,
  },
  {
    name: 'pages are redirected with new URL(), which lets the path choose the host',
    patch: { 'https-only.ts': `
   if (req.secure) next();
-  else res.status(403).type('text').send('This app answers over HTTPS only.');
+  else if (req.method === 'GET') {
+    const ours = \`https://\${req.get('Host')}\`;
+    res.redirect(308, new URL(req.originalUrl, ours).href);
+  } else res.status(403).type('text').send('This app answers over HTTPS only.');
 };
` },
    caughtBy: refused,
    reads: /and Location: https:\/\/evil\.example\/login/,
  },
  {
    name: 'the old cookie is tidied away with every answer',
    patch: { 'app.ts': `
   app.use(httpsOnly);
+  // The cookie had another name once. It's of no use any more.
+  app.use((req, res, next) => {
+    res.clearCookie('connect.sid');
+    next();
+  });
   app.use(sameOrigin);
` },
    caughtBy: kept,
    reads: /came with Set-Cookie: connect\.sid=;.*may belong to another app/,
  },
  {
    name: 'the check below the forms',
    patch: { 'app.ts': `${place}\
   app.use(sameOrigin);
   app.use(readForms);
+  app.use(httpsOnly);
` },
    caughtBy: refused,
    reads: /Half a login came over plain HTTP.*app\.use\(readForms\) too/,
  },
];

/** A redirect in the place of the solution's refusal. */
const redirect = (status: number) => `${refusal}\
+  else res.redirect(${status}, \`https://\${req.get('Host')}\${req.originalUrl}\`);
`;

export const right: RightAnswer[] = [
  { name: 'a redirect to HTTPS', patch: { 'https-only.ts': redirect(301) } },
  { name: 'a redirect that keeps the method', patch: { 'https-only.ts': redirect(308) } },
  {
    name: 'a redirect for pages, and a 403 for forms',
    patch: { 'https-only.ts': `
   if (req.secure) next();
+  else if (req.method === 'GET') res.redirect('https://' + req.host + req.originalUrl);
` },
  },
  {
    name: 'loopback as the trusted proxy',
    patch: { 'app.ts': `${trust}\
+  app.set('trust proxy', 'loopback');
` },
  },
  {
    name: 'SameSite=Strict, and another name with __Host-',
    patch: { 'session.ts': `${name}\
+export const cookieName = '__Host-id';
@@
-  sameSite: 'lax',
+  sameSite: 'strict',
` },
  },
  {
    name: 'everything said in full',
    patch: { 'session.ts': `${secure}\
+  path: '/',
+  secure: true,
` },
  },
  {
    name: 'the check inside app.ts, by req.protocol',
    patch: { 'app.ts': `
-import { httpsOnly } from './https-only.ts';
@@${place}\
+  app.use((req, res, next) => {
+    if (req.protocol === 'https') return next();
+    res.status(426).set('Upgrade', 'TLS/1.2, HTTP/1.1').send('HTTPS, please.');
+  });
` },
  },
  {
    name: 'the check below sameOrigin',
    patch: { 'app.ts': `${place}\
   app.use(sameOrigin);
+  app.use(httpsOnly);
` },
  },
  {
    name: 'our own origin with its scheme',
    patch: { 'same-origin.ts': `
-  return !origin || (URL.canParse(origin) && new URL(origin).host === req.get('Host'));
+  return !origin || origin === \`\${req.protocol}://\${req.get('Host')}\`;
` },
  },
];
