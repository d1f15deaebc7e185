/*
 * Twenty visitors, each with a session of their own, and an outage: silence, deploy or kill.
 */
const { PORT = '4000', OUTAGE = '' } = process.env;
const app = `http://localhost:${PORT}`;
const answers = { page: 0, unavailable: 0, none: 0 };
let [slowest, lost, isOver] = [0, 0, false];

async function visitAgainAndAgain(): Promise<void> {
  const first = await fetch(app);
  const headers = { Cookie: first.headers.getSetCookie()[0]?.split(';')[0] ?? '' };
  while (!isOver) {
    const start = performance.now();
    const answer = await fetch(app, { headers }).catch(() => undefined);
    const text = await answer?.text().catch(() => undefined);
    slowest = Math.max(slowest, performance.now() - start);
    if (answer?.status === 503) answers.unavailable++;
    else if (text?.includes('visit')) answers.page++;
    else answers.none++;
    // A new cookie: the app has not found the session.
    lost += answer?.headers.getSetCookie().length ?? 0;
    await wait(50);
  }
}

console.log('Twenty visitors, each with a session of their own, come again and again.');
const visitors = Array.from({ length: 20 }, visitAgainAndAgain);
await wait(1000);
console.log(`Then it happens: ${OUTAGE}.`);
console.log(await (await fetch(app, { headers: { 'X-Outage': OUTAGE } })).text());
await wait(1000);
isOver = true;
await Promise.all(visitors);

console.log(`  answered with the page  ${answers.page}`);
console.log(`  answered with 503       ${answers.unavailable}`);
console.log(`  cut off                 ${answers.none}`);
console.log(`  slowest answer          ${(slowest / 1000).toFixed(1)} s`);
console.log(`  sessions lost           ${lost}`);
const harm = { silence: slowest > 5000, deploy: answers.none > 0, kill: lost > 0 }[OUTAGE];
console.log(harm ? 'the visitors suffer' : 'the visitors get by');
process.exitCode = answers.page === 0 ? 2 : Number(harm);

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}
