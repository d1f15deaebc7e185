import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { MongoClient } from 'mongodb';
import { Problem } from '../terminal/problem.ts';
import { listen, onEnd } from '../testing/workshop.ts';
import { startStandIn } from './stand-in/server.ts';
import { toRequest } from './stand-in/wire.ts';
import { openDatabase } from './database.ts';
import { withDatabase } from './url.ts';

const password = 'pass-w0rd';

function open(MONGO_URL: string) {
  const say = () => undefined;
  return openDatabase({ inProcess: true, mayDownload: true, say, env: { MONGO_URL } });
}

/** The message a person would see. */
async function problemOf(url: string): Promise<string> {
  const outcome = await open(url).catch((error: unknown) => error);
  assert(outcome instanceof Problem, `a Problem for ${url}`);
  assert.doesNotMatch(`${outcome.message}${outcome.stack ?? ''}`, /pass-w0rd|pass%2Dw0rd/);
  assert.match(outcome.next, /MONGO_URL/);
  return outcome.message;
}

/** A server that handles every connection as the test wants. */
async function serve(t: TestContext, onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  const port = await listen(server, '127.0.0.1');
  onEnd(t, () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `127.0.0.1:${port}`;
}

/** Speaks just enough of MongoDB's protocol for a handshake; other requests get an error. */
function refuse(code: number): (socket: Socket) => void {
  return (socket) => {
    socket.on('data', (message) => {
      const isHello = /hello|ismaster/i.test(message.toString('latin1'));
      socket.write(toRequest(message).reply(isHello
        ? { ismaster: true, isWritablePrimary: true, maxWireVersion: 25, minWireVersion: 0, ok: 1 }
        : { ok: 0, code, errmsg: `no entry for ${password}` }) ?? '');
    });
  };
}

describe('MONGO_URL', { concurrency: true }, () => {
  test('is the server we use, and it outlives us', async (t) => {
    const server = await startStandIn();
    onEnd(t, () => server.close());
    const database = await open(`${server.url}/mine`);
    assert.equal(database.url, `${server.url}/mine`);
    assert.equal(database.engine, 'MONGO_URL');
    assert.equal(database.version, server.version);
    assert.match(database.line, /^MongoDB: server \S+ at 127\.0\.0\.1:\d+ \(MONGO_URL\)$/);
    await database.close();
    await (await open(server.url)).close();
  });

  test('that is malformed is a problem, and its login is not shown', async () => {
    assert.match(await problemOf('localhost:27017'), /has to begin with mongodb:\/\//);
    assert.match(await problemOf(`user:${password}@host`), /has to begin with mongodb:\/\//);
    assert.match(await problemOf('mongodb://'), /isn't a MongoDB address/);
    const option = await problemOf(`mongodb://host/?nosuch=${password}&${password}=1`);
    assert.match(option, /one of its options/);
    // The host is missing.
    const address = /mongodb:\/\/HOST:PORT\/DATABASE/;
    assert.match(await problemOf(`mongodb://bob:${password}`), address);
    assert.match(await problemOf(`mongodb+srv://bob:${password}`), address);
    assert.match(await problemOf(`mongodb://user:${password}@x@host`), /percent-encoded/);
    assert.match(await problemOf(`mongodb://user:x/${password}@host`), /percent-encoded/);
    assert.match(await problemOf(`mongodb://${password}:x:y@host`), /percent-encoded/);
  });

  test('where nothing listens is a problem within 3 s', async (t) => {
    const address = await serve(t, (socket) => {
      socket.destroy();
    });
    const began = Date.now();
    const message = await problemOf(`mongodb://user:${password}@${address}/?appName=${password}`);
    assert.match(message, new RegExp(`${address} .*doesn't answer within 3 s`));
    assert(Date.now() - began < 15_000, "half of the driver's own patience");
  });

  test('that stays silent is a problem within 3 s', async (t) => {
    const address = await serve(t, () => undefined);
    const began = Date.now();
    assert.match(await problemOf(`mongodb://${address}`), /doesn't answer within 3 s/);
    assert(Date.now() - began < 15_000, "half of the driver's own patience");
  });

  test('that names an unknown machine says so', async () => {
    const message = await problemOf(`mongodb://user:${password}@no-such-machine.invalid/x`);
    assert.match(message, /no-such-machine\.invalid/);
    assert.match(message, /name/);
  });

  test('with a login that is refused says so', async (t) => {
    const address = await serve(t, refuse(18));
    const message = await problemOf(`mongodb://user:${password}@${address}/?authSource=admin`);
    assert.match(message, /refuses the login/);
  });

  test('without the login that the server wants says so', async (t) => {
    const address = await serve(t, refuse(13));
    assert.match(await problemOf(`mongodb://${address}`), /asks for a login/);
  });
});

test('switching to another database of the same server keeps its login', () => {
  const cases: [string, string, string | undefined][] = [
    ['mongodb://h', 'mongodb://h/new', undefined],
    ['mongodb://h/', 'mongodb://h/new', undefined],
    ['mongodb://h/old?tls=true', 'mongodb://h/new?tls=true', undefined],
    ['mongodb://a:1,[::1]:2/?replicaSet=r', 'mongodb://a:1,[::1]:2/new?replicaSet=r', undefined],
    ['mongodb://u:p@h', 'mongodb://u:p@h/new?authSource=admin', 'admin'],
    ['mongodb://u:p@h/old?tls=true', 'mongodb://u:p@h/new?tls=true&authSource=old', 'old'],
    ['mongodb://u:p@h/old?AuthSource=x', 'mongodb://u:p@h/new?AuthSource=x', 'x'],
    ['mongodb+srv://u:p@h.x.y/', 'mongodb+srv://u:p@h.x.y/new?authSource=admin', 'admin'],
  ];
  for (const [url, expected, source] of cases) {
    const moved = withDatabase(url, 'new');
    assert.equal(moved, expected);
    const { options } = new MongoClient(moved);
    assert.equal(options.dbName, 'new');
    assert.equal(options.credentials?.source, source);
    assert.equal(new MongoClient(url).options.credentials?.source, source);
  }
  assert.equal(withDatabase('mongodb://h/old', 'new', { keep: true }), 'mongodb://h/old');
  assert.equal(withDatabase('mongodb://h/?w=1', 'new', { keep: true }), 'mongodb://h/new?w=1');
});
