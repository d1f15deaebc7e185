/*
 * A real browser goes through the finished app, started as by `npm run solution:4`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { MongoClient } from 'mongodb';
import { openDatabase } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { findChromium, startChromium } from '../testing/chromium.ts';
import { freePort } from '../app/port.ts';
import { root } from '../lesson/steps.ts';

const executablePath = findChromium();

test('a browser visits, sees its session stored, and logs out', {
  skip: executablePath === undefined && process.env.CI !== 'true'
    && 'no Chromium or Chrome on this machine; CHROME_PATH can name one',
  timeout: 60_000,
}, async (t) => {
  assert.ok(executablePath !== undefined, 'There is no Chromium on this machine.');
  const later = cleanUp(t);
  const database = await openDatabase({ inProcess: true, mayDownload: false, say: console.log });
  later(() => database.close());
  const client = await new MongoClient(database.url).connect();
  later(() => client.close());
  const name = `workshop-browser-${process.pid}`;
  const sessions = client.db(name).collection<{ _id: string }>('sessions');
  later(() => client.db(name).dropDatabase());

  const { address, stop } = await startSolution(withDatabase(database.url, name));
  later(stop);
  const browser = await startChromium(executablePath);
  later(() => browser.close());
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

/** Undoes the test's actions in reverse order, however the test ends. */
function cleanUp(t: TestContext): (undo: () => Promise<unknown>) => void {
  const undos: (() => Promise<unknown>)[] = [];
  t.after(async () => {
    for (const undo of undos.reverse()) await undo();
  });
  return (undo) => undos.push(undo);
}

/** Starts `npm run solution:4` on a free port. */
async function startSolution(mongoUrl: string) {
  const port = await freePort();
  const runner = spawn(process.execPath, [
    'shared/commands/run.js', 'step', '4', '--solution',
  ], {
    cwd: root,
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      PORT: String(port),
      MONGO_URL: mongoUrl,
      WORKSHOP_MONGO: '',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(runner, 'close');
  const running = new Promise<void>((resolve, reject) => {
    createInterface(runner.stdout).on('line', (line) => {
      if (line.includes(`Server running on port ${port}`)) resolve();
    });
    void ended.then(() => {
      reject(new Error('npm run solution:4 ended before its app was running.'));
    });
  });
  await running;
  return {
    address: `http://localhost:${port}`,
    stop: async () => {
      runner.kill('SIGTERM');
      await ended;
    },
  };
}
