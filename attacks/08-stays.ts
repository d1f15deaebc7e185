/*
 * A thief who stays: Mallory knows Ada's password. Ada notices and changes it.
 */
const { PORT = '4000', ADA_PASSWORD = '' } = process.env;
const app = `http://localhost:${PORT}`;

async function post(path: string, form: Record<string, string>, cookie = '') {
  const headers = { Cookie: cookie, 'User-Agent': 'an attack' };
  const body = new URLSearchParams(form);
  const answer = await fetch(app + path, { method: 'POST', headers, body, redirect: 'manual' });
  console.log(`  POST ${path.padEnd(17)}  ${answer.status}`);
  const fresh = answer.headers.getSetCookie()[0]?.split(';')[0];
  return { status: answer.status, cookie: fresh ?? cookie };
}

async function openAccount(cookie: string) {
  const answer = await fetch(`${app}/account`, { headers: { Cookie: cookie } });
  console.log(`  GET  /account           ${answer.status}${answer.redirected ? ', /login' : ''}`);
  return (await answer.text()).includes('logged in as ada');
}

console.log('Ada logs in.');
let ada = await post('/login', { name: 'ada', password: ADA_PASSWORD });
console.log('Mallory has looked over her shoulder, and logs in as Ada on a phone of her own.');
const mallory = await post('/login', { name: 'ada', password: ADA_PASSWORD });

console.log("Ada notices, and changes her password. Mallory doesn't know the new one.");
const change = { password: ADA_PASSWORD, new: 'known to ada only' };
ada = await post('/account/password', change, ada.cookie);
const stays = await openAccount(ada.cookie);
console.log('Mallory asks for the account, with the cookie she has.');
const inside = await openAccount(mallory.cookie);

console.log('Ada logs in with the new password, and changes it back for the next attack.');
ada = await post('/login', { name: 'ada', password: change.new });
await post('/account/password', { password: change.new, new: ADA_PASSWORD }, ada.cookie);

if (stays) console.log(inside ? "mallory reads ada's account" : 'mallory stays outside');
else console.log("Ada couldn't get into her own account, so this attack shows nothing.");
process.exitCode = stays ? Number(inside) : 2;
