/**
 * How filters, sort orders, projections and updates treat documents under MongoDB's rules. What's
 * easy to get wrong is either answered as mongod does, or refused.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Document, Filter } from 'mongodb';
import {
  BSON, Binary, DBRef, Decimal128, Double, Int32, Long, MaxKey, MongoServerError, ObjectId,
  Timestamp, UUID,
} from 'mongodb';

import type { Loose } from '../../testing/stand-in.ts';
import { index, openServer, refusesAll, rejectsWithCode, update } from '../../testing/stand-in.ts';

interface Numbered extends Document { _id: number }

const server = await openServer();
const id = new ObjectId('0123456789abcdef01234567');
const day = new Date('2024-02-03T04:05:06.789Z');

const queryCases: [docs: Document[], filter: Filter<Numbered>, found: number[]][] = [
  // Equality: numbers of all types, null and missing fields, whole arrays and their elements.
  [[{ a: 1 }, { a: new Double(1) }, { a: Long.fromNumber(1) }, { a: '1' }], { a: 1 }, [0, 1, 2]],
  [[{ a: null }, {}, { a: 0 }, { a: [] }, { a: [null] }], { a: null }, [0, 1, 4]],
  [[{ a: [1, 2] }, { a: [2, 1] }, { a: [[1, 2]] }, { a: 1 }], { a: [1, 2] }, [0, 2]],
  [[{ a: [1, 2] }, { a: 2 }, { a: [[2]] }], { a: 2 }, [0, 1]],
  [[{ a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }, { a: { b: 1 } }], { a: { b: 1, c: 2 } }, [0]],
  [[{ a: day }, { a: day.getTime() }], { a: day }, [0]],
  [[{ a: id }, { a: id.toHexString() }], { a: id }, [0]],
  [[{ a: NaN }, { a: 1 }], { a: NaN }, [0]],
  [[{ constructor: 1 }, {}], { constructor: { $exists: true } }, [0]],
  // Paths.
  [[{ a: { b: 1 } }, { a: [{ b: 1 }] }, { a: [{ b: 2 }, { b: 1 }] }, { a: 1 }], { 'a.b': 1 },
    [0, 1, 2]],
  [[{ a: [5, 6] }, { a: [6, 5] }, { a: { 0: 5 } }], { 'a.0': 5 }, [0, 2]],
  [[{ a: [{ c: 1 }] }, { a: { b: null } }, { a: 5 }, {}, { a: [] }, { a: [5] }],
    { 'a.b': null }, [0, 1, 2, 3]],
  // Order: within one type; null with null and missing fields.
  [[{ a: 1 }, { a: 5 }, { a: '5' }, { a: null }, {}, { a: day }], { a: { $gt: 1 } }, [1]],
  [[{ a: 1 }, { a: null }, {}], { a: { $gte: null } }, [1, 2]],
  [[{ a: 1 }, { a: null }, {}], { a: { $gt: null } }, []],
  [[{ a: new Date(0) }, { a: day }, { a: 1e15 }], { a: { $lt: day } }, [0]],
  [[{ a: [1, 9] }, { a: [4, 6] }], { a: { $gt: 3, $lt: 5 } }, [0, 1]],
  [[{ a: 'b' }, { a: 'B' }, { a: 'é' }, { a: '\u{1F600}' }, { a: '\uFFFD' }],
    { a: { $gt: '\uFFFD' } }, [3]],
  [[{ a: Long.fromString('9007199254740993') }, { a: 9007199254740992 }],
    { a: { $gt: 9007199254740992 } }, [0]],
  [[{ a: NaN }, { a: 1 }], { a: { $lt: 2 } }, [1]],
  [[{ a: true }, { a: false }, { a: 1 }], { a: { $lte: false } }, [1]],
  // The other operators.
  [[{ a: 1 }, { a: 2 }, {}, { a: [1, 3] }], { a: { $ne: 1 } }, [1, 2]],
  [[{ a: 1 }, { a: 'x' }, {}, { a: 'xy' }], { a: { $in: [1, null, /^x$/] } }, [0, 1, 2]],
  [[{ a: 1 }, { a: 2 }, {}], { a: { $nin: [1, null] } }, [1]],
  [[{ a: null }, {}, { a: [] }], { a: { $exists: true } }, [0, 2]],
  [[{ a: null }, {}, { a: 1 }], { a: { $exists: false } }, [1]],
  [[{ a: 1 }, { a: new Double(1.5) }, { a: 'x' }, { a: [1] }], { a: { $type: 'number' } },
    [0, 1, 3]],
  [[{ a: 1 }, { a: day }, { a: ['x'] }], { a: { $type: ['array', 9] } }, [1, 2]],
  [[{ a: [1, 2] }, { a: [1] }, { a: 2 }, { a: [[1, 2]] }], { a: { $size: 2 } }, [0]],
  [[{ a: [1, 2, 3] }, { a: [1] }, { a: 1 }], { a: { $all: [1] } }, [0, 1, 2]],
  [[{ a: [1, 2, 3] }, { a: [1] }], { a: { $all: [1, 3] } }, [0]],
  [[{ a: [1] }, {}], { a: { $all: [] } }, []],
  [[{ a: [1, 9] }, { a: [4] }, { a: 4 }], { a: { $elemMatch: { $gt: 3, $lt: 5 } } }, [1]],
  [[{ a: [{ b: 1, c: 1 }] }, { a: [{ b: 1 }, { c: 1 }] }], { a: { $elemMatch: { b: 1, c: 1 } } },
    [0]],
  [[{ a: [[1, 2]] }, { a: [1, 2] }], { a: { $elemMatch: { $size: 2 } } }, [0]],
  [[{ a: 5 }, { a: 1 }, {}, { a: 'x' }], { a: { $not: { $gt: 3 } } }, [1, 2, 3]],
  [[{ a: 'cat' }, { a: 'cAt' }, { a: ['dog', 'CAT'] }, { a: 1 }],
    { a: { $regex: '^cat$', $options: 'i' } }, [0, 1, 2]],
  [[{ a: 'x\ny' }, { a: 'xzy' }, { a: 'x\n' }], { a: /^x.y|^x$/ }, [1, 2]],
  [[{ a: 'a.b' }, { a: 'a-b' }, { a: 'axb' }], { a: /a[\-.]b/ }, [0, 1]],
  [[{ a: 1 }, { b: 2 }, { a: 1, b: 2 }], { $and: [{ a: 1 }, { b: 2 }] }, [2]],
  [[{ a: 1 }, { b: 2 }, { c: 3 }], { $or: [{ a: 1 }, { b: 2 }] }, [0, 1]],
  [[{ a: 1 }, { b: 2 }, { c: 3 }], { $nor: [{ a: 1 }, { b: 2 }] }, [2]],
  [[{}, {}, {}], { _id: { $in: [2, 0, 7] } }, [0, 2]],
  [[{}, {}, {}], { _id: { $gt: 0 }, $comment: 'why' }, [1, 2]],
];

test('filters match by MongoDB\'s rules', () => server.withDatabase(async (db) => {
  for (const [index, [docs, filter, expected]] of queryCases.entries()) {
    const collection = db.collection<Numbered>(`c${index}`);
    await collection.insertMany(docs.map((doc, _id) => ({ ...doc, _id })));
    const found = await collection.find(filter).sort({ _id: 1 }).toArray();
    const label = `${BSON.EJSON.stringify(filter)} among ${BSON.EJSON.stringify(docs)}`;
    assert.deepEqual(found.map(({ _id }) => _id), expected, label);
    assert.equal(await collection.countDocuments(filter), expected.length, label);
  }
}));

const updateCases: [before: Document, update: Document, after: Document][] = [
  [{ a: 1 }, { $set: { a: 2, 'b.c': 3 } }, { a: 2, b: { c: 3 } }],
  [{ a: [1, 2] }, { $set: { 'a.3': 4 } }, { a: [1, 2, null, 4] }],
  [{ z: 1 }, { $set: { c: 1, a: 2, b: 3 } }, { z: 1, a: 2, b: 3, c: 1 }],
  [{ a: 1, b: { c: 1, d: 2 } }, { $unset: { a: '', 'b.c': '', x: '' } }, { b: { d: 2 } }],
  [{ a: [1, 2] }, { $unset: { 'a.0': '' } }, { a: [null, 2] }],
  [{ a: 1 }, { $setOnInsert: { b: 1 }, $inc: { a: 2, n: 5 } }, { a: 3, n: 5 }],
  [{ a: 2, b: 2 }, { $min: { a: 1, b: 3, c: 5 } }, { a: 1, b: 2, c: 5 }],
  [{ a: 2, b: 2 }, { $max: { a: 1, b: 3, c: 5 } }, { a: 2, b: 3, c: 5 }],
  [{ a: [1] }, { $push: { a: 2, b: 3 } }, { a: [1, 2], b: [3] }],
  [{ a: [1, 2] }, { $push: { a: { $each: [3, 4] } } }, { a: [1, 2, 3, 4] }],
  [{ a: [1] }, { $addToSet: { a: { $each: [1, 2, 2] } } }, { a: [1, 2] }],
  [{ a: [1, 2, 3, 4] }, { $pull: { a: { $gte: 3 } } }, { a: [1, 2] }],
  [{ a: [{ b: 1, c: 1 }, { b: 2 }] }, { $pull: { a: { b: 1 } } }, { a: [{ b: 2 }] }],
  [{ a: 1 }, { $set: { _id: 0, a: 2 } }, { a: 2 }],
];

test('updates follow MongoDB\'s rules', () => server.withDatabase(async (db) => {
  for (const [index, [before, update, after]] of updateCases.entries()) {
    const collection = db.collection<Numbered>(`c${index}`);
    await collection.insertOne({ ...before, _id: 0 });
    const { modifiedCount } = await collection.updateOne({ _id: 0 }, update);
    const doc = await collection.findOne();
    const label = `${JSON.stringify(before)} ${JSON.stringify(update)}`;
    assert.equal(modifiedCount, 1, label);
    assert.equal(JSON.stringify(doc), JSON.stringify({ _id: 0, ...after }), label);
  }
}));

test('update results count matched, modified and upserted documents', () =>
  server.withDatabase(async (db) => {
    const collection = db.collection<Numbered>('c');
    await collection.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 1 }, { _id: 3, a: 2 }]);

    const many = await collection.updateMany({ a: { $lte: 2 } }, { $set: { a: 2 } });
    assert.deepEqual([many.matchedCount, many.modifiedCount], [3, 2]);

    const same = await collection.updateOne({ _id: 1 }, { $set: { a: 2 } });
    assert.deepEqual([same.matchedCount, same.modifiedCount], [1, 0]);

    const none = await collection.updateOne({ _id: 9 }, { $set: { a: 2 } });
    assert.deepEqual([none.matchedCount, none.upsertedCount], [0, 0]);

    const replaced = await collection.replaceOne({ _id: 1 }, { b: 1 });
    assert.equal(replaced.modifiedCount, 1);
    assert.deepEqual(await collection.findOne({ _id: 1 }), { _id: 1, b: 1 });

    assert.equal((await collection.deleteOne({ a: 2 })).deletedCount, 1);
    assert.equal((await collection.deleteMany({})).deletedCount, 2);
  }));

test('an upsert starts from the filter\'s equalities', () => server.withDatabase(async (db) => {
  const collection = db.collection('c');
  const { upsertedId } = await collection.updateOne(
    { 'a.b': 1, c: { $gt: 5 }, $and: [{ d: { $eq: 4 } }] },
    { $set: { e: 1 }, $setOnInsert: { f: 2 } },
    { upsert: true },
  );
  assert.ok(upsertedId instanceof ObjectId);
  const doc = await collection.findOne();
  assert.equal(Object.keys(doc ?? {})[0], '_id');
  assert.deepEqual(doc, { _id: upsertedId, a: { b: 1 }, d: 4, e: 1, f: 2 });

  const replaced = await collection.replaceOne({ _id: id, g: 1 }, { h: 1 }, { upsert: true });
  assert.deepEqual(replaced.upsertedId, id);
  assert.deepEqual(await collection.findOne({ _id: id }), { _id: id, h: 1 });
}));

test('findAndModify returns the document before or after', () => server.withDatabase(async (db) => {
  const collection = db.collection<Numbered>('c');
  await collection.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 2 }]);
  assert.deepEqual(
    await collection.findOneAndUpdate({}, { $inc: { a: 10 } }, { sort: { a: -1 } }),
    { _id: 2, a: 2 },
  );
  assert.deepEqual(
    await collection.findOneAndUpdate(
      { _id: 2 }, { $inc: { a: 10 } }, { returnDocument: 'after', projection: { _id: 0 } },
    ),
    { a: 22 },
  );
  assert.deepEqual(
    await collection.findOneAndReplace(
      { _id: 5 }, { b: 1 }, { upsert: true, returnDocument: 'after' },
    ),
    { _id: 5, b: 1 },
  );
  assert.deepEqual(await collection.findOneAndDelete({ _id: 1 }), { _id: 1, a: 1 });
  assert.equal(await collection.findOneAndDelete({ _id: 1 }), null);
}));

test('a refused update leaves the document as it was', () => server.withDatabase(async (db) => {
  const collection = db.collection<Numbered>('c');
  await collection.insertOne({ _id: 1, a: 1, b: 'text' });
  await assert.rejects(collection.updateOne({ _id: 1 }, { $inc: { a: 1, b: 1 } }), { code: 14 });
  assert.deepEqual(await collection.findOne(), { _id: 1, a: 1, b: 'text' });
}));

test('every BSON type comes back as sent', () => server.withDatabase(async (db) => {
  const doc = {
    _id: id,
    int: new Int32(1),
    double: new Double(1),
    long: Long.fromString('9007199254740993'),
    date: day,
    early: new Date(-1),
    binary: new Binary(Buffer.from([1, 2, 3]), 0x80),
    uuid: new UUID('b1f5c0de-0000-4000-8000-000000000001'),
    regex: new BSON.BSONRegExp('^a', 'i'),
    nothing: null,
    text: 'grüße \u{1F600}',
    nested: { '': [true, [], {}], 'with.dot': 'x' },
  };
  const collection = db.collection('c');
  await collection.insertOne(doc);
  await collection.updateOne({ _id: id }, { $set: { added: new Double(2) } });
  const [found] = await collection
    .find({}, { promoteValues: false, bsonRegExp: true }).toArray();
  assert.ok(found);
  assert.deepEqual(
    BSON.EJSON.stringify(found, { relaxed: false }),
    BSON.EJSON.stringify({ ...doc, added: new Double(2) }, { relaxed: false }),
  );
}));

test('$inc keeps int while it fits, then goes to long', () => server.withDatabase(async (db) => {
  const collection = db.collection('c');
  await collection.insertOne({ a: new Int32(2 ** 31 - 1), b: new Int32(1) });
  await collection.updateOne({}, { $inc: { a: new Int32(1), b: new Double(0.5) } });
  const doc = await collection.findOne({}, { promoteValues: false });
  assert.deepEqual(doc?.a, Long.fromNumber(2 ** 31));
  assert.deepEqual(doc.b, new Double(1.5));
}));

test('sorts by type, then by value', () =>
  server.withDatabase(async (db) => {
    const ordered = [
      null, NaN, -5, Long.fromNumber(2), 2.5, 'B', 'a', { a: 1 }, { a: 2 },
      new Binary(Buffer.from([9])), new Binary(Buffer.from([1, 1])), id, false, true, new Date(0),
      day,
    ];
    const values = db.collection('values');
    await values.insertMany(ordered.map((value, rank) => ({ rank, value })).reverse());
    const sorted = await values.find().sort({ value: 1 }).toArray();
    assert.deepEqual(sorted.map(({ rank }): unknown => rank), [...ordered.keys()]);
  }));

const projectionCases: [projection: Document, result: Document][] = [
  [{ a: 1 }, { _id: 1, a: 1 }],
  [{ a: 0 }, { _id: 1, b: { c: 2, d: 3 }, e: [{ f: 4, g: 5 }, 6] }],
  [{ _id: 0, a: true }, { a: 1 }],
  [{ _id: 0 }, { a: 1, b: { c: 2, d: 3 }, e: [{ f: 4, g: 5 }, 6] }],
  [{ _id: 1 }, { _id: 1 }],
  [{ 'b.c': 1 }, { _id: 1, b: { c: 2 } }],
  [{ 'b.c': 0, e: 0 }, { _id: 1, a: 1, b: { d: 3 } }],
  [{ 'e.f': 1 }, { _id: 1, e: [{ f: 4 }] }],
];

test('projections keep and drop fields', () => server.withDatabase(async (db) => {
  const collection = db.collection<Loose>('c');
  await collection.insertOne({ _id: 1, a: 1, b: { c: 2, d: 3 }, e: [{ f: 4, g: 5 }, 6] });
  for (const [projection, result] of projectionCases) {
    const label = JSON.stringify(projection);
    assert.deepEqual(await collection.findOne({}, { projection }), result, label);
  }
}));

test('the simple aggregation stages', () => server.withDatabase(async (db) => {
  const collection = db.collection<Loose>('c');
  await collection.insertMany([1, 2, 3, 4].map((n) => ({ _id: n, odd: n % 2 === 1, n })));
  assert.deepEqual(
    await collection.aggregate([
      { $match: { n: { $gt: 1 } } },
      {
        $group: {
          _id: '$odd', sum: { $sum: '$n' }, many: { $count: {} }, ones: { $sum: 1 },
        },
      },
      { $sort: { _id: 1 } },
    ]).toArray(),
    [
      { _id: false, sum: 6, many: 2, ones: 2 },
      { _id: true, sum: 3, many: 1, ones: 1 },
    ],
  );
  assert.deepEqual(
    await collection.aggregate([
      { $sort: { n: -1 } }, { $skip: 1 }, { $limit: 2 }, { $project: { _id: 0, n: 1 } },
    ]).toArray(),
    [{ n: 3 }, { n: 2 }],
  );
  assert.deepEqual(await collection.aggregate([{ $count: 'all' }]).toArray(), [{ all: 4 }]);
  assert.equal(await collection.countDocuments({ n: { $gte: 2 } }, { skip: 1, limit: 5 }), 2);
  assert.equal(await collection.estimatedDocumentCount(), 4);
  assert.deepEqual((await collection.distinct('odd')).sort(), [false, true]);
}));

// --- Easy to get wrong -------------------------------------------------------------------------

const onlyHere = { skip: server.isStandIn ? false : 'a whole MongoDB does these' };

const aggregate = (...pipeline: Document[]): Document =>
  ({ aggregate: 'c', pipeline, cursor: {} });

test('null is a value, as _id and on the way along a path', () =>
  server.withDatabase(async (db) => {
    const collection = db.collection<Document & { _id: number | null }>('c');
    await collection.insertOne({ _id: 5, a: null });
    await rejectsWithCode(db.command(update({ _id: null, x: 2 }, { _id: 5 })).then(firstError), 66);
    for (const operator of ['$set', '$inc', '$push']) {
      const command = update({ [operator]: { 'a.b': 1 } });
      await rejectsWithCode(db.command(command).then(firstError), 28);
    }
    assert.deepEqual(await collection.findOne(), { _id: 5, a: null });
    await collection.replaceOne({ _id: null }, { x: 1 }, { upsert: true });
    assert.deepEqual(await collection.findOne({ _id: null }), { _id: null, x: 1 });
  }));

/** Throws the first of a reply's write errors. */
function firstError(reply: Document): void {
  const { writeErrors } = reply as { writeErrors?: Document[] };
  if (writeErrors?.[0] !== undefined) throw new MongoServerError(writeErrors[0]);
}

test('a command with a required field missing or mistyped does nothing', () =>
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
    // Null stands for a missing field.
    await db.command({ find: 'c', maxTimeMS: null, readConcern: null });
    await db.command({ insert: 'c', documents: [{ _id: 3 }], writeConcern: null });
    assert.deepEqual(await collection.find().toArray(), [{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  }));

test('write commands count what they did', () => server.withDatabase(async (db) => {
  const collection = db.collection<Loose>('c');
  await collection.insertMany([{ _id: 1, a: 1 }, { _id: 2, a: 'x' }]);
  const failed = await db.command(update({ $inc: { a: 1 } }, { _id: 2 }));
  assert.deepEqual([failed.n, failed.nModified], [0, 0]);
  const half = await db.command(update({ $inc: { a: 1 } }, {}, { multi: true }));
  assert.deepEqual([half.n, half.nModified], [1, 1]);
  assert.equal((await collection.replaceOne({ _id: 1 }, { a: 2 })).modifiedCount, 1);
  // With one malformed statement, none of them runs.
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
  // A sum of ints stays int while it fits, then goes to long; other values don't count.
  await collection.insertMany([
    { _id: 30, c: new Int32(2 ** 31 - 1), d: 1 }, { _id: 31, c: 1, d: 'x' }, { _id: 32 },
  ]);
  const [sums] = await collection.aggregate([
    { $group: { _id: null, c: { $sum: '$c' }, d: { $sum: '$d' } } },
  ], { promoteValues: false }).toArray();
  assert.deepEqual(sums, { _id: null, c: Long.fromNumber(2 ** 31), d: new Int32(1) });

  await collection.insertOne({ _id: 40 });
  const [names] = await db.listCollections({ idIndex: { $exists: true } }, { nameOnly: true })
    .toArray();
  assert.equal(names, undefined, 'nameOnly: a filter sees the name and the type only');
}));

test('what would be stored or matched differently is refused', onlyHere, () =>
  server.withDatabase(async (db) => {
    const insert = (doc: Document): Document => ({ insert: 'c', documents: [doc] });
    const find = (filter: Document, more: Document = {}): Document =>
      ({ find: 'c', filter, ...more });
    await db.command(insert({
      _id: 0, n: null, half: 0.5, docs: [{ b: 1 }, { b: 2 }], list: [1], text: 'a b',
    }));
    const deep = Array.from({ length: 201 }, () => 'a').join('.');
    await refusesAll(db, [
      insert({ a: new Decimal128('1') }), insert({ a: new Timestamp({ t: 0, i: 0 }) }),
      insert({ a: new MaxKey() }),
      insert({ a: new DBRef('x.y', new Int32(1) as never) }),
      insert({ a: new Binary(Buffer.from([1]), 2) }),
      find({}, { skip: new Decimal128('1') }), find({}, { projection: { a: '$n' } }),
      find({}, { projection: { a: { $add: [1, 2] } } }),
      find({}, { sort: { 'docs.b': 1 } }), find({}, { sort: { list: -1 } }),
      find({ text: /a\sb/ }), find({ text: /(a) b\1/ }), find({ text: /a\Sb/ }),
      find({ '': 1 }), find({ 'a..b': 1 }), find({ 'a.$b': 1 }),
      aggregate({ $project: { a: '$n' } }), aggregate({ $group: { _id: { a: '$n' } } }),
      aggregate({ $group: { _id: null, a: { $first: '$n' } } }),
      aggregate({ $group: { _id: null, a: { $mergeObjects: '$n' } } }),
      aggregate({ $group: { _id: '$docs.b' } }), aggregate({ $group: { _id: '$list' } }),
      aggregate({ $group: { _id: null, a: { $sum: '$half' } } }),
      index({ a: 1 }, { partialFilterExpression: { a: { $ne: 1 } } }),
      index({ a: 1 }, { sparse: true, partialFilterExpression: { a: 1 } }),
      index({ _id: -1 }), index({ list: 1, n: 1 }), index({ 'docs.b': 1 }, { unique: true }),
      index({ list: 1 }, { unique: true }),
      update({ $rename: { n: 'm' } }), update({ $rename: { 'list.0': 'm' } }),
      update({ $set: { 'a.$b': 1 } }), update({ $mul: { n: 1 } }),
      update({ $push: { list: { $slice: 1 } } }),
      { collMod: 'c', index: { name: '_id_', hidden: true } },
    ]);
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

test('a collection has at most 64 indexes', () => server.withDatabase(async (db) => {
  for (let n = 1; n < 64; n += 1) await db.collection('c').createIndex({ [`f${n}`]: 1 });
  await rejectsWithCode(db.collection('c').createIndex({ one: 1 }), 67);
}));
