/** Inputs that are easily answered wrongly: each is answered as mongod does, or refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Document } from 'mongodb';
import { Binary, DBRef, Decimal128, Double, Int32, Long, Timestamp } from 'mongodb';

import type { Loose } from '../../testing/stand-in.ts';
import { openServer, rejectsWithCode } from '../../testing/stand-in.ts';

const server = await openServer();
const onlyHere = { skip: server.isStandIn ? false : 'a whole MongoDB does these' };

const update = (u: unknown, q: Document = {}, more: Document = {}): Document =>
  ({ update: 'c', updates: [{ q, u, ...more }] });
const aggregate = (...pipeline: Document[]): Document =>
  ({ aggregate: 'c', pipeline, cursor: {} });
const index = (key: Document, options: Document = {}): Document =>
  ({ createIndexes: 'c', indexes: [{ key, name: 'made', ...options }] });

test('null is a value: an _id of null, a field of null on the way', () =>
  server.withDatabase(async (db) => {
    const collection = db.collection<Document & { _id: number | null }>('c');
    await collection.insertOne({ _id: 5, a: null });
    await rejectsWithCode(db.command(update({ _id: null, x: 2 }, { _id: 5 })).then(firstError), 66);
    for (const operator of ['$set', '$inc', '$push']) {
      const change = update({ [operator]: { 'a.b': 1 } });
      await rejectsWithCode(db.command(change).then(firstError), 28);
    }
    assert.deepEqual(await collection.findOne(), { _id: 5, a: null });
    await collection.replaceOne({ _id: null }, { x: 1 }, { upsert: true });
    assert.deepEqual(await collection.findOne({ _id: null }), { _id: null, x: 1 });
  }));

/** The first of a reply's write errors, thrown as the error it stands for. */
async function firstError(reply: Document): Promise<void> {
  const { MongoServerError } = await import('mongodb');
  const { writeErrors } = reply as { writeErrors?: Document[] };
  if (writeErrors?.[0] !== undefined) throw new MongoServerError(writeErrors[0]);
}

test('a command without a required field, or with one of a wrong type, does nothing', () =>
  server.withDatabase(async (db) => {
    const collection = db.collection<Loose>('c');
    await collection.insertMany([{ _id: 1 }, { _id: 2 }]);
    const wrong: [code: number, command: Document][] = [
      [40414, { delete: 'c', deletes: [{ limit: 0 }] }],
      [40414, { update: 'c', updates: [{ u: { $set: { a: 1 } }, multi: true }] }],
      [40414, { update: 'c', updates: [{ q: {} }] }],
      [40414, { insert: 'c' }],
      [40414, { getMore: Long.fromNumber(1) }],
      [40414, { distinct: 'c' }],
      [14, { find: 'c', maxTimeMS: 'soon' }],
      [14, { find: 'c', readConcern: 1 }],
      [14, { insert: 'c', documents: [{}], writeConcern: 'majority' }],
      [14, { insert: 'c', documents: [{}], writeConcern: { j: 'yes' } }],
      [14, { find: 'c', singleBatch: 'yes' }],
      [14, { find: 'c', allowDiskUse: 'yes' }],
      [14, { insert: 'c', documents: [{}], bypassDocumentValidation: 'yes' }],
      [14, { aggregate: 'c', pipeline: [], cursor: 1 }],
      [14, { listCollections: 1, nameOnly: 'yes' }],
      [40415, { aggregate: 'c', pipeline: [], cursor: { unheardOf: 1 } }],
      [40415, { update: 'c', updates: [{ q: {}, u: { $set: { a: 1 } }, unheardOf: 1 }] }],
    ];
    for (const [code, command] of wrong) {
      const error = await rejectsWithCode(db.command(command), code);
      assert.ok(error.message.length > 10, JSON.stringify(command));
    }
    // Null stands for a field that is not there.
    await db.command({ find: 'c', maxTimeMS: null, readConcern: null });
    await db.command({ insert: 'c', documents: [{ _id: 3 }], writeConcern: null });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  }));

test('write commands count what they have done', () => server.withDatabase(async (db) => {
  const collection = db.collection<Loose>('c');
  await collection.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 'x' }]);
  const failed = await db.command(update({ $inc: { a: 1 } }, { _id: 2 }));
  assert.deepEqual([failed.n, failed.nModified], [0, 0]);
  const half = await db.command(update({ $inc: { a: 1 } }, {}, { multi: true }));
  assert.deepEqual([half.n, half.nModified], [1, 1]);
  assert.equal((await collection.replaceOne({ _id: 1 }, { a: 2 })).modifiedCount, 1);
  // One malformed statement: none is run.
  await rejectsWithCode(db.command({
    update: 'c', updates: [{ q: {}, u: { $set: { b: 1 } } }, { q: 1, u: {} }],
  }), 14);
  await rejectsWithCode(db.command({
    delete: 'c', deletes: [{ q: {}, limit: 1 }, { q: {}, limit: 7 }],
  }), 9);
  await rejectsWithCode(db.command({ insert: 'c', documents: [{ _id: 9 }, 'x'] }), 14);
  assert.deepEqual(await collection.find().toArray(), [{ _id: 1, a: 2 }, { _id: 2, a: 'x' }]);
}));

test('values that look alike', () => server.withDatabase(async (db) => {
  const collection = db.collection<Loose>('c');
  await collection.insertMany([
    { _id: 1, a: new Int32(1) }, { _id: 2, a: new Double(1) }, { _id: 3, a: Long.fromNumber(1) },
  ]);
  const { values } = await db.command({ distinct: 'c', key: 'a' }, { promoteValues: false });
  assert.deepEqual(values, [new Int32(1)]);
  await collection.insertOne({ _id: 4, b: new Double(-0) });
  assert.equal(await collection.countDocuments({ b: 0 }), 1);
  assert.ok(Object.is((await collection.findOne({ _id: 4 }))?.b, -0));
  // Sums: whole numbers are exact, and rounding adds up to nothing.
  await collection.insertMany(Array.from({ length: 10 }, (_, n) => ({ _id: 10 + n, c: 0.1 })));
  await collection.insertMany([
    { _id: 30, d: Long.fromString('9007199254740993') }, { _id: 31, d: new Int32(2) },
  ]);
  const [sums] = await collection.aggregate([
    { $group: { _id: null, c: { $sum: '$c' }, d: { $sum: '$d' } } },
  ], { promoteLongs: false }).toArray();
  assert.deepEqual(sums, { _id: null, c: 1, d: Long.fromString('9007199254740995') });

  await collection.insertOne({ _id: 40 });
  const [names] = await db.listCollections({ idIndex: { $exists: true } }, { nameOnly: true })
    .toArray();
  assert.equal(names, undefined, 'nameOnly: a filter sees the name and the type only');
}));

test('what would be stored or found differently is refused', onlyHere, () =>
  server.withDatabase(async (db) => {
    const insert = (doc: Document): Document => ({ insert: 'c', documents: [doc] });
    const find = (filter: Document, more: Document = {}): Document =>
      ({ find: 'c', filter, ...more });
    await db.command(insert({
      _id: 0, n: null, docs: [{ b: 1 }, { b: 2 }], list: [1], other: [2], text: 'a b',
    }));
    const deep = Array.from({ length: 201 }, () => 'a').join('.');
    const refused: Document[] = [
      insert({ a: new Decimal128('1') }), insert({ a: new Timestamp({ t: 0, i: 0 }) }),
      insert({ a: new DBRef('x.y', new Int32(1) as never) }),
      insert({ a: new Binary(Buffer.from([1]), 2) }),
      find({}, { skip: new Decimal128('1') }), find({}, { projection: { a: '$n' } }),
      find({}, { projection: { a: { $add: [1, 2] } } }),
      find({}, { sort: { 'docs.b': 1 } }),
      find({ text: /a\sb/ }), find({ text: /(a) b\1/ }), find({ text: /a\Sb/ }),
      find({ '': 1 }), find({ 'a..b': 1 }), find({ 'a.$b': 1 }),
      aggregate({ $project: { a: '$n' } }), aggregate({ $group: { _id: { a: '$n' } } }),
      aggregate({ $group: { _id: null, a: { $first: '$n' } } }),
      aggregate({ $group: { _id: null, a: { $mergeObjects: '$n' } } }),
      aggregate({ $group: { _id: '$docs.b' } }),
      index({ a: 1 }, { partialFilterExpression: { a: { $ne: 1 } } }),
      index({ a: 1 }, { sparse: true, partialFilterExpression: { a: 1 } }),
      index({ _id: -1 }), index({ list: 1, n: 1 }), index({ 'docs.b': 1 }, { unique: true }),
      update({ $rename: { n: 'm' } }), update({ $rename: { 'list.0': 'm' } }),
      update({ $set: { 'a.$b': 1 } }), update({ $mul: { n: 1 } }),
      update({ $push: { list: { $slice: 1 } } }),
      { collMod: 'c', index: { name: '_id_', hidden: true } },
    ];
    for (const command of refused) {
      const label = JSON.stringify(command);
      const reply = await db.command(command).catch((error: unknown) => error);
      assert.match(JSON.stringify(reply), /stand-in for MongoDB/, label);
    }
    await rejectsWithCode(db.command(find({}, { sort: { list: 1, other: 1 } })), 2);
    await rejectsWithCode(db.command(update({ $set: { [deep]: 1 } })).then(firstError), 15);
    assert.equal(await db.collection('c').countDocuments(), 1);
  }));

test('no path makes a document too deep', () => server.withDatabase(async (db) => {
  const path = (length: number): string => Array.from({ length }, () => 'a').join('.');
  await db.collection<Loose>('c').insertOne({ _id: 1 });
  await db.collection('c').updateOne({}, { $set: { [path(150)]: {} } });
  const nested = JSON.parse('{"a":'.repeat(100) + '1' + '}'.repeat(100)) as Document;
  await rejectsWithCode(
    db.collection('c').updateOne({}, { $set: { [path(150)]: nested } }), 15,
  );
}));

test('a collection has 64 indexes at most', () => server.withDatabase(async (db) => {
  for (let n = 1; n < 64; n += 1) await db.collection('c').createIndex({ [`f${n}`]: 1 });
  await rejectsWithCode(db.collection('c').createIndex({ one: 1 }), 67);
}));
