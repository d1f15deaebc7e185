/** What one client may take from the others: memory, time, a cursor that nobody reads. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import type { Db, Document } from 'mongodb';
import { Long } from 'mongodb';

import type { Loose } from '../../testing/stand-in.ts';
import { openServer, rejectsWithCode } from '../../testing/stand-in.ts';

const server = await openServer();
const checksAll = process.env.STAND_IN_CHECK === 'all' && server.isStandIn;

interface Page { id: Long; firstBatch?: Loose[]; nextBatch?: Loose[] }

async function page(db: Db, command: Document): Promise<Page> {
  const { cursor } = await db.command(command, { promoteLongs: false }) as { cursor: Page };
  return cursor;
}

test('an open cursor shows what is there when it gets there', () =>
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

test('cursors nobody reads hold no copies of the collection', {
  skip: server.isStandIn ? false : 'looks at the memory of this process',
}, () => server.withDatabase(async (db) => {
  await db.collection('c').insertMany(Array.from({ length: 20_000 }, () => ({})));
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 6; n += 1) {
    await Promise.all(Array.from({ length: 50 }, () => page(db, { find: 'c', batchSize: 1 })));
  }
  // 300 copies of 20,000 references are 48 MB.
  assert.ok(process.memoryUsage().heapUsed - before < 30_000_000);
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
  const docs = Array.from({ length: 20_000 }, (_, a) => ({ a, text: 'a'.repeat(28) }));
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
  assert.equal(await db.collection('c').countDocuments(), 20_000);
  // What is quick enough is answered.
  assert.equal(await db.collection('c').countDocuments({ text: { $regex: '^(a+)+$' } }, {
    limit: 1, maxTimeMS: 1000,
  }), 1);
}));

// Five seconds of work each: for npm run check:stand-in only.
if (checksAll) describe('the bounds of the stand-in', () => {
  test('without maxTimeMS a command ends after 5 seconds', () => server.withDatabase(async (db) => {
    await db.collection('c').insertOne({ text: 'a'.repeat(40) });
    await rejectsWithCode(db.collection('c').findOne({ text: { $regex: '^(a+)+b$' } }), 50);
  }));

  test('sorted results are held within bounds', () => server.withDatabase(async (db) => {
    await db.collection('c').insertMany(Array.from({ length: 30_000 }, (_, a) => ({ a })));
    let refused: unknown;
    for (let n = 0; n < 200 && refused === undefined; n += 1) {
      await page(db, { find: 'c', sort: { a: -1 }, batchSize: 1 }).catch((error: unknown) => {
        refused = error;
      });
    }
    assert.match(JSON.stringify(refused), /"code":146,/);
    // A dropped collection gives back what its cursors held.
    await db.collection('c').drop();
    await db.collection('c').insertOne({ a: 1 });
    assert.equal((await db.collection('c').find().sort({ a: 1 }).toArray()).length, 1);
  }));
});
