/*
 * Mallory sniffs plain HTTP and tosses a cookie into Ada's browser.
 */
const { PORT = '4000', ADA_PASSWORD = '', MALLORY_PASSWORD = '' } = process.env;
const app = `http://localhost:${PORT}`;
async function logIn(name: string, password: string) {
  const body = new URLSearchParams({ name, password });
  const answer = await fetch(`${app}/login`, { method: 'POST', body, redirect: 'manual' });
  const header = answer.headers.getSetCookie()[0] ?? 'none';
  console.log(`  POST /login    ${answer.status}  Set-Cookie: ${header.replace(/=[^;]*/, '=…')}`);
  return { cookie: header.split(';')[0] ?? '', isSecure: /; *Secure/i.test(header) };
}

async function openAccount(cookie: string) {
  const answer = await fetch(`${app}/account`, { headers: { Cookie: cookie } });
  const [, user = 'nobody'] = /logged in as (\w+)/.exec(await answer.text()) ?? [];
  console.log(`  GET  /account  ${answer.status}  shows ${user}`);
  return user;
}

console.log('Ada logs in over HTTPS.');
const ada = await logIn('ada', ADA_PASSWORD);
if (ada.cookie === 'none') {
  console.log("Ada got no cookie, so there's nothing to attack.");
  console.log('A Secure cookie needs a proxy that says https, and an app that trusts the proxy.');
  process.exit(2);
}

console.log('Later she follows an old link to http://. Mallory listens on the same Wi-Fi.');
console.log(ada.isSecure
  ? 'Her browser holds the Secure cookie back. Mallory has nothing to send:'
  : 'Her browser sends the cookie along. Mallory reads it, and sends it herself:');
const sniffed = await openAccount(ada.isSecure ? '' : ada.cookie);

console.log(
  'Mallory logs in. Her page at evil.shop.localhost sets her cookie for its parent domain.',
);
const mallory = await logIn('mallory', MALLORY_PASSWORD);
const isOwn = ada.cookie.startsWith('__Host-');
console.log(isOwn
  ? "Ada's browser refuses it, because of its name. Ada opens her account:"
  : "Ada opens her account. Her browser sends both cookies, and Mallory's comes first:");
const shown = await openAccount(isOwn ? ada.cookie : `${mallory.cookie}; ${ada.cookie}`);

if (sniffed === 'ada') console.log("mallory reads ada's account");
else console.log(shown === 'mallory' ? 'mallory reads what ada writes' : 'mallory stays outside');
process.exitCode = Number(sniffed === 'ada' || shown === 'mallory');
