/*
 * Twenty visitors, each with a session of their own, and an outage: silence, deploy or kill.
 */
import { setTimeout } from 'node:timers/promises';

const { PORT = '4000', OUTAGE = '' } = process.env;
const app = `http://localhost:${PORT}`;
let [pages, unavailable, cutOff, lost, slowest, isOver] = [0, 0, 0, 0, 0, false];

async function visitAgainAndAgain(): Promise<void> {
  const first = await fetch(app);
  const headers = { Cookie: first.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
  while (!isOver) {
    const start = performance.now();
    const answer = await fetch(app, { headers }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    slowest = Math.max(slowest, (performance.now() - start) / 1000);
    if (text?.includes('visit')) pages++;
    else if (answer?.status === 503) unavailable++;
    else cutOff++;
    // A first visit again: the app no longer knows the session.
    if (text?.endsWith('visit 1')) lost++;
    await setTimeout(10);
  }
}

console.log('Twenty visitors, each with a session of their own, come again and again.');
const visitors = Array.from({ length: 20 }, visitAgainAndAgain);
await setTimeout(1000);
const story = await fetch(app, { headers: { 'X-Outage': OUTAGE } });
console.log(await story.text());
await setTimeout(1000);
isOver = true;
await Promise.all(visitors);

console.log(`  ${pages} requests got their page`);
console.log(`  ${unavailable} got a 503, and can try again`);
console.log(`  ${cutOff} were cut off in the middle`);
console.log(`  ${lost} sessions were lost`);
console.log(`  the slowest answer took ${slowest.toFixed(1)} s`);
const suffer = { silence: slowest > 5, deploy: cutOff > 0, kill: lost > 0 }[OUTAGE];
console.log(suffer ? 'the visitors suffer' : 'the visitors get by');
process.exitCode = pages === 0 ? 2 : Number(suffer);
