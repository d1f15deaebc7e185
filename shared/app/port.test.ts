import assert from 'node:assert/strict';
import { createServer, Server } from 'node:net';
import { test } from 'node:test';
import { Problem } from '../terminal/problem.ts';
import { listen, onEnd } from '../testing/workshop.ts';
import { findPort, freePort } from './port.ts';

/** The port suggested in place of a refused one. */
async function advised(PORT: string): Promise<number> {
  try {
    await findPort({ PORT }, 'step:1');
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const [, port] = /^PORT=(\d+) npm run step:1 /.exec(error.next) ?? [];
    return Number(port);
  }
  throw new Error(`${PORT} was not refused`);
}

test('a port is a number from 1 to 65535, and free on every address', async (t) => {
  for (const PORT of ['0', '65536', '-1', '4e3', ' ', '4000x', '999999']) {
    assert.equal(await advised(PORT), 4000);
  }
  const free = await freePort();
  assert.equal(await findPort({ PORT: String(free) }, 'step:1'), free);
  for (const host of ['127.0.0.1', undefined]) {
    const server = createServer();
    onEnd(t, () => server.close());
    await assert.rejects(
      findPort({ PORT: String(await listen(server, host)) }, 'step:1'),
      /Port \d+ is in use by .*node/,
    );
  }
});

test('the suggested port can be used, whatever ports the system refuses', async (t) => {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this`
  const { listen } = Server.prototype;
  const refused = [4000, 4001, 4010];
  t.mock.method(Server.prototype, 'listen', function (this: Server, port: number, host?: string) {
    if (!refused.includes(port)) return listen.call(this, { port, host });
    const error = Object.assign(new Error('no'), { code: 'EACCES' });
    process.nextTick(() => this.emit('error', error));
    return this;
  });
  for (const PORT of ['4000', '4001', '4010']) {
    const port = await advised(PORT);
    assert.ok(!refused.includes(port), String(port));
    assert.equal(await findPort({ PORT: String(port) }, 'step:1'), port);
  }
});
