/*
 * A real browser views the live picture and presses every button.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { after, before, describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MongoClient } from 'mongodb';
import type { Browser, Page } from 'playwright-core';
import { App } from '../app/app.ts';
import type { Database } from '../mongo/database.ts';
import { skipWithoutChromium, startChromium } from '../testing/chromium.ts';
import { freePort } from '../app/port.ts';
import { onEnd } from '../testing/workshop.ts';
import { startLive } from './live.ts';
import { openStageDatabase, startStage, type Stage } from '../testing/stage.ts';

const isCi = process.env['CI'] === 'true';
const secret = 'a secret that only this test uses';
const newest = '#exchanges > li:first-child';
const names = ['visit', 'visitor', 'forget', 'tamper', 'expire', 'restart'];

/** The source of axe-core, which checks accessibility. */
const axe = await readAxe();

describe('the live picture in a browser', {
  skip: skipWithoutChromium,
  timeout: 300_000,
  // These tests mostly wait.
  concurrency: 3,
}, () => {
  let browser: Browser;
  let database: Database;
  let client: MongoClient;
  let of: Awaited<ReturnType<typeof openStageDatabase>>['of'];

  before(async () => {
    [browser, { database, of }] = await Promise.all([startChromium(), openStageDatabase()]);
    client = await MongoClient.connect(database.url);
  });

  after(async () => {
    await browser.close();
    await client.close();
    await database.close();
  });

  /** Starts an app, with its own database if it keeps sessions in MongoDB. */
  async function open(t: TestContext, number: number, entry?: string): Promise<Stage & {
    mongo: { url: string; line: string };
    db: ReturnType<MongoClient['db']>;
  }> {
    const name = `workshop-live-${process.pid}-${number}${entry ? '-login' : ''}`;
    const mongo = of(name);
    onEnd(t, () => client.db(name).dropDatabase());
    const stage = await startStage({
      number, secret, ...number > 2 && { mongo }, ...entry && { entry },
    });
    onEnd(t, () => stage.close());
    return { ...stage, mongo, db: client.db(name) };
  }

  /** Opens the picture in its own browser. Any error on the page fails the test. */
  async function look(
    t: TestContext,
    url: string,
    options: Parameters<Browser['newContext']>[0] = {},
  ) {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
    onEnd(t, () => context.close());
    const page = await context.newPage();
    const errors: unknown[] = [];
    page.on('pageerror', (error) => errors.push(error));
    page.on('dialog', () => errors.push('Something from a request was run as a script.'));
    onEnd(t, () => {
      assert.deepEqual(errors, []);
    });
    await page.goto(url);
    const see = async (where: string, text: string | RegExp) => {
      await page.locator(where).filter({ hasText: text }).first().waitFor()
        .catch(async () => {
          assert.fail(`${where} does not show ${String(text)}, but:\n${
            (await page.locator(where).allInnerTexts()).join('\n')}`);
        });
    };
    /** Uses the keyboard: playwright won't click a button that's marked as disabled. */
    const press = (button: string) => page.getByRole('button', { name: button }).press('Enter');
    const buttons = async () => JSON.stringify(await Promise.all(
      names.map((id) => page.locator(`#${id}`).boundingBox()),
    ));
    await see('#page-state', 'Live');
    return { context, page, see, press, buttons };
  }

  test('step 1: nothing yet, and keyboard focus is visible', async (t) => {
    const app = new App({ entry: '', env: {} });
    const step = { number: 1, title: 'Hello' };
    const [appPort, port] = [await freePort(), await freePort()];
    const live = await startLive({ step, app, appPort, secret, port });
    onEnd(t, () => live.close());
    const { page, see, press } = await look(t, live.url.replace('localhost', '127.0.0.1'));
    await see('#host-note', 'A cookie belongs to the name of a host');
    await page.getByRole('link', { name: live.url }).click();
    await page.locator('#host-note').waitFor({ state: 'hidden' });
    await see('#browser', 'holds no session cookie, and this app sets none');
    await see('#store', 'This app remembers nobody');
    await see('#link', 'Nothing to link yet');
    await see('#exchange', 'Nobody has visited the app yet');
    const reached: string[] = [];
    for (let presses = 0; presses < 8; presses++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => {
        const { activeElement: element } = document;
        const isSeen = element && getComputedStyle(element).outlineStyle !== 'none';
        return isSeen && element instanceof HTMLButtonElement ? element.id : '';
      }));
    }
    assert.deepEqual(reached.filter((id) => id !== ''), names);
    await press('Forget the cookie');
    await see('#result', 'Visit the app first');
  });

  test('step 2: sessions in memory, and how they end', async (t) => {
    const { app, appPort, appUrl, live } = await open(t, 2);
    const { context, page, see, press } = await look(t, live.url);
    await see('#link', 'No link');
    await press('Visit the app');
    await see('#result', 'It answered "Hello World, visit 1".');
    await see('#link', 'One session');
    await see(newest, /this browser\s*GET \/\s*200.*created/s);
    await see('#browser', 'HttpOnly');
    await see('#browser', 'it ends with the browser');
    assert.equal(await page.evaluate('document.cookie'), '', 'no script can read the cookie');
    const [cookie] = await context.cookies();
    const shown = await page.locator('.row > :last-child').allInnerTexts();
    const whole = `${cookie?.name ?? ''}=${cookie?.value ?? ''}`;
    assert.equal(shown.join('').replaceAll(/\s/g, ''), whole, 'the parts are the whole');
    await see('#store', /The memory of process \d+/);
    await press('Expire now');
    await see('#result', 'Nobody but the app can reach into its memory');

    await press('Restart the app');
    await see('#result', 'a new process now');
    await see('#link', 'The memory is gone');
    await press('Visit the app');
    await see(newest, /refused.*created.*the memory that held its session ended/s);
    await see('#link', 'One session');

    // A page left open doesn't grow in memory.
    const devTools = await context.newCDPSession(page);
    await devTools.send('Performance.enable');
    const traffic = async (mark: string) => {
      // No cookie, so each request is a new visitor with a new session.
      await Promise.all(Array.from({ length: 60 }, async () => (await fetch(appUrl)).text()));
      await (await fetch(`${appUrl}${mark}`)).text();
      await see(newest, mark);
      assert.equal(await page.locator('#exchanges > li').count(), 50);
      await devTools.send('HeapProfiler.collectGarbage');
      const { metrics } = await devTools.send('Performance.getMetrics');
      return (wanted: string) => metrics.find(({ name }) => name === wanted)?.value ?? NaN;
    };
    const before = await traffic('first');
    const later = await traffic('second');
    assert.ok(later('Nodes') < before('Nodes') * 1.2, 'nodes');
    assert.ok(later('JSEventListeners') <= before('JSEventListeners'), 'listeners');
    assert.ok(later('JSHeapUsedSize') < before('JSHeapUsedSize') * 1.3, 'bytes');

    // A button's message goes as soon as something else happens.
    await press('Second visitor');
    await see('#result', /^A second visitor came\. It answered "Hello World, visit 1"/);
    await (await fetch(appUrl)).text();
    await see('#result', 'Press a button and watch the picture.');

    // The command ends and starts again.
    await live.close();
    await see('#page-state', 'Connection lost');
    await see('#result', 'reconnects by itself. If it doesn’t, open the address in the terminal');
    await see('#announcer', 'The connection is lost');
    const options = { step: { number: 2, title: 'Two' }, app, appPort, secret, port: live.port };
    const second = await startLive(options);
    await see('#page-state', 'Live');
    await press('Second visitor');
    await see('#result', 'A second visitor came');
    await second.close();
    const third = await startLive({ ...options, secret: 'another' });
    onEnd(t, () => third.close());
    await see('#result', 'has moved: open the address in the terminal, after “Live”');
  });

  test('steps 3 and 4: cookie and document, the link between them, and a logout', async (t) => {
    const { appUrl, live, db } = await open(t, 4);
    const viewport = { width: 1280, height: 640 };
    const { context, page, see, press, buttons } = await look(t, live.url, { viewport });
    const places = await buttons();
    const sessions = db.collection<{ _id: string; expires: Date }>('sessions');
    await see('#store', `${db.databaseName}.sessions`);
    await press('Visit the app');
    await see('#link', 'The id in the cookie is the document’s _id');
    await see('.json', /"session": "{\\"cookie\\":.*\\"visits\\":1}"/);
    await see('.json', /^{\s*"cookie": { .* },\s*"visits": 1\s*}$/);
    const id = await page.locator('#cookie-id').innerText();
    assert.equal(await page.locator('#document-id').innerText(), id);
    assert.deepEqual(await sessions.distinct('_id'), [id]);
    const [ofCookie, ofDocument] = await colours(page, '#cookie-id', '#document-id');
    assert.equal(ofCookie, ofDocument);
    await see('.end', /^expires in (1 h|59 min)/);
    await see('#store', 'TTL index on expires');
    await see('#others', 'There’s no other session.');
    assert.equal(await page.locator('#lines path').count(), 2);

    // Another visitor, with another session.
    await press('Second visitor');
    await see('#others', 'There’s 1 other session.');
    await see(newest, 'session B');

    // A read-only request extends the session.
    const app = await context.newPage();
    await app.goto(`${appUrl}<script>alert(1)</script>`);
    await see('#exchanges', /%3Cscript%3Ealert\(1\)%3C\/script%3E.*read.*extended/s);
    await app.close();

    await press('Restart the app');
    await see('#result', 'has survived');
    await press('Visit the app');
    await see('.json', /"visits": 2/);

    await press('Tamper with it');
    await see('#link', 'The signature doesn’t fit');
    const [tampered] = await context.cookies();
    assert.equal(tampered?.httpOnly, true, 'the attributes are kept');
    assert.equal(tampered.sameSite, 'Lax');
    assert.equal(await page.locator('#lines .gone').count(), 1);
    await checkAccessibility(page);
    await press('Visit the app');
    await see(newest, 'its signature doesn’t fit');
    await see('#others', 'There are 2 other sessions.');

    await press('Forget the cookie');
    await see('#result', 'you’re new');
    await see('#link', 'No link');
    assert.deepEqual(await context.cookies(), []);

    // A session visibly expires. Without the index, MongoDB doesn't delete it.
    await sessions.dropIndex('expires_1');
    await press('Visit the app');
    await see('#link', 'One session');
    await see('#store', 'There’s no TTL index');
    await press('Expire now');
    await see('#link', 'The document is still there, but its end has passed');
    await see('#result', 'is in the past now');
    await see('.end', 'ago');
    await press('Visit the app');
    await see(newest, 'its session has expired');
    await see('#link', 'One session');
    await press('Expire now');
    await see('#link', 'The session has expired');
    await sessions.deleteMany({});
    await see('#link', 'MongoDB has deleted its document');
    await see('#result', 'Press a button and watch the picture.');
    await press('Expire now');
    await see('#result', 'no document that could expire');

    // Other names, ids that the store changes, data that isn't JSON.
    await press('Visit the app');
    await see('#link', 'One session');
    const other = await page.locator('#cookie-id').innerText();
    const document = await sessions.findOneAndDelete({ _id: other });
    await see('#link', 'Does the store change ids (transformId)');
    const visitors = db.collection<{ _id: string; session: unknown }>('visitors');
    await visitors.insertOne({
      ...document, _id: other,
      session: { text: '<img src=x onerror=alert(1)>', when: new Date(0), list: [1, null] },
    });
    await see('#store', `${db.databaseName}.visitors`);
    await see('.json', '<img src=x onerror=alert(1)>');
    await see('.json', '1970-01-01T00:00:00.000Z');
    await visitors.updateOne({ _id: other }, { $set: { session: 'no JSON <b>' } });
    await see('.json', '"no JSON <b>"');
    assert.equal(await page.locator('.json b, .json img').count(), 0);

    // Whatever happened, every button has kept its place and stays in view.
    assert.equal(await buttons(), places);
    await page.evaluate('scrollTo(0, document.body.scrollHeight)');
    for (const name of names) assert.ok(await isInView(page, `#${name}`), name);

    // On a phone, a button stays under the pointer while the page updates.
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: 'dark' });
    for (const name of names) assert.ok(await isInView(page, `#${name}`), name);
    await context.clearCookies();
    await see('#link', 'No link');
    const { x = 0, y = 0 } = await page.locator('#visit').boundingBox() ?? {};
    for (const visit of [1, 2, 3]) {
      await page.mouse.click(x + 20, y + 20);
      await see('.json', new RegExp(`"visits": ${visit}`));
      await see('#result', `It answered "Hello World, visit ${visit}".`);
    }
    await checkAccessibility(page);
    const width = await page.evaluate('document.documentElement.scrollWidth');
    assert.equal(width, 390, 'nothing sticks out');

    const old = (await context.cookies())[0];
    assert.ok(old);
    const logout = await context.newPage();
    await logout.goto(`${appUrl}logout`);
    await logout.getByRole('button', { name: 'Log out' }).click();
    await logout.getByText('Logout complete').waitFor();
    await logout.close();
    await see(newest, 'The app destroyed the session. It told the browser to forget');
    await see('#link', 'No link');
    await context.addCookies([old]);
    await see('#link', 'The session was destroyed');
    await press('Visit the app');
    await see(newest, 'refused');
  });

  test('logins: whose session it is, a new id, and refusals', async (t) => {
    const entry = fileURLToPath(new URL('../testing/login-app.ts', import.meta.url));
    const { appUrl, live, db } = await open(t, 4, entry);
    const { context, page, see, press } = await look(t, live.url);
    await db.collection<{ _id: string; passwordHash: string }>('accounts')
      .insertOne({ _id: 'ada', passwordHash: '$argon2id$secret' });
    await press('Visit the app');
    await see('#link', 'One session');
    const before = await page.locator('#cookie-id').innerText();
    await context.request.post(`${appUrl}login/ada`);
    await see('#browser', 'Session B: this browser, logged in as ada');
    await see('#exchanges', new RegExp(`renewed id.*${before.slice(0, 8)}`, 's'));
    assert.doesNotMatch(await page.locator('#exchanges').innerText(), /refused/);
    await see('#store', 'accounts ada');
    await see('.logins', /B.*ada \(this browser\)/s);
    const own = 'li:has(#own-login) .id';
    const [login, ...same] = await colours(page, '#login-id', own, '#cookie-id');
    assert.deepEqual(same, [login, login]);
    assert.equal(await page.locator('#lines path').count(), 3, 'the login is linked, too');
    assert.doesNotMatch(await page.content(), /argon2id/);

    await fetch(`${appUrl}login/mallory`, {
      method: 'POST',
      headers: { origin: 'http://localhost:4666', 'sec-fetch-site': 'same-site' },
    });
    await see(newest, /forbidden.*Origin: http:\/\/localhost:4666, Sec-Fetch-Site: same-site/s);
    await checkAccessibility(page);
  });
});

async function isInView(page: Page, selector: string): Promise<boolean> {
  const box = await page.locator(selector).boundingBox();
  const { height = 0 } = page.viewportSize() ?? {};
  return box !== null && box.y >= 0 && box.y + box.height <= height;
}

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
    if (isCi) throw new Error('axe-core is missing. Next: npm install --no-save axe-core');
    return undefined;
  }
}

/** The colours of elements, all at once: the page may draw itself anew between two looks. */
async function colours(page: Page, ...places: string[]): Promise<string[]> {
  const colours = await page.evaluate((places) => places.map((place) => {
    const element = document.querySelector(place);
    return element ? getComputedStyle(element).color : `${place} is missing`;
  }), places);
  for (const colour of colours) assert.match(colour, /^rgb/);
  return colours;
}
