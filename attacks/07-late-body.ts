/* A request that begins before the logout: Mallory withholds its end until Ada has logged out. */
const { PORT = '4000', ADA_PASSWORD = '' } = process.env;
const app = `http://localhost:${PORT}`;

async function post(path: string, form: Record<string, string> | ReadableStream, cookie = '') {
  const body = form instanceof ReadableStream ? form : new URLSearchParams(form);
  const headers = { Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' };
  const request = { method: 'POST', headers, body, redirect: 'manual', duplex: 'half' } as const;
  const answer = await fetch(app + path, request);
  console.log(`  POST ${path.padEnd(17)}  ${answer.status}`);
  return { status: answer.status, cookie: answer.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
}

console.log('Ada logs in. Mallory gets hold of a copy of her cookie.');
const ada = await post('/login', { name: 'ada', password: ADA_PASSWORD });

console.log('Mallory sends half a form (new=set+by+…), and the app waits for the rest.');
const { readable, writable } = new TransformStream<Uint8Array>();
const form = writable.getWriter();
const late = post('/account/password', readable, ada.cookie);
await form.write(Buffer.from('new=set+by+'));
await new Promise((resolve) => setTimeout(resolve, 500));

console.log('Ada logs out. Her session is gone.');
await post('/logout', {}, ada.cookie);

console.log('Now Mallory sends the rest: mallory.');
await form.write(Buffer.from('mallory'));
await form.close();
await late;

console.log("She tries Ada's name with that password.");
const mallory = await post('/login', { name: 'ada', password: 'set by mallory' });
if (mallory.status < 400) {
  console.log("She's in. She puts the old password back, so that nobody notices.");
  await post('/account/password', { new: ADA_PASSWORD }, mallory.cookie);
}
console.log(mallory.status < 400 ? "mallory reads ada's account" : 'mallory stays outside');
process.exitCode = ada.status >= 400 ? 2 : mallory.status < 400 ? 1 : 0;
