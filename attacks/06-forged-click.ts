/*
 * Cross-site request forgery: Mallory's page makes Ada's browser change Ada's password.
 */
const { PORT = '4000', ADA_PASSWORD = '' } = process.env;
const app = `http://localhost:${PORT}`;
const evil = { Origin: 'http://localhost:4666', 'Sec-Fetch-Site': 'same-site' };

async function post(path: string, form: Record<string, string>, headers = {}) {
  const body = new URLSearchParams(form);
  const answer = await fetch(app + path, { method: 'POST', headers, body, redirect: 'manual' });
  console.log(`  POST ${path.padEnd(17)}  ${answer.status}`);
  return { status: answer.status, cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
}

console.log('Ada logs in.');
const ada = await post('/login', { name: 'ada', password: ADA_PASSWORD });

console.log(`She opens a page at ${evil.Origin} and clicks a harmless-looking button.`);
console.log('It sends a form to the app. Her browser adds her cookie, and says where she is:');
console.log(`  Origin: ${evil.Origin}, Sec-Fetch-Site: ${evil['Sec-Fetch-Site']}`);
await post('/account/password', { new: 'set by mallory' }, { Cookie: ada.cookie, ...evil });

console.log("Mallory tries Ada's name with the password that her page set.");
const mallory = await post('/login', { name: 'ada', password: 'set by mallory' });

if (ada.status >= 400) {
  console.log("Ada couldn't log in, so there's nothing to attack.");
  process.exitCode = 2;
} else if (mallory.status < 400) {
  console.log("She's in. She puts the old password back, so that nobody notices.");
  await post('/account/password', { new: ADA_PASSWORD }, { Cookie: mallory.cookie });
  console.log("mallory reads ada's account");
  process.exitCode = 1;
} else {
  console.log('mallory stays outside');
}
