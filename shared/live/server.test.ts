/*
 * The page's server, approached without a browser and with bad intentions.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders,
} from 'node:http';
import { connect, createServer } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { App } from '../app/app.ts';
import { freePort } from '../app/port.ts';
import { eventually, listen, onEnd, temporaryFolder } from '../testing/workshop.ts';
import { steps } from '../lesson/steps.ts';
import type { Exchange } from './exchange.ts';
import { startLive, type Shown } from './live.ts';
import { startStage } from '../testing/stage.ts';

const secret = 'a secret that only this test uses';

/** Starts a page without a running app. */
async function startPage(t: TestContext, port?: number) {
  const app = new App({ entry: '', env: {} });
  const [step] = steps;
  assert.ok(step);
  const appPort = await freePort();
  const live = await startLive({ step, app, appPort, secret, port: port ?? await freePort() });
  onEnd(t, () => live.close());
  return { live, port: live.port, path: new URL(live.url).pathname };
}

/** Sends a request with exactly these headers, which fetch wouldn't allow. */
async function send(port: number, path: string, headers: OutgoingHttpHeaders, method = 'GET') {
  const request = httpRequest({ host: '127.0.0.1', port, path, method, headers }).end();
  const [response] = await once(request, 'response') as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode, text, headers: response.headers };
}

/** Fetches what a page would show. */
async function pictureOf(url: string, seen = ''): Promise<Shown> {
  const response = await fetch(`${url}picture?seen=${seen}`);
  assert.equal(response.status, 200);
  return await response.json() as Shown;
}

describe('who may read and control', () => {
  test('only requests with the key, to our own name and from our own page', async (t) => {
    const { port, path } = await startPage(t);
    const host = `localhost:${port}`;
    const origin = `http://${host}`;
    const post = { host, origin };
    const key = path.slice(1, -1);

    for (const [status, path, headers, method] of [
      [403, '/', { host }],
      [403, '/picture', { host }],
      [403, '/page.js', { host }],
      [403, '//picture', { host }],
      [403, `/${key.slice(1)}/picture`, { host }],
      [403, `/${key}x/picture`, { host }],
      [403, '/restart', post, 'POST'],
      [308, `/${key}`, { host }],
    ] as [number, string, OutgoingHttpHeaders, string?][]) {
      const answer = await send(port, path, headers, method);
      assert.equal(answer.status, status, path);
      if (status === 403) assert.match(answer.text, /in the terminal, after “Live”/);
    }

    const cases: [number, string, OutgoingHttpHeaders, string?][] = [
      [200, '/', { host }],
      [200, '/', { host: `127.0.0.1:${port}` }],
      [200, '/', { host: host.toUpperCase() }],
      [200, '/picture', { host, origin, 'sec-fetch-site': 'same-origin' }],
      [200, '/', {
        host, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate',
        'sec-fetch-dest': 'document',
      }],
      [421, '/', { host: `attacker.example:${port}` }],
      [421, '/', { host: 'localhost' }],
      [421, '/picture', { host: `localhost.attacker.example:${port}` }],
      [403, '/picture', { host, origin: 'http://attacker.example' }],
      [403, '/picture', { host, origin: 'http://localhost:4000' }],
      [403, '/picture', { host, origin: 'null' }],
      [403, '/picture', { host, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
      [403, '/', { host, 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }],
      [200, '/forget', post, 'POST'],
      [403, '/forget', { host }, 'POST'],
      [403, '/restart', { ...post, origin: 'http://attacker.example' }, 'POST'],
      [403, '/restart', { ...post, origin: 'null' }, 'POST'],
      [403, '/restart', {
        host, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document',
      }, 'POST'],
      [421, '/restart', { ...post, host: 'attacker.example' }, 'POST'],
      [405, '/restart', post, 'PUT'],
      [405, '/picture', { host }, 'OPTIONS'],
      [404, '/nothing', post, 'POST'],
      [404, '/forget', { host }],
      [404, '/../live.ts', { host }],
      [404, '/page.js/../../live.ts', { host }],
    ];
    for (const [status, path, headers, method] of cases) {
      const answer = await send(port, `/${key}${path}`, headers, method);
      assert.equal(answer.status, status, `${method ?? 'GET'} ${path} ${JSON.stringify(headers)}`);
      assert.equal(answer.headers['access-control-allow-origin'], undefined);
      assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/);
      assert.doesNotMatch(answer.text, new RegExp(`${key}|${secret}`));
    }
  });

  test('only on 127.0.0.1, not on the other addresses of this machine', async (t) => {
    const { port } = await startPage(t);
    const addresses = Object.values(networkInterfaces()).flat()
      .filter((found) => found !== undefined && found.address !== '127.0.0.1')
      .map((found) => found?.address ?? '');
    for (const host of [...addresses, '127.0.0.2']) {
      const socket = connect(port, host);
      const answer = await Promise.race([
        once(socket, 'connect').then(() => 'open'),
        once(socket, 'error').then(() => 'closed'),
      ]).catch(() => 'closed');
      socket.destroy();
      assert.equal(answer, 'closed', host);
    }
  });

  test('a taken port: uses another one, and says so', async (t) => {
    for (const host of ['127.0.0.1', '::']) {
      const other = createServer();
      onEnd(t, () => other.close());
      const taken = await listen(other, host).catch(() => undefined);
      // This machine may lack IPv6.
      if (taken === undefined) continue;
      const { live, port } = await startPage(t, taken);
      assert.notEqual(port, taken);
      assert.equal(live.note, `Port ${taken} is taken, so the live picture is at ${port}.`);
    }
  });
});

describe("what the app's process reports", () => {
  /** An app without Express, with a different behaviour for each path. */
  const app = `
    import { createServer } from 'node:http';
    const server = createServer((request, response) => {
      if (request.url === '/never') return;
      if (request.url === '/back') Date.now = () => 0;
      response.setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.end('hello');
    });
    server.listen(Number(process.env.PORT), () => console.log('listening'));
    process.send({ type: 'something of its own' });
  `;

  test('answers, waiting requests, and more than there is room for', async (t) => {
    const folder = await temporaryFolder(t);
    const entry = join(folder, 'app.ts');
    await writeFile(entry, app);
    const stage = await startStage({ number: 1, secret, entry });
    onEnd(t, () => stage.close());
    const exchanges = async () => (await pictureOf(stage.live.url)).exchanges;
    const find = (wanted: (exchange: Exchange) => boolean) => async () =>
      (await exchanges()).find(wanted);

    const path = '/<script>alert(1)</script>?name=<b>';
    const raw = connect(stage.appPort, 'localhost');
    const head = [`POST ${path} HTTP/1.1`, 'Host: x', 'Cookie: <i>=1; x=2', 'Content-Length: 0'];
    raw.write(`${head.join('\r\n')}\r\n\r\n`);
    const seen = await eventually('it is told', find(({ method }) => method === 'POST'));
    raw.destroy();
    assert.equal(seen.path, path);
    assert.deepEqual(seen.otherCookies, ['<i>', 'x']);
    assert.equal(seen.status, 200);

    const patience = new AbortController();
    const never = fetch(`${stage.appUrl}never`, { signal: patience.signal });
    const waiting = await eventually('it waits', find(({ state }) => state === 'waiting'));
    patience.abort();
    await assert.rejects(never);
    const over = await eventually('it is over', find(({ state }) => state === 'given up'));
    assert.equal(over.key, waiting.key, 'one exchange, not two');

    await Promise.all(Array.from({ length: 400 }, async (_, index) => {
      const response = await fetch(`${stage.appUrl}${index}`);
      await response.text();
    }));
    await eventually('only the latest are kept', async () => {
      const told = await exchanges();
      return told.length === 50 && told.at(-1)?.path !== '/never';
    });
    const left = assert.rejects(fetch(`${stage.appUrl}never`));
    await eventually('it waits', find(({ state }) => state === 'waiting'));
    // /back sets the wall clock back: an observer that relied on it would go silent.
    await (await fetch(`${stage.appUrl}back`)).text();
    await (await fetch(`${stage.appUrl}after`)).text();
    await eventually('a clock that was set back', find(({ path }) => path === '/after'));
    const { pid, state } = (await pictureOf(stage.live.url)).app;
    assert.equal(state, 'running');
    process.kill(pid, 'SIGKILL');
    await eventually('it has crashed', async () =>
      (await pictureOf(stage.live.url)).app.state === 'crashed');
    await left;
    assert.match((await find(({ state }) => state === 'given up')())?.text ?? '', /ended before it answered/);
  });
});
