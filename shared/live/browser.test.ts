/*
 * A real browser looks at the live picture of each step's solution and presses every button.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { freePort } from '../testing/workshop.ts';
import { findChromium, startChromium } from '../testing/chromium.ts';
import { startLive } from './live.ts';
import { openStageDatabase, startStage, type Stage } from './stage.ts';

const executablePath = findChromium();
const isCi = process.env['CI'] === 'true';
const secret = 'a secret that only this test uses';

/** The source of axe-core, which checks a page's accessibility. */
const axe = await readAxe();

describe('the live picture in a browser', {
  skip: executablePath === undefined && !isCi
    && 'no Chromium or Chrome on this machine; CHROME_PATH can name one',
  timeout: 120_000,
  // Most of the time a test waits. Those of the same app run one after the other.
  concurrency: 4,
}, () => {
  let browser: Browser;
  let client: MongoClient;
  let stages: Stage[];
  const name = `workshop-live-${process.pid}`;
  const undos: (() => Promise<unknown>)[] = [];
  const stage = (number: number) => {
    const found = stages.find(({ step }) => step.number === number);
    assert.ok(found);
    return found;
  };
  const sessionsOf = (number: number) => client.db(`${name}-${number}`)
    .collection<{ _id: string; expires: Date }>('sessions');

  before(async () => {
    assert.ok(executablePath !== undefined, 'There is no Chromium on this machine.');
    const { database, of } = await openStageDatabase();
    undos.push(() => database.close());
    client = await new MongoClient(database.url).connect();
    undos.push(() => client.close());
    // All at once: most of the time they wait for their processes.
    const starting = [1, 2, 3, 4].map((number) => startStage({
      number, secret, ...number > 2 && { mongo: of(`${name}-${number}`) },
    }));
    const [started, launched] = await Promise.all([
      Promise.all(starting), startChromium(executablePath),
    ]);
    [stages, browser] = [started, launched];
    undos.push(() => browser.close());
    for (const { close } of stages) undos.push(close);
    for (const number of [3, 4]) {
      undos.push(() => client.db(`${name}-${number}`).dropDatabase());
    }
  });

  after(async () => {
    for (const undo of undos.reverse()) await undo();
  });

  /** Opens the picture in a browser of its own. Every error on the page fails the test. */
  async function look(
    { live }: { live: { url: string } },
    options: Parameters<Browser['newContext']>[0] = {},
  ): Promise<{ context: BrowserContext; page: Page; see: See; press: Press }> {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    const page = await context.newPage();
    page.on('pageerror', (error) => {
      throw error;
    });
    page.on('dialog', () => {
      throw new Error('Something from a request was run as a script.');
    });
    await page.goto(live.url);
    const see: See = async (where, text) => {
      await page.locator(where).filter({ hasText: text }).first().waitFor({ timeout: 8000 })
        .catch(async () => {
          assert.fail(`${where} does not show ${String(text)}, but:\n${
            (await page.locator(where).allInnerTexts()).join('\n')}`);
        });
    };
    const press: Press = async (button) => {
      // With the keyboard, because playwright clicks on no button that is marked as disabled; but
      // such a button says why it has nothing to work on.
      await page.getByRole('button', { name: button }).press('Enter');
    };
    await see('#page-state', 'Live');
    return { context, page, see, press };
  }

  const newest = '#exchanges > li:first-child';

  describe('step 1', { concurrency: 1 }, () => {
    test('nothing yet', async () => {
      const { context, page, see, press } = await look(stage(1));
      await see('#browser', 'holds no session cookie, and this app sets none');
      await see('#store', 'This app remembers nobody');
      await see('#thread', 'Nothing to connect yet');
      await see('#exchange', 'Nobody has visited the app yet');
      await press('Visit the app');
      await see(newest, /no session\s*GET \/\s*200/);
      await press('Second visitor');
      await see('#result', 'It got no cookie: the app cannot tell it from you');
      await press('Forget the cookie');
      await see('#result', 'Visit the app first');
      await press('Restart the app');
      await see('#result', 'It keeps no sessions');
      await checkAccessibility(page);
      await context.close();
    });

    test('the keyboard reaches every button, and sees where it is', async () => {
      const { context, page } = await look(stage(1));
      const reached: string[] = [];
      for (let presses = 0; presses < 10; presses++) {
        await page.keyboard.press('Tab');
        reached.push(await page.evaluate(() => {
          const { activeElement: element } = document;
          if (!element) return 'nothing';
          const outline = getComputedStyle(element).outlineStyle;
          return element instanceof HTMLButtonElement && outline !== 'none' ? element.id : '';
        }));
      }
      const buttons = ['visit', 'visitor', 'forget', 'tamper', 'expire', 'restart'];
      assert.deepEqual(reached.filter((id) => id !== ''), buttons);
      await page.keyboard.press('Enter');
      await context.close();
    });
  });

  describe('step 2', { concurrency: 1 }, () => {
    test('sessions in memory, and how they end', async () => {
      const { context, page, see, press } = await look(stage(2));
      await see('#thread', 'No thread');
      await press('Visit the app');
      await see('#thread', 'One session');
      await see(newest, 'created');
      await see(newest, 'this browser');
      await see('#browser', 'HttpOnly');
      await see('#browser', 'the cookie ends when the browser is closed');
      assert.equal(await page.evaluate('document.cookie'), '', 'no script can read the cookie');
      const [cookie] = await context.cookies();
      const shown = await page.locator('.row > :last-child').allInnerTexts();
      const whole = `${cookie?.name ?? ''}=${cookie?.value ?? ''}`;
      assert.equal(shown.join('').replaceAll(/\s/g, ''), whole, 'the parts are the whole');
      await see('#store', /The memory of process \d+/);
      await press('Visit the app');
      await see(newest, 'changed');
      await press('Expire now');
      await see('#result', 'Nobody but the app can reach into its memory');

      await press('Restart the app');
      await see('#result', 'a new process now');
      await see('#thread', 'The memory is gone');
      await see('#store', 'has ended, and its memory with it');
      await checkAccessibility(page);
      await press('Visit the app');
      await see(newest, /refused.*created/s);
      await see(newest, 'the memory that held its session ended with the process');
      await see('#thread', 'One session');
      await context.close();
    });

    test('the connection is lost and regained', async () => {
      const { step, app, appPort } = stage(2);
      const port = await freePort();
      const options = { step, app, appPort, secret, port };
      const first = await startLive(options);
      const { context, see, press } = await look({ live: first });
      await first.close();
      await see('#page-state', 'Connection lost');
      await see('#result', 'connects again by itself');
      await see('#announcer', 'Connection lost');
      await press('Restart the app');
      await see('#result', 'does not answer');
      const second = await startLive(options);
      await see('#page-state', 'Live');
      await see('#announcer', 'Connected');
      // The new server's token is another one.
      await press('Second visitor');
      await see('#result', 'A second visitor was at the app');
      await see(newest, 'GET /');
      await second.close();
      await context.close();
    });

    test('a page left open does not grow', async () => {
      const { context, page, see } = await look(stage(2));
      const devTools = await context.newCDPSession(page);
      await devTools.send('Performance.enable');
      const traffic = async (mark: string) => {
        for (let round = 0; round < 4; round++) {
          // Each without a cookie: a visitor, and a session, of its own.
          await Promise.all(Array.from({ length: 50 }, async () => {
            await (await fetch(stage(2).appUrl)).text();
          }));
        }
        await (await fetch(`${stage(2).appUrl}${mark}`)).text();
        await see(newest, mark);
        assert.equal(await page.locator('#exchanges > li').count(), 50);
        await devTools.send('HeapProfiler.collectGarbage');
        const { metrics } = await devTools.send('Performance.getMetrics');
        const value = (wanted: string) =>
          metrics.find(({ name }) => name === wanted)?.value ?? NaN;
        return { nodes: value('Nodes'), listeners: value('JSEventListeners'),
          heap: value('JSHeapUsedSize') };
      };
      const before = await traffic('first');
      await traffic('second');
      const later = await traffic('third');
      assert.ok(later.nodes < before.nodes * 1.2, `nodes: ${before.nodes}, then ${later.nodes}`);
      assert.ok(later.listeners <= before.listeners, 'no listeners are added');
      assert.ok(later.heap < before.heap * 1.3, `bytes: ${before.heap}, then ${later.heap}`);
      await context.close();
    });
  });

  describe('step 3', { concurrency: 1 }, () => {
    test('cookie and document, and the thread between them', async () => {
      const { context, page, see, press } = await look(stage(3), {
        viewport: { width: 1280, height: 720 },
      });
      const sessions = sessionsOf(3);
      await see('#store', `${name}-3.sessions`);
      await press('Visit the app');
      await see('#thread', 'The id in the cookie is the document’s _id');
      await see('.json', /"visits": 1/);
      const id = await page.locator('#cookie-id').innerText();
      assert.equal(await page.locator('#document-id .id').innerText(), id);
      assert.deepEqual(await sessions.distinct('_id'), [id]);
      const colour = (where: string) => page.locator(where)
        .evaluate((element) => getComputedStyle(element).color);
      assert.equal(await colour('#cookie-id'), await colour('#document-id .id'));
      await see('.end', /^expires in (1 h|59 min)/);
      await see('#store', 'TTL index on expires');
      await see('#others', 'There is no other session.');
      assert.equal(await page.locator('#lines path').count(), 2);
      await checkAccessibility(page);

      // Somebody else, whose session is another.
      await press('Second visitor');
      await see('#result', 'Hello World, visit 1');
      await see('#others', 'There is 1 other session.');
      await see(newest, 'session B');

      // A request that only reads moves the session's end.
      const app = await context.newPage();
      await app.goto(`${stage(3).appUrl}<script>alert(1)</script>`);
      await see(newest, 'read');
      await see(newest, 'renewed');
      await see(newest, '%3Cscript%3Ealert(1)%3C/script%3E');

      await press('Restart the app');
      await see('#result', 'has survived');
      await see('#thread', 'One session');
      await see('#app-state', 'process');
      await press('Visit the app');
      await see('.json', /"visits": 2/);

      await press('Tamper with it');
      await see('#thread', 'The signature does not fit');
      const [tampered] = await context.cookies();
      assert.equal(tampered?.httpOnly, true, 'the attributes are kept');
      assert.equal(tampered.sameSite, 'Lax');
      assert.equal(await page.locator('#lines .gone').count(), 1);
      await checkAccessibility(page);
      await press('Visit the app');
      await see(newest, 'its signature does not fit');
      await see('.json', /"visits": 1/);
      await see('#others', 'There are 2 other sessions.');

      await press('Forget the cookie');
      await see('#result', 'you are new');
      await see('#thread', 'No thread');
      assert.deepEqual(await context.cookies(), []);
      await see('#others', 'There are 3 other sessions.');
      await context.close();
    });

    test('a session expires', async () => {
      const { context, see, press } = await look(stage(3), { colorScheme: 'dark' });
      const sessions = sessionsOf(3);
      // Without the index, MongoDB leaves the document there.
      await sessions.dropIndex('expires_1');
      await press('Visit the app');
      await see('#thread', 'One session');
      await see('#store', 'There is no TTL index');
      await press('Expire now');
      await see('#result', 'is in the past now');
      await see('#thread', 'The document is still there, but its end has passed');
      await see('.end', 'ago');
      await press('Visit the app');
      await see(newest, 'its session has expired');
      await see('#thread', 'One session');

      await sessions.createIndex({ expires: 1 }, { expireAfterSeconds: 0 }, {});
      await press('Expire now');
      await see('#thread', 'MongoDB has deleted its document');
      await see('#store', 'No document has this browser’s id');
      await press('Expire now');
      await see('#result', 'no document that could expire');
      await context.close();
    });

    test('other names, ids that the store changes, data that are no JSON', async () => {
      const { context, page, see, press } = await look(stage(3));
      const sessions = sessionsOf(3);
      await press('Visit the app');
      await see('#thread', 'One session');
      const id = await page.locator('#cookie-id').innerText();
      const document = await sessions.findOneAndDelete({ _id: id });
      assert.ok(document);
      await see('#thread', 'or does the store change ids (transformId)?');

      const elsewhere = client.db(`${name}-4`).collection<{ _id: string }>('visitors');
      await elsewhere.insertOne({
        ...document,
        session: { text: '<img src=x onerror=alert(1)>', when: new Date(0), list: [1, null] },
      } as { _id: string });
      await see('#store', `${name}-4.visitors`);
      await see('.json', '<img src=x onerror=alert(1)>');
      await see('.json', '1970-01-01T00:00:00.000Z');
      await elsewhere.updateOne({ _id: id }, { $set: { session: 'no JSON <b>' } });
      await see('.json', '"no JSON <b>"');
      assert.equal(await page.locator('.json b, .json img').count(), 0);
      await elsewhere.drop();
      await context.close();
    });

    test('another name of this machine is told apart', async () => {
      const { live } = stage(3);
      const url = live.url.replace('localhost', '127.0.0.1');
      const { context, page, see } = await look({ live: { url } });
      await see('#host-note', 'A cookie belongs to the name of a host');
      assert.equal(await page.getByRole('link', { name: `${live.url}/` }).count(), 1);
      await context.close();
    });
  });

  describe('step 4', { concurrency: 1 }, () => {
    test('logout, on a narrow screen', async () => {
      const { context, page, see, press } = await look(stage(4), {
        viewport: { width: 390, height: 844 }, colorScheme: 'dark',
      });
      await press('Visit the app');
      await see('#thread', 'One session');
      await checkAccessibility(page);
      const width = await page.evaluate('document.documentElement.scrollWidth');
      assert.equal(width, 390, 'nothing sticks out');

      const app = await context.newPage();
      const old = (await context.cookies())[0];
      assert.ok(old);
      await app.goto(`${stage(4).appUrl}logout`);
      await app.getByRole('button', { name: 'Log out' }).click();
      await app.getByText('Logout complete').waitFor();
      await see(newest, 'The app destroyed the session. The browser was told to forget');
      await see('#thread', 'No thread');
      await context.addCookies([old]);
      await see('#thread', 'The session was destroyed');
      await press('Visit the app');
      await see(newest, 'refused');
      await context.close();
    });
  });
});

type See = (where: string, text: string | RegExp) => Promise<void>;
type Press = (button: string) => Promise<void>;

async function checkAccessibility(page: Page): Promise<void> {
  if (axe === undefined) return;
  await page.evaluate(axe);
  const found: unknown = await page.evaluate(`axe.run().then(({ violations }) =>
    violations.map(({ id, help, nodes }) => [id, help, ...nodes.map(({ html }) => html)]))`);
  assert.deepEqual(found, []);
}

async function readAxe(): Promise<string | undefined> {
  try {
    return await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  } catch {
    if (isCi) throw new Error('axe-core is missing. Next: npm ci');
    return undefined;
  }
}
