/** connect-mongo's use of MongoDB, and the TTL monitor that ends sessions. */
import assert from 'node:assert/strict';
import { describe, mock, test } from 'node:test';

import MongoStore from 'connect-mongo';
import type { SessionData } from 'express-session';
import session from 'express-session';
import type { Db, Document } from 'mongodb';
import { MongoClient } from 'mongodb';

import type { Loose } from '../../testing/stand-in.ts';
import { openServer, rejectsWithCode } from '../../testing/stand-in.ts';
import { eventually } from '../../testing/workshop.ts';
import { startStandIn } from './server.ts';

const server = await openServer({ watchTtl: true });

function newStore(db: Db, autoRemove: 'native' | 'interval' = 'native'): MongoStore {
  return MongoStore.create({ client: server.client, dbName: db.databaseName, autoRemove });
}

/** A session that expires after the given number of milliseconds. */
function newSession(milliseconds: number): SessionData {
  const cookie = new session.Cookie();
  cookie.maxAge = milliseconds;
  const data: object = { cookie };
  assert.ok(isSession(data));
  return data;
}

// The steps add their own fields to sessions; stores don't look at them.
function isSession(value: object): value is SessionData {
  return 'cookie' in value;
}

type Done<T> = (error: unknown, result?: T | null) => void;

/** Calls a store's method and returns a promise. */
function ask<T>(call: (done: Done<T>) => void): Promise<T | null> {
  return new Promise((resolve, reject) => {
    call((error, result) => {
      if (error === null || error === undefined) resolve(result ?? null);
      else reject(error instanceof Error ? error : new Error('the store failed'));
    });
  });
}

test('MongoStore creates, reads, touches, lists, counts, destroys and clears', () =>
  server.withDatabase(async (db) => {
    const store = newStore(db);
    const events: string[] = [];
    for (const name of ['create', 'update', 'touch', 'destroy']) {
      store.on(name, () => events.push(name));
    }
    const get = (sid: string): Promise<SessionData | null> =>
      ask((done) => { store.get(sid, done); });
    const set = (sid: string, data: SessionData): Promise<null> =>
      ask((done) => { store.set(sid, data, done); });

    await set('one', newSession(60_000));
    await set('one', newSession(60_000));
    await set('two', newSession(60_000));
    assert.ok(await get('one'));
    assert.equal(await get('nobody'), null);

    const sessions = db.collection<{ _id: string; expires: Date }>('sessions');
    const before = await sessions.findOne({ _id: 'one' });
    await ask((done) => { store.touch('one', newSession(120_000), done); });
    const after = await sessions.findOne({ _id: 'one' });
    assert.ok(before && after && after.expires > before.expires);
    await assert.rejects(ask((done) => { store.touch('nobody', newSession(1), done); }), /Unable/);

    assert.equal(await ask<number>((done) => { store.length(done); }), 2);
    const all = await ask<Document>((done) => { store.all(done); });
    assert.ok(Array.isArray(all) && all.length === 2);

    await ask((done) => { store.destroy('two', done); });
    assert.equal(await get('two'), null);
    await ask((done) => { store.clear(done); });
    assert.equal(await ask<number>((done) => { store.length(done); }), 0);
    assert.deepEqual(events, ['create', 'update', 'create', 'touch', 'destroy']);
  }));

test('an expired session is not read, even before it is deleted', () =>
  server.withDatabase(async (db) => {
    const store = newStore(db);
    await ask((done) => { store.set('old', newSession(-1000), done); });
    assert.equal(await ask<SessionData>((done) => { store.get('old', done); }), null);
  }));

test('autoRemove native makes a TTL index; a different expiry is refused', () =>
  server.withDatabase(async (db) => {
    const store = newStore(db);
    await ask((done) => { store.set('one', newSession(60_000), done); });
    const sessions = db.collection('sessions');
    const indexes = await sessions.indexes();
    assert.equal(indexes.find(({ name }) => name === 'expires_1')?.expireAfterSeconds, 0);
    await rejectsWithCode(sessions.createIndex({ expires: 1 }, { expireAfterSeconds: 9 }, {}), 85);
  }));

test('autoRemove interval deletes with an unacknowledged write; the next requests work', () =>
  server.withDatabase(async (db) => {
    // The store's shortest interval is a minute, so we run its timer by hand.
    const { setInterval: realSetInterval } = globalThis;
    let removeExpired: unknown;
    const timers = mock.method(globalThis, 'setInterval', (run: unknown) => {
      removeExpired ??= run;
      return realSetInterval(() => undefined, 1000);
    });
    try {
      const store = newStore(db, 'interval');
      await ask((done) => { store.set('old', newSession(-1000), done); });
      await ask((done) => { store.set('new', newSession(60_000), done); });
      assert.equal(await ask<number>((done) => { store.length(done); }), 2);
      assert.ok(typeof removeExpired === 'function');
      for (let run = 0; run < 3; run += 1) Reflect.apply(removeExpired, undefined, []);
      await eventually('the expired session goes',
        async () => await ask<number>((done) => { store.length(done); }) === 1);
      assert.ok(await ask<SessionData>((done) => { store.get('new', done); }));
    } finally {
      timers.mock.restore();
    }
  }));

test('with 50,000 sessions a new one costs no more than the first', () =>
  server.withDatabase(async (db) => {
    const empty = db.collection<{ _id: string }>('empty');
    const full = db.collection<{ _id: string }>('full');
    const expires = new Date(Date.now() + 3_600_000);
    for (const collection of [empty, full]) {
      await collection.createIndex({ expires: 1 }, { expireAfterSeconds: 0 }, {});
    }
    const sessions = Array.from({ length: 50_000 }, (_, n) => ({ _id: `old ${n}`, expires }));
    await full.insertMany(sessions, { ordered: false });

    async function cost(collection: typeof empty, _id: string): Promise<number> {
      const start = performance.now();
      await collection.updateOne({ _id }, { $set: { session: '{}', expires } }, { upsert: true });
      await collection.findOne({ _id, $or: [{ expires: { $gt: new Date() } }] });
      return performance.now() - start;
    }
    // Alternating, with the median, so that a busy computer slows both alike.
    const costs: [empty: number, full: number][] = [];
    for (let n = 0; n < 150; n += 1) {
      costs.push([await cost(empty, `new ${n}`), await cost(full, `new ${n}`)]);
    }
    const measured = costs.slice(30);
    const median = (values: number[]): number =>
      values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
    const ratio = median(measured.map(([, inFull]) => inFull))
      / median(measured.map(([inEmpty]) => inEmpty));
    assert.ok(ratio < 3, `a session among 50,000 costs ${ratio.toFixed(2)} times the first`);
  }));

// --- The TTL monitor ---------------------------------------------------------------------------

// Milliseconds. A mongod waits 60 s between passes, so allow for two of them.
const deadline = server.isStandIn ? 2000 : 125_000;

const hour = 3_600_000;
const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * hour);

describe('the monitor', { concurrency: true }, () => {
  test('documents go when their time is up', () => server.withDatabase(async (db) => {
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
    await eventually('the expired documents go',
      async () => await collection.countDocuments() === 5, deadline);
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
    await eventually('the other document goes',
      async () => await collection.countDocuments() === 1, deadline);
    assert.equal((await collection.findOne())?._id, 1);
  }));
});

interface Stamped { name: string; expires: Date; at?: Date }

test('a fake clock in the same process changes nothing', async () => {
  const standIn = await startStandIn();
  const client = await MongoClient.connect(standIn.url);
  await client.db('admin').command({ setParameter: 1, ttlMonitorSleepSecs: 0.1 });
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
    await eventually('the expired document goes',
      async () => await collection.countDocuments() === 1);
    mock.timers.setTime(Date.UTC(2200));
    const before = await passes();
    await eventually('another pass', async () => await passes() > before);
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
