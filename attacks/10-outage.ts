/*
 * Twenty visitors with a session each, five more logging in on slow phones, and an outage:
 * silence, deploy or kill.
 */
import { setTimeout } from 'node:timers/promises';

const { PORT = '4000', ADA_PASSWORD = '', OUTAGE = '' } = process.env;
const app = `http://localhost:${PORT}`;
let [pages, unavailable, failed, cutOff, lost, slowest, isOver] = [0, 0, 0, 0, 0, 0, false];

async function visitAgainAndAgain(): Promise<void> {
  const first = await fetch(app);
  const cookie = first.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  // The end of the response arrives only once the session is stored.
  await first.text();
  while (!isOver) {
    const start = performance.now();
    const text = await send('/', { headers: { Cookie: cookie } });
    slowest = Math.max(slowest, (performance.now() - start) / 1000);
    // A first visit again means the app has lost the session.
    if (text.endsWith('visit 1')) lost++;
    await setTimeout(50);
  }
}

async function logInSlowly(): Promise<void> {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  while (!isOver) {
    const init = { method: 'POST', headers, body: slowForm(), duplex: 'half' };
    await send('/login', init);
  }
}

/** A form that takes a second to send. */
function slowForm(): ReadableStream {
  return new ReadableStream({
    async start(form) {
      form.enqueue(Buffer.from('name=ada&'));
      await setTimeout(1000);
      form.enqueue(Buffer.from(`password=${ADA_PASSWORD}`));
      form.close();
    },
  });
}

async function send(path: string, init: RequestInit): Promise<string> {
  const answer = await fetch(app + path, { redirect: 'manual', ...init }).catch(() => undefined);
  const text = await answer?.text().catch(() => undefined);
  if (answer?.status === 503) unavailable++;
  else if (!answer || text === undefined || answer.status === 502) cutOff++;
  else if (answer.status >= 400) failed++;
  else pages++;
  return text ?? '';
}

console.log('Twenty visitors come again and again. Five log in, on slow phones.');
const visitors = [
  ...Array.from({ length: 20 }, visitAgainAndAgain), ...Array.from({ length: 5 }, logInSlowly),
];
await setTimeout(1000);
const story = await fetch(app, { headers: { 'X-Outage': OUTAGE } });
console.log(await story.text());
await setTimeout(1000);
isOver = true;
await Promise.all(visitors);

console.log(`  ${pages} requests were answered as always`);
console.log(`  ${unavailable} got a 503: try again later`);
console.log(`  ${failed} got another error`);
console.log(`  ${cutOff} were cut off`);
console.log(`  ${lost} sessions were lost`);
console.log(`  the longest wait was ${slowest.toFixed(1)} s`);
const suffer = {
  silence: failed > 0 || slowest > 5, deploy: cutOff + failed > 0, kill: lost > 0,
}[OUTAGE];
console.log(suffer ? 'the visitors suffer' : 'the visitors get by');
process.exitCode = pages === 0 ? 2 : Number(suffer);
