import assert from 'node:assert/strict';
import { createServer, Server } from 'node:net';
import { test } from 'node:test';
import { messageOf, Problem } from '../terminal/problem.ts';
import { listen, onEnd, replacePrograms } from '../testing/workshop.ts';
import { findPort, freePort, listenerInNetstat, listenersInProc } from './port.ts';

const windows = process.platform === 'win32';

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

test('a program on all addresses is found without listening there, on every system', async (t) => {
  const other = createServer();
  onEnd(t, () => other.close());
  const PORT = String(await listen(other));
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with `this`
  const { listen: original } = Server.prototype;
  const hosts = new Set<string | undefined>();
  // macOS and Windows let a program listen on 127.0.0.1 beside one on all addresses.
  t.mock.method(Server.prototype, 'listen', function (this: Server, _: number, host?: string) {
    hosts.add(host);
    return original.call(this, { port: 0, host });
  });
  await assert.rejects(findPort({ PORT }, 'step:1'), /Port \d+ is in use by /);
  assert.ok([...hosts].every((host) => host === '127.0.0.1' || host === '::1'), [...hosts].join());
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

test('who listens on a port is read from netstat on Windows, in every language', () => {
  const output = [
    '',
    'Aktive Verbindungen',
    '',
    '  Proto  Lokale Adresse         Remoteadresse          Status           PID',
    '  TCP    127.0.0.1:4000         127.0.0.1:50123        HERGESTELLT      11',
    '  TCP    127.0.0.1:50123        127.0.0.1:4000         HERGESTELLT      12',
    '  TCP    0.0.0.0:14000          0.0.0.0:0              ABHÖREN          13',
    '  TCP    127.0.0.1:4000         0.0.0.0:0              ABHÖREN          14',
    '  TCP    [::]:4100              [::]:0                 ABHÖREN          15',
    '  UDP    0.0.0.0:4200           *:*                                     16',
    '',
  ].join('\r\n');
  for (const [port, pid] of [[4000, '14'], [4100, '15'], [4200, undefined]] as const) {
    assert.equal(listenerInNetstat(output, port), pid);
  }
});

test('who has a port is asked in the way of each system', { skip: windows }, async (t) => {
  const other = createServer();
  onEnd(t, () => other.close());
  const port = await listen(other);
  await replacePrograms(t, {
    netstat: `echo "  TCP    127.0.0.1:${port}    0.0.0.0:0    LISTENING    14"`,
    powershell: "printf '%s\\n' 'node.exe --import tsx solutions\\04-logout\\index.ts'",
    lsof: 'echo 15',
    ps: '[ "$4" = 15 ] && echo /Applications/Docker.app/Contents/MacOS/com.docker.backend',
  });
  const message = (platform: NodeJS.Platform) =>
    findPort({ PORT: String(port) }, 'step:4', platform).catch(messageOf);
  assert.match(String(await message('win32')), /by the app of solutions\/04-logout, .*process 14/);
  assert.match(String(await message('darwin')), /by \/Applications\/Docker\.app.*process 15/);

  await replacePrograms(t, { netstat: 'exit 1', lsof: 'exit 1' });
  for (const platform of ['win32', 'darwin'] as const) {
    assert.equal(await message(platform), `Port ${port} is in use by another program.`);
  }
});

test('which sockets listen on a port is read from /proc on Linux', () => {
  const anyV6 = '0'.repeat(32);
  const rest = '00000000:00000000 00:00000000 00000000  1000        0';
  const table = [
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid …',
    `   0: 0100007F:0FA0 00000000:0000 0A ${rest} 21 1 0000 100 0 0 10 0`,
    `   1: 0100007F:0FA0 0100007F:C3CB 01 ${rest} 22 1 0000 20 4 30 10 -1`,
    `   2: ${anyV6}:0FA0 ${anyV6}:0000 0A ${rest} 23 1 0000 100 0 0 10 0`,
    `   3: 00000000:0050 00000000:0000 0A ${rest} 24 1 0000 100 0 0 10 0`,
    '',
  ].join('\n');
  for (const [port, inodes] of [[4000, ['21', '23']], [80, ['24']], [4001, []]] as const) {
    assert.deepEqual(listenersInProc(table, port), inodes);
  }
});
