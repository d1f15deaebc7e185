/** Cursors, indexes, server information, errors with MongoDB's codes, and limits. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { Db, Document } from 'mongodb';
import { Long, MongoBulkWriteError } from 'mongodb';

import type { Loose } from '../../testing/stand-in.ts';
import { index, openServer, refusesAll, rejectsWithCode, update } from '../../testing/stand-in.ts';
import { eventually } from '../../testing/workshop.ts';

const server = await openServer();

// --- Errors ------------------------------------------------------------------------------------

const find = (filter: Document): Document => ({ find: 'c', filter });

const refusals: [code: number, command: Document][] = [
  [59, { unheardOf: 1 }],
  [40415, { find: 'c', unheardOf: 1 }],
  [14, { find: 'c', filter: 'x' }],
  [51024, { find: 'c', skip: -1 }],
  [2, find({ a: { $unheardOf: 1 } })],
  [2, find({ $unheardOf: 1 })],
  [2, find({ a: { $gt: 1, b: 1 } })],
  [2, find({ $or: [] })],
  [2, find({ a: { $in: 1 } })],
  [2, find({ a: { $not: {} } })],
  [2, find({ a: { $type: 'unheardOf' } })],
  [51091, find({ a: { $regex: '(' } })],
  [15975, { find: 'c', sort: { a: 2 } }],
  [31254, { find: 'c', projection: { a: 1, b: 0 } }],
  [31253, { find: 'c', projection: { a: 0, b: 1 } }],
  [9, update({ $unheardOf: { a: 1 } })],
  [9, update({ $set: 1 })],
  [14, update({ $inc: { a: 'x' } })],
  [14, update({ $inc: { text: 1 } })],
  [28, update({ $set: { 'text.a': 1 } })],
  [40, update({ $set: { a: 1 }, $inc: { a: 1 } })],
  [40, update({ $set: { a: 1, 'a.b': 1 } })],
  [66, update({ $set: { _id: 2 } })],
  [66, update({ _id: 2 })],
  [9, update({ a: 1 }, {}, { multi: true })],
  [11000, update({ $set: { a: 1 } }, { _id: 1, text: 'other' }, { upsert: true })],
  [9, { delete: 'c', deletes: [{ q: {}, limit: 5 }] }],
  [11000, { insert: 'c', documents: [{ _id: 1 }] }],
  [53, { insert: 'c', documents: [{ _id: [1] }] }],
  [73, { insert: 'a$b', documents: [{}] }],
  [40324, { aggregate: 'c', pipeline: [{ $unheardOf: {} }], cursor: {} }],
  [9, { aggregate: 'c', pipeline: [] }],
  [43, { getMore: Long.fromNumber(123), collection: 'c' }],
  [9, { findAndModify: 'c', query: {} }],
  [26, { listIndexes: 'missing' }],
  [27, { dropIndexes: 'c', index: 'missing' }],
  [72, { dropIndexes: 'c', index: '_id_' }],
  [67, index({ a: 1, b: 1 }, { expireAfterSeconds: 1 })],
  [67, index({ a: 1 }, { expireAfterSeconds: -1 })],
  [67, index({ a: 0 })],
  [197, index({ a: 1 }, { unheardOf: 1 })],
  [11000, index({ same: 1 }, { unique: true })],
  [13, { listDatabases: 1 }],
  [2, { insert: 'c', documents: [{}], writeConcern: { w: 3 } }],
  [20, { find: 'c', txnNumber: Long.fromNumber(1), startTransaction: true, autocommit: false }],
];

test('invalid commands fail with MongoDB\'s error code', () => server.withDatabase(async (db) => {
  await db.collection<Loose>('c').insertMany([
    { _id: 1, text: 'x', same: 1 }, { _id: 3, same: 1 },
  ]);
  for (const [code, command] of refusals) {
    const reply = await db.command(command).catch((error: unknown) => error);
    const label = JSON.stringify(command);
    assert.ok(reply !== null && typeof reply === 'object', label);
    const errors: unknown[] = 'writeErrors' in reply && Array.isArray(reply.writeErrors)
      ? reply.writeErrors
      : [reply];
    const [first] = errors;
    assert.ok(first !== null && typeof first === 'object' && 'code' in first, label);
    assert.equal(first.code, code, label);
  }
  assert.equal(await db.collection('c').countDocuments(), 2);
}));

test('what only a full MongoDB can do is refused, not ignored', {
  skip: server.isStandIn ? false : 'a whole MongoDB does these',
}, () => server.withDatabase((db) => refusesAll(db, [
  { find: 'c', collation: { locale: 'de' } },
  { find: 'c', hint: { a: 1 } },
  { find: 'c', filter: { $expr: { $eq: ['$a', 1] } } },
  { find: 'c', filter: { a: { $mod: [2, 0] } } },
  { find: 'c', projection: { a: { $slice: 1 } } },
  { find: 'c', tailable: true },
  update([{ $set: { a: 1 } }]),
  update({ $set: { 'a.$[]': 1 } }),
  update({ $set: { a: 1 } }, {}, { arrayFilters: [{ x: 1 }] }),
  { create: 'd', capped: true, size: 1000 },
  { create: 'd', validator: { a: 1 } },
  index({ a: 'text' }),
  index({ '$**': 1 }),
  index({ a: 1 }, { collation: { locale: 'de' } }),
])));

test('what a learner tries in the shell is answered, or refused with a way out', {
  skip: server.isStandIn ? false : 'a whole MongoDB answers all of it',
}, () => server.withDatabase(async (db) => {
  const sessions = db.collection('sessions');
  await sessions.insertMany([{ expires: new Date(0), user: 'ada' }, { expires: new Date() }]);
  assert.equal((await sessions.find({ expires: { $lt: new Date() } }).toArray()).length, 2);
  assert.equal((await sessions.updateMany({}, { $set: { user: 'eve' } })).modifiedCount, 2);
  // mongosh's stats() sends this.
  const [stats] = await sessions.aggregate([{ $collStats: { storageStats: { scale: 1 } } }])
    .toArray();
  assert.ok(stats);
  const { storageStats } = stats as { storageStats: Document };
  assert.deepEqual([storageStats.count, storageStats.nindexes], [2, 1]);
  assert.ok(Number(storageStats.size) > 0);
  await refusesAll(db, [
    { explain: { find: 'sessions' } }, { dbStats: 1 }, { collMod: 'sessions' },
    { aggregate: 'sessions', pipeline: [{ $lookup: {} }], cursor: {} },
    { aggregate: 'sessions', pipeline: [{ $group: { _id: 1, a: { $avg: '$b' } } }], cursor: {} },
    find({ $where: 'this.user' }), update({ $rename: { user: 'name' } }, { user: 'eve' }),
  ]);
  assert.equal((await sessions.deleteMany({})).deletedCount, 2);
}));

test('a transaction is refused', { skip: server.isStandIn ? false : 'may be a replica set' }, () =>
  server.withDatabase(async (db) => {
    const session = server.client.startSession();
    session.startTransaction();
    // The driver rewords mongod's "Transaction numbers are only allowed …".
    await assert.rejects(db.collection('c').insertOne({}, { session }), /does not support/);
    await session.endSession();
    assert.equal(await db.collection('c').countDocuments(), 0);
  }));

test('a login is refused with a way out', { skip: !server.isStandIn }, async () => {
  const { MongoClient } = await import('mongodb');
  const client = new MongoClient(server.url.replace('//', '//root:secret@'));
  await assert.rejects(client.connect(), { code: 18, message: /user name and the password/ });
  await client.close();
});

// --- Writes ------------------------------------------------------------------------------------

test('ordered writes stop at the first error, unordered ones do not', () =>
  server.withDatabase(async (db) => {
    const docs = [{ _id: 1 }, { _id: 1 }, { _id: 2 }];
    for (const [ordered, expected] of [[true, 1], [false, 2]] as const) {
      const collection = db.collection<{ _id: number }>(`ordered-${String(ordered)}`);
      const outcome: unknown = await collection.insertMany(docs, { ordered })
        .catch((error: unknown) => error);
      assert.ok(outcome instanceof MongoBulkWriteError);
      assert.equal(outcome.code, 11000);
      assert.equal(outcome.insertedCount, expected);
      assert.equal(await collection.countDocuments(), expected);
    }
  }));

test('a duplicate key error names the key', () => server.withDatabase(async (db) => {
  const collection = db.collection<{ _id: string }>('c');
  await collection.insertOne({ _id: 'x' });
  const error = await rejectsWithCode(collection.insertOne({ _id: 'x' }), 11000);
  assert.match(error.message, /^E11000 duplicate key error collection: .*\.c index: _id_ dup key/);
  assert.deepEqual(error.keyPattern, { _id: 1 });
  assert.deepEqual(error.keyValue, { _id: 'x' });
}));

test('an unacknowledged write is done but not answered', () => server.withDatabase(async (db) => {
  const collection = db.collection<{ _id: number; a?: number }>('c', { writeConcern: { w: 0 } });
  await collection.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  await collection.updateOne({ _id: 1 }, { $set: { a: 1 } });
  await collection.deleteMany({ _id: 2 });
  await collection.insertOne({ _id: 1 }); // an error that goes unreported
  const acknowledged = db.collection<{ _id: number }>('c');
  await eventually('the unacknowledged writes', async () => {
    const docs = await acknowledged.find().sort({ _id: 1 }).toArray();
    return JSON.stringify(docs) === '[{"_id":1,"a":1},{"_id":3}]';
  });
}));

test('retryable writes and sessions in the connection string make no difference', () =>
  server.withDatabase(async (db) => {
    await server.client.withSession(async (session) => {
      await db.collection('c').insertOne({ a: 1 }, { session });
      assert.equal(await db.collection('c').countDocuments({}, { session }), 1);
    });
  }));

// --- Cursors -----------------------------------------------------------------------------------

test('a cursor delivers everything in batches', () => server.withDatabase(async (db) => {
  const collection = db.collection<{ _id: number }>('c');
  await collection.insertMany(Array.from({ length: 250 }, (_, _id) => ({ _id })));
  const ids = (docs: { _id: number }[]): number[] => docs.map(({ _id }) => _id);
  const all = [...Array(250).keys()];
  assert.deepEqual(ids(await collection.find().toArray()), all);
  assert.deepEqual(ids(await collection.find().batchSize(7).toArray()), all);
  assert.deepEqual(ids(await collection.find().skip(240).limit(5).toArray()), all.slice(240, 245));
  assert.deepEqual(
    ids(await collection.find().sort({ _id: -1 }).limit(2).toArray()), [249, 248],
  );
  assert.equal((await collection.find().limit(-3).toArray()).length, 3);
  assert.equal(
    (await collection.aggregate([{ $match: {} }], { batchSize: 0 }).toArray()).length, 250,
  );

  const { cursor } = await db.command({ find: 'c', batchSize: 0 }) as { cursor: Document };
  assert.deepEqual(cursor.firstBatch, []);
  const more = { getMore: cursor.id as Long, collection: 'c', batchSize: 3 };
  const reply = await db.command(more, { promoteLongs: false }) as { cursor: Document };
  assert.deepEqual(reply.cursor.nextBatch, [{ _id: 0 }, { _id: 1 }, { _id: 2 }]);
}));

test('a closed cursor is gone', () => server.withDatabase(async (db) => {
  const collection = db.collection('c');
  await collection.insertMany(Array.from({ length: 10 }, () => ({})));
  const cursor = collection.find().batchSize(2);
  await cursor.next();
  const { id } = cursor;
  assert.ok(id);
  await cursor.close();
  await rejectsWithCode(db.command({ getMore: Long.fromValue(id), collection: 'c' }), 43);
}));

test('large results come in replies of at most 16 MB', () => server.withDatabase(async (db) => {
  const collection = db.collection('c');
  const text = 'x'.repeat(7 * 1024 * 1024);
  for (let n = 0; n < 3; n += 1) await collection.insertOne({ text });
  assert.equal((await collection.find().toArray()).length, 3);
}));

// --- Indexes -----------------------------------------------------------------------------------

test('indexes are listed, repeated, refused and dropped', () => server.withDatabase(async (db) => {
  const collection = db.collection('c');
  for (const attempt of ['made', 'there already']) {
    const name = await collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0 }, {});
    assert.equal(name, 'expires_1', attempt);
  }
  await rejectsWithCode(collection.createIndex({ expires: 1 }, { expireAfterSeconds: 5 }, {}), 85);
  await rejectsWithCode(collection.createIndex({ expires: 1 }), 85);
  await rejectsWithCode(collection.createIndex({ expires: 1 }, { name: 'other' }, {}), 85);
  await rejectsWithCode(collection.createIndex({ a: 1 }, { name: 'expires_1' }, {}), 86);
  await collection.createIndex({ a: 1, b: -1 }, { unique: true }, {});
  assert.deepEqual(await collection.listIndexes().toArray(), [
    { v: 2, key: { _id: 1 }, name: '_id_' },
    { v: 2, key: { expires: 1 }, name: 'expires_1', expireAfterSeconds: 0 },
    { v: 2, key: { a: 1, b: -1 }, name: 'a_1_b_-1', unique: true },
  ]);
  await collection.dropIndex('expires_1');
  assert.equal((await collection.indexes()).length, 2);
  await collection.dropIndexes();
  assert.equal((await collection.indexes()).length, 1);
}));

test('a unique index rejects duplicate values', () => server.withDatabase(async (db) => {
  const collection = db.collection<Loose>('c');
  await collection.createIndex({ a: 1 }, { unique: true }, {});
  await collection.insertOne({ _id: 1, a: 'x' });
  await rejectsWithCode(collection.insertOne({ a: 'x' }), 11000);
  await collection.insertOne({ _id: 2 });
  await rejectsWithCode(collection.insertOne({ a: null }), 11000);
  await rejectsWithCode(collection.updateOne({ _id: 2 }, { $set: { a: 'x' } }), 11000);
  await collection.updateOne({ _id: 1 }, { $set: { a: 'z' } });
  await collection.insertOne({ _id: 3, a: 'x' });
  await collection.deleteOne({ _id: 3 });
  await collection.insertOne({ _id: 4, a: 'x' });
}));

// --- What the server says about itself ---------------------------------------------------------

test('databases and collections come and go', () => server.withDatabase(async (db) => {
  const { databaseName } = db;
  const names = async (): Promise<string[]> =>
    (await server.client.db().admin().listDatabases({ nameOnly: true }))
      .databases.map(({ name }) => name);
  assert.ok(!(await names()).includes(databaseName));
  assert.deepEqual(await db.collection('c').find().toArray(), []);
  assert.ok(!(await names()).includes(databaseName), 'reading makes no database');

  await db.createCollection('c');
  await db.createCollection('c'); // repeating it is fine, since MongoDB 7.0
  await db.collection('d').insertOne({});
  assert.ok((await names()).includes(databaseName));
  const collections = await db.listCollections().toArray();
  assert.deepEqual(collections.map(({ name }) => name).sort(), ['c', 'd']);
  const [only] = await db.listCollections({ name: 'd' }, { nameOnly: true }).toArray();
  assert.deepEqual(only, { name: 'd', type: 'collection' });

  await db.collection('c').drop();
  await db.collection('c').drop(); // dropping nothing is fine, since MongoDB 7.0
  assert.deepEqual((await db.listCollections().toArray()).map(({ name }) => name), ['d']);
  await db.dropDatabase();
  assert.ok(!(await names()).includes(databaseName));
}));

test('serverStatus counts the connections', async () => {
  const admin = server.client.db().admin();
  const before = await admin.serverStatus();
  const { MongoClient } = await import('mongodb');
  const other = await MongoClient.connect(server.url);
  const during = await admin.serverStatus();
  await other.close();
  const current = (status: Document): number => {
    const { connections } = status as { connections: { current: number } };
    return connections.current;
  };
  assert.ok(current(during) > current(before));
  assert.equal(typeof during.version, 'string');
  assert.ok(Number(during.uptime) >= 0);
});

test('answers what mongosh asks when it starts', async () => {
  const admin = server.client.db('admin');
  for (const command of [
    { hello: 1 }, { ping: 1 }, { buildInfo: 1 }, { connectionStatus: 1, showPrivileges: true },
    { getLog: 'startupWarnings' }, { serverStatus: 1 },
    { listDatabases: 1, nameOnly: true, authorizedDatabases: true },
  ]) {
    const reply = await admin.command(command);
    assert.equal(reply.ok, 1, JSON.stringify(command));
  }
  await rejectsWithCode(admin.command({ atlasVersion: 1 }), 59);
});

test('says that it is not a real MongoDB', { skip: !server.isStandIn }, async () => {
  const admin = server.client.db().admin();
  const info = await admin.buildInfo();
  assert.deepEqual(info.modules, ['workshop-stand-in']);
  assert.deepEqual((await admin.serverStatus()).modules, ['workshop-stand-in']);
});

// --- What one client may take from the others --------------------------------------------------

const checksAll = process.env.STAND_IN_CHECK === 'all' && server.isStandIn;

interface Page { id: Long; firstBatch?: Loose[]; nextBatch?: Loose[] }

async function page(db: Db, command: Document): Promise<Page> {
  const { cursor } = await db.command(command, { promoteLongs: false }) as { cursor: Page };
  return cursor;
}

test('an open cursor sees the documents present when it reaches them', () =>
  server.withDatabase(async (db) => {
    const collection = db.collection<Loose>('c');
    await collection.insertMany([1, 2, 3, 4].map((_id) => ({ _id })));
    const { id, firstBatch } = await page(db, { find: 'c', batchSize: 2 });
    assert.deepEqual(firstBatch, [{ _id: 1 }, { _id: 2 }]);
    await collection.deleteOne({ _id: 3 });
    await collection.updateOne({ _id: 4 }, { $set: { a: 1 } });
    await collection.insertOne({ _id: 5 });
    const { nextBatch } = await page(db, { getMore: id, collection: 'c' });
    assert.deepEqual(nextBatch, [{ _id: 4, a: 1 }, { _id: 5 }]);
  }));

test('a cursor belongs to its session', () => server.withDatabase(async (db) => {
  await db.collection('c').insertMany(Array.from({ length: 5 }, () => ({})));
  await server.client.withSession(async (one) => {
    const { cursor } = await db.command(
      { find: 'c', batchSize: 1 }, { session: one, promoteLongs: false },
    ) as { cursor: { id: Long } };
    await server.client.withSession(async (other) => {
      const more = { getMore: cursor.id, collection: 'c' };
      await rejectsWithCode(db.command(more, { session: other }), 50738);
      await db.command(more, { session: one });
    });
  });
}));

test('a command takes no longer than maxTimeMS allows', () => server.withDatabase(async (db) => {
  const docs = Array.from({ length: 5000 }, (_, a) => ({ a, text: 'a'.repeat(28) }));
  await db.collection('c').insertMany(docs);
  const many = Array.from({ length: 2000 }, (_, n) => ({ a: -n - 1 }));
  const slow: Document[] = [
    { find: 'c', filter: { $or: many } },
    { find: 'c', filter: { text: { $regex: '^(a+)+$b' } } },
    { count: 'c', query: { $nor: many } },
    { aggregate: 'c', pipeline: [{ $match: { $or: many } }], cursor: {} },
    { delete: 'c', deletes: Array.from({ length: 2000 }, () => ({ q: { a: -1 }, limit: 1 })) },
  ];
  for (const command of slow) {
    const start = performance.now();
    const reply = await db.command({ ...command, maxTimeMS: 20 }).catch((error: unknown) => error);
    const took = performance.now() - start;
    assert.match(JSON.stringify(reply), /"code":50,/, JSON.stringify(command).slice(0, 60));
    assert.ok(took < 2000, `${took} ms`);
  }
  assert.equal(await db.collection('c').countDocuments(), docs.length);
  // A quick enough command is answered.
  assert.equal(await db.collection('c').countDocuments({ text: { $regex: '^(a+)+$' } }, {
    limit: 1, maxTimeMS: 1000,
  }), 1);
}));

// Seconds of work each: for npm run check:stand-in only.
if (checksAll) describe('the bounds of the stand-in', () => {
  test('unread cursors hold no copies', () => server.withDatabase(async (db) => {
    await db.collection('c').insertMany(Array.from({ length: 20_000 }, () => ({})));
    const before = process.memoryUsage().heapUsed;
    for (let n = 0; n < 6; n += 1) {
      const pages = Array.from({ length: 50 }, () => page(db, { find: 'c', batchSize: 1 }));
      await Promise.all(pages);
    }
    // 300 copies of 20,000 references are 48 MB.
    assert.ok(process.memoryUsage().heapUsed - before < 30_000_000);
  }));

  test('without maxTimeMS a command ends after 5 seconds', () => server.withDatabase(async (db) => {
    await db.collection('c').insertOne({ text: 'a'.repeat(40) });
    await rejectsWithCode(db.collection('c').findOne({ text: { $regex: '^(a+)+b$' } }), 50);
  }));

  test('there are at most 1000 open cursors', () => server.withDatabase(async (db) => {
    await db.collection('c').insertMany([{ a: 1 }, { a: 2 }]);
    const open = (): Promise<Page> => page(db, { find: 'c', sort: { a: -1 }, batchSize: 1 });
    for (let n = 0; n < 1000; n += 1) await open();
    await rejectsWithCode(open(), 146);
    // Dropping a collection closes them.
    await db.collection('c').drop();
    await db.collection('c').insertMany([{ a: 1 }, { a: 2 }]);
    await open();
  }));
});
