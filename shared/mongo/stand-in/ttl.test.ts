/** The TTL monitor, and its independence of a test's fake clock. */
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';

import { MongoClient } from 'mongodb';

import type { Loose } from '../../testing/stand-in.ts';
import { openServer, waitFor } from '../../testing/stand-in.ts';
import { startStandIn } from './server.ts';

const server = await openServer({ watchTtl: true });

// Milliseconds. A mongod may be in the 60 seconds between two passes of its own, at most twice.
const deadline = server.isStandIn ? 2000 : 125_000;

const hour = 3_600_000;
const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * hour);

describe('the monitor', { concurrency: true }, () => {
  test('documents go when their time is over', () => server.withDatabase(async (db) => {
    const collection = db.collection<Loose>('c');
    await collection.createIndex({ at: 1 }, { expireAfterSeconds: 3600 }, {});
    await collection.insertMany([
      { _id: 1, at: hoursAgo(2) },
      { _id: 2, at: [new Date(Date.now() + hour), hoursAgo(2)] },
      // These stay.
      { _id: 4, at: hoursAgo(0.5) },
      { _id: 5, at: 'yesterday' },
      { _id: 6, at: hoursAgo(2).getTime() },
      { _id: 7 },
      { _id: 8, at: [] },
    ]);
    await waitFor('the expired documents go', async () => await collection.countDocuments() === 5,
      deadline);
    const left = await collection.find().sort({ _id: 1 }).toArray();
    assert.deepEqual(left.map(({ _id }) => _id), [4, 5, 6, 7, 8]);
  }));

  test('a document that is touched in time stays', () => server.withDatabase(async (db) => {
    const collection = db.collection<Loose>('c');
    await collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0 }, {});
    await collection.insertMany([
      { _id: 1, expires: new Date(Date.now() + 200) },
      { _id: 2, expires: new Date(Date.now() + 200) },
    ]);
    await collection.updateOne({ _id: 1 }, { $set: { expires: new Date(Date.now() + hour) } });
    await waitFor('the other document goes', async () => await collection.countDocuments() === 1,
      deadline);
    assert.equal((await collection.findOne())?._id, 1);
  }));
});

interface Stamped { name: string; expires: Date; at?: Date }

test('a fake clock in the same process changes nothing', async () => {
  const standIn = await startStandIn({ ttlMonitorSleepSecs: 0.1 });
  const client = await MongoClient.connect(standIn.url);
  const passes = async (): Promise<number> => {
    const { metrics } = await client.db().admin().serverStatus() as {
      metrics: { ttl: { passes: number } };
    };
    return metrics.ttl.passes;
  };
  const realNow = Date.now();
  mock.timers.enable({ apis: ['Date', 'setInterval', 'setTimeout'], now: Date.UTC(2000) });
  try {
    assert.equal(new Date().getUTCFullYear(), 2000);
    const collection = client.db('ttl').collection<Stamped>('c');
    await collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0 }, {});
    await collection.insertMany([
      { name: 'past', expires: new Date(realNow - hour) },
      { name: 'future', expires: new Date(realNow + hour) },
    ]);
    await waitFor('the expired document goes', async () => await collection.countDocuments() === 1,
      2000);
    mock.timers.setTime(Date.UTC(2200));
    const before = await passes();
    await waitFor('another pass', async () => await passes() > before, 2000);
    await collection.updateOne({}, { $currentDate: { at: true } });
    const doc = await collection.findOne();
    assert.equal(doc?.name, 'future');
    assert.equal(doc.expires.getTime(), realNow + hour);
    assert.ok(doc.at && Math.abs(doc.at.getTime() - realNow) < 60_000);
  } finally {
    mock.timers.reset();
    await client.close();
    await standIn.close();
  }
});
