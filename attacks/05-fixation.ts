/*
 * Session fixation: Mallory plants a session on Ada, Ada logs in to it, and Mallory is in too.
 */
const { PORT = '4000', ADA_PASSWORD = '' } = process.env;
const app = `http://localhost:${PORT}`;

console.log('Mallory visits the app. It stores her visit and gives her a cookie.');
const visit = await fetch(app);
const cookie = visit.headers.getSetCookie()[0]?.split(';')[0] ?? '';
console.log(`  GET /         ${visit.status}  Set-Cookie: ${cookie.slice(0, 24)}…`);

console.log("She plants that cookie in Ada's browser: a minute at Ada's desk is enough.");
console.log('Ada logs in. Her browser sends the planted cookie along.');
const login = await fetch(`${app}/login`, {
  method: 'POST',
  headers: { Cookie: cookie },
  body: new URLSearchParams({ name: 'ada', password: ADA_PASSWORD }),
  redirect: 'manual',
});
console.log(`  POST /login   ${login.status}`);
const own = login.headers.getSetCookie()[0]?.split(';')[0] ?? cookie;
const ada = await fetch(`${app}/account`, { headers: { Cookie: own }, redirect: 'manual' });

console.log("Mallory asks for the account, with the cookie she's had all along.");
const account = await fetch(`${app}/account`, { headers: { Cookie: cookie }, redirect: 'manual' });
const page = await account.text();
console.log(`  GET /account  ${account.status}`);

if (login.status >= 400 || ada.status !== 200) {
  console.log("Ada couldn't log in, so there's nothing to attack yet.");
  process.exitCode = 2;
} else if (page.includes('logged in as ada')) {
  console.log("mallory reads ada's account");
  process.exitCode = 1;
} else {
  console.log('mallory stays outside');
}
