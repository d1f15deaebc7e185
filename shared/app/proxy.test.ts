import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { freePort } from './port.ts';
import { listen, onEnd } from '../testing/workshop.ts';
import { startProxy } from './proxy.ts';

test('passes everything on, with its own forwarding headers', async (t) => {
  const app = createServer((req, res) => {
    void text(req).then((body) => {
      res.writeHead(201, { 'Set-Cookie': ['a=1', 'b=2'] });
      res.end(JSON.stringify({ method: req.method, url: req.url, headers: req.headers, body }));
    });
  });
  onEnd(t, () => app.close());
  const port = await freePort();
  onEnd(t, await startProxy(port, new Set([await listen(app, '127.0.0.1')])));
  const answer = await fetch(`http://127.0.0.1:${port}/login?next=%2F`, {
    method: 'POST',
    headers: { Cookie: 'a=0', 'X-Forwarded-Proto': 'http', 'X-Forwarded-For': '6.6.6.6' },
    body: 'name=ada',
  });
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2']);
  const came = await answer.json() as {
    method: string; url: string; headers: Record<string, string>; body: string;
  };
  assert.deepEqual([came.method, came.url, came.body], ['POST', '/login?next=%2F', 'name=ada']);
  assert.equal(came.headers.host, `127.0.0.1:${port}`);
  assert.equal(came.headers.cookie, 'a=0');
  assert.equal(came.headers['x-forwarded-proto'], 'https');
  assert.equal(came.headers['x-forwarded-for'], '127.0.0.1');
});

test('a silent app gives a 502; when either side disconnects, so does the other', async (t) => {
  const port = await freePort();
  const appPort = await freePort();
  onEnd(t, await startProxy(port, new Set([appPort]), 'http'));
  const early = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x'.repeat(1e6) });
  assert.equal(early.status, 502);
  assert.match(await early.text(), /The app doesn't answer on port \d+/);

  const app = createServer((req, res) => { res.write('half an answer'); });
  app.listen(appPort, '127.0.0.1');
  onEnd(t, () => app.close());
  await once(app, 'listening');
  const visit = async () => {
    const outgoing = request({ port, host: '127.0.0.1' }).end();
    const gone = once(app, 'request').then(([req]: IncomingMessage[]) => (
      req && once(req.socket, 'close')
    ));
    const [answer] = await once(outgoing, 'response') as [IncomingMessage];
    return { answer, gone };
  };
  const left = await visit();
  left.answer.destroy();
  await left.gone;

  const cut = await visit();
  app.closeAllConnections();
  await assert.rejects(text(cut.answer), /aborted/);
});
