/** Bytes that no driver sends. They go to our own stand-in, never to MONGO_URL. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { deserialize, serialize } from 'bson';
import { MongoClient } from 'mongodb';

import { eventually } from '../../testing/workshop.ts';
import { startStandIn } from './server.ts';

const standIn = await startStandIn();
const client = await MongoClient.connect(standIn.url);
after(async () => {
  await client.close();
  await standIn.close();
});

const open = ({ url } = standIn): Socket => connect(Number(new URL(url).port), '127.0.0.1');

// --- Handmade messages -------------------------------------------------------------------------

function int32(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32LE(value, index * 4);
  return bytes;
}

function message(opCode: number, requestId: number, ...parts: Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 16);
  return Buffer.concat([int32(length, requestId, 0, opCode), ...parts]);
}

function opMsg(command: object, { requestId = 1, flags = 0 } = {}): Buffer {
  return message(2013, requestId, int32(flags), Buffer.from([0]), serialize(command));
}

const ping = opMsg({ ping: 1, $db: 'admin' }, { requestId: 77 });

interface Answer { responseTo: number; body: Record<string, unknown> }

/** Sends bytes and reads one reply; returns undefined if the server hangs up instead. */
async function send(...chunks: Uint8Array[]): Promise<Answer | undefined> {
  const socket = open();
  socket.on('error', () => undefined);
  try {
    for (const chunk of chunks) socket.write(chunk);
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      assert.ok(Buffer.isBuffer(chunk));
      received = Buffer.concat([received, chunk]);
      if (received.length < 16 || received.length < received.readInt32LE(0)) continue;
      const isReply = received.readInt32LE(12) === 1;
      const body = received.subarray(isReply ? 36 : 21, received.readInt32LE(0));
      return { responseTo: received.readInt32LE(8), body: deserialize(body) };
    }
    return undefined;
  } finally {
    socket.destroy();
  }
}

const isAlive = async (): Promise<void> => {
  assert.equal((await client.db().command({ ping: 1 })).ok, 1);
};

test('an impossible length closes the connection, not the server', async () => {
  for (const length of [0, -1, 15, 48_000_001, 0x7fffffff]) {
    assert.equal(await send(int32(length, 1, 0, 2013), Buffer.alloc(32)), undefined, `${length}`);
    await isAlive();
  }
});

test('an unknown opcode closes the connection', async () => {
  for (const opCode of [0, 2002, 2012, 4711]) {
    assert.equal(await send(message(opCode, 1, Buffer.alloc(20))), undefined);
  }
  assert.equal(await send(message(2013, 1)), undefined); // not even flags
  await isAlive();
});

const malformed: [code: number, what: string, bytes: Buffer][] = [
  [40587, 'no body', message(2013, 1, int32(0))],
  [40430, 'two bodies', message(2013, 1, int32(0), ...[1, 2].flatMap(() =>
    [Buffer.from([0]), serialize({ ping: 1 })]))],
  [40432, 'a section of an unknown kind', message(2013, 1, int32(0), Buffer.from([9, 9]))],
  [22, 'a document longer than the message', message(2013, 1, int32(0), Buffer.from([0]),
    int32(500), Buffer.alloc(8))],
  [22, 'a document of negative length', message(2013, 1, int32(0), Buffer.from([0]),
    int32(-5), Buffer.alloc(8))],
  [22, 'a document that is not BSON', message(2013, 1, int32(0), Buffer.from([0]),
    int32(12), Buffer.from([0x55, 65, 0, 1, 2, 3, 4, 0]))],
  [22, 'a sequence longer than the message', message(2013, 1, int32(0), Buffer.from([1]),
    int32(500), Buffer.from('documents\0'))],
  [22, 'a sequence without a name', message(2013, 1, int32(0), Buffer.from([1]),
    int32(8), Buffer.from('docs'))],
  [40571, 'no database', opMsg({ ping: 1 })],
  [238, 'a checksum', opMsg({ ping: 1, $db: 'admin' }, { flags: 1 })],
  [223, 'an unknown flag', opMsg({ ping: 1, $db: 'admin' }, { flags: 8 })],
  [352, 'OP_QUERY for anything but hello', message(2004, 1, int32(0), Buffer.from('admin.$cmd\0'),
    int32(0, -1), serialize({ find: 'c' }))],
  [15, 'documents 300 deep', opMsg({ insert: 'c', $db: 'test', deep: nest(300) })],
];

function nest(depth: number): object {
  return depth === 0 ? {} : { a: nest(depth - 1) };
}

for (const [code, what, bytes] of malformed) {
  test(`${what}: error ${code}`, async () => {
    const answer = await send(bytes);
    assert.equal(answer?.body.ok, 0);
    assert.equal(answer.body.code, code, String(answer.body.errmsg));
    await isAlive();
  });
}

test('a document of 17 MB in a sequence: error 10334', async () => {
  // Built by hand: the bson package won't serialize more than 17 MB.
  const text = Buffer.alloc(17 * 1024 * 1024, 'x');
  const name = Buffer.from('\x02a\0');
  const field = Buffer.concat([name, int32(text.length + 1), text, Buffer.from([0])]);
  const document = Buffer.concat([int32(field.length + 5), field, Buffer.from([0])]);
  const command = serialize({ insert: 'c', $db: 'test' });
  const sequence = Buffer.concat([Buffer.from('documents\0'), document]);
  const answer = await send(message(
    2013, 5, int32(0), Buffer.from([0]), command,
    Buffer.from([1]), int32(sequence.length + 4), sequence,
  ));
  assert.equal(answer?.body.code, 10334, String(answer?.body.errmsg));
  await isAlive();
});

test('a document just over 16 MB is refused, one just under is kept', async () => {
  const db = client.db('stand_in_robustness');
  const mebibyte = 1024 * 1024;
  await assert.rejects(
    db.collection('c').insertOne({ text: 'x'.repeat(16 * mebibyte) }), { code: 10334 },
  );
  await db.collection('c').insertOne({ text: 'x'.repeat(16 * mebibyte - 100) });
  await assert.rejects(
    db.collection('c').updateOne({}, { $set: { more: 'x'.repeat(200) } }), { code: 10334 },
  );
  await db.dropDatabase();
});

// A second of work: for npm run check:stand-in only.
if (process.env.STAND_IN_CHECK === 'all') {
  test('more documents than a batch may have: error 16, before they fill memory', async () => {
    const name = Buffer.from('documents\0');
    const documents = Buffer.alloc(9_000_000 * 5, Buffer.from([5, 0, 0, 0, 0]));
    const command = serialize({ insert: 'c', $db: 'stand_in_robustness' });
    const before = process.memoryUsage.rss();
    const answer = await send(message(
      2013, 5, int32(0), Buffer.from([0]), command,
      Buffer.from([1]), int32(4 + name.length + documents.length), name, documents,
    ));
    assert.equal(answer?.body.code, 16, String(answer?.body.errmsg));
    assert.ok(process.memoryUsage.rss() - before < 400_000_000);
  });
}

test('garbage after a valid message does not cost its reply', async () => {
  const answer = await send(Buffer.concat([ping, Buffer.alloc(64, 0xff)]));
  assert.deepEqual([answer?.responseTo, answer?.body.ok], [77, 1]);
});

test('messages may come byte by byte, or many at once', async () => {
  const answer = await send(...Array.from(ping, (byte) => Buffer.from([byte])));
  assert.deepEqual([answer?.responseTo, answer?.body.ok], [77, 1]);

  const insert = (requestId: number): Buffer => {
    const command = { insert: 'c', $db: 'stand_in_robustness', documents: [{ requestId }] };
    return opMsg(command, { requestId, flags: 2 });
  };
  // Flag 2 (moreToCome) asks for no reply: the first answer is the ping's.
  const after = await send(Buffer.concat([insert(1), insert(2), insert(2), ping]));
  assert.deepEqual([after?.responseTo, after?.body.ok], [77, 1]);
  assert.equal(await client.db('stand_in_robustness').collection('c').countDocuments(), 3);
  await client.db('stand_in_robustness').dropDatabase();
});

test('clients that vanish leave nothing behind', async () => {
  const current = async (): Promise<number> => {
    const { connections } = await client.db().admin().serverStatus() as {
      connections: { current: number };
    };
    return connections.current;
  };
  const before = await current();
  const find = opMsg({ find: 'c', $db: 'test' });
  for (const bytes of [Buffer.alloc(0), ping.subarray(0, 3), ping.subarray(0, 20), find]) {
    const socket = open();
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(bytes);
    socket.resetAndDestroy();
  }
  await eventually('the connections are gone', async () => await current() <= before);
  await isAlive();
});

test('a client that does not read its replies cannot fill memory', async () => {
  const db = client.db('stand_in_robustness');
  await db.collection('c').insertOne({ text: 'x'.repeat(1024 * 1024) });
  const before = process.memoryUsage().external;
  const socket = open();
  socket.pause();
  await once(socket, 'connect');
  const find = opMsg({ find: 'c', $db: 'stand_in_robustness' });
  for (let n = 0; n < 2000; n += 1) socket.write(find);
  for (let n = 0; n < 10; n += 1) await isAlive();
  assert.ok(process.memoryUsage().external - before < 500 * 1024 * 1024);
  socket.destroy();
  await db.dropDatabase();
});

test('close() ends connections and frees the port, and can be called twice', async () => {
  const other = await startStandIn();
  const socket = open(other);
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  await Promise.all([other.close(), other.close()]);
  await closed;
  await assert.rejects(once(open(other), 'connect'), { code: 'ECONNREFUSED' });
});

test('its process outlives Ctrl-C and ends with its IPC channel', async () => {
  const main = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', main], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const messages: unknown[] = await once(child, 'message');
  const [hello] = messages;
  assert.ok(hello !== null && typeof hello === 'object' && 'url' in hello);
  if (process.platform !== 'win32') {
    child.kill('SIGINT');
    child.kill('SIGTERM');
  }
  const other = await MongoClient.connect(String(hello.url));
  assert.equal((await other.db().command({ ping: 1 })).ok, 1);
  await other.close();
  child.disconnect();
  assert.deepEqual(await exited, [0, null]);
});
