/*
 * A real browser goes through the finished app, started as by `npm run solution:4`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test, type TestContext } from 'node:test';
import { MongoClient } from 'mongodb';
import { openDatabase } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { skipWithoutChromium, startChromium } from '../testing/chromium.ts';
import { freePort } from '../app/port.ts';
import { root } from '../lesson/steps.ts';
import { onEnd, Run } from '../testing/workshop.ts';

test('a browser visits, sees its session stored, and logs out', {
  skip: skipWithoutChromium,
  timeout: 180_000,
}, async (t) => {
  const database = await openDatabase({ say: console.log });
  onEnd(t, () => database.close());
  const client = await new MongoClient(database.url).connect();
  onEnd(t, () => client.close());
  const name = `workshop-browser-${process.pid}`;
  const sessions = client.db(name).collection<{ _id: string }>('sessions');
  onEnd(t, () => client.db(name).dropDatabase());

  const address = await startSolution(t, withDatabase(database.url, name));
  const browser = await startChromium();
  onEnd(t, () => browser.close());
  const context = await browser.newContext();
  const page = await context.newPage();

  await page.goto(address);
  assert.equal(await page.textContent('body'), 'Hello World, visit 1');
  await page.reload();
  assert.equal(await page.textContent('body'), 'Hello World, visit 2');

  const [cookie] = await context.cookies();
  assert.ok(cookie, 'the browser holds a cookie');
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Lax');
  assert.equal(cookie.expires, -1, 'the cookie ends with the browser');
  assert.equal(await page.evaluate('document.cookie'), '', 'no script can read the cookie');
  const id = decodeURIComponent(cookie.value).slice('s:'.length).split('.')[0];
  assert.deepEqual(await sessions.distinct('_id'), [id]);

  await page.goto(`${address}/logout`);
  assert.equal(await sessions.countDocuments(), 1, 'looking at /logout logs nobody out');
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByText('Logout complete').waitFor();
  assert.deepEqual(await context.cookies(), [], 'the cookie is gone');
  assert.equal(await sessions.countDocuments(), 0, 'the document is gone');

  await page.goto(address);
  assert.equal(await page.textContent('body'), 'Hello World, visit 1');
});

/** Starts `npm run solution:4` on a free port. @returns its address */
async function startSolution(t: TestContext, mongoUrl: string): Promise<string> {
  const port = String(await freePort());
  const env = { PORT: port, MONGO_URL: mongoUrl, WORKSHOP_MONGO: '', NODE_TEST_CONTEXT: undefined };
  const command = ['shared/commands/run.js', 'step', '4', '--solution'];
  const run = new Run(spawn(process.execPath, command, {
    cwd: root, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'],
  }));
  onEnd(t, async () => {
    run.child.kill('SIGTERM');
    await run.ended;
  });
  await run.printed(new RegExp(`Server running on port ${port}`));
  return `http://localhost:${port}`;
}
