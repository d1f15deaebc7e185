import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MongoClient, type Document } from 'mongodb';
import { App } from '../app/app.ts';
import { actions } from './actions.ts';
import { findSessionCookie, sign } from './cookie.ts';
import { History } from './history.ts';
import { openStageDatabase } from '../testing/stage.ts';
import { StoreWindow } from './store.ts';

const secret = 'a secret that only this test uses';
const name = `workshop-live-store-${process.pid}`;
const inAnHour = () => new Date(Date.now() + 3_600_000);

interface Stored extends Document {
  _id: string;
}

describe('the window to the store', () => {
  let client: MongoClient;
  let store: StoreWindow;
  let close: () => Promise<void>;
  const collection = (collection: string, database = name) =>
    client.db(database).collection<Stored>(collection);

  before(async () => {
    const { database, of } = await openStageDatabase({ WORKSHOP_MONGO: 'stand-in' });
    client = await MongoClient.connect(database.url);
    store = new StoreWindow(of(name).url);
    close = async () => {
      await store.close();
      for (const each of [name, `${name}-other`]) await client.db(each).dropDatabase();
      await client.close();
      await database.close();
    };
  });
  after(() => close());

  test('a session in any collection of the app’s database, and in no other', async () => {
    await collection('sessions').insertOne({ _id: 'one', expires: inAnHour() });
    await collection('visitors').insertOne({ _id: 'two', expires: inAnHour() });
    await collection('sessions', `${name}-other`).insertOne({ _id: 'three', expires: inAnHour() });
    assert.equal((await store.look('one')).namespace, `${name}.sessions`);
    assert.equal((await store.look('two')).namespace, `${name}.visitors`);
    assert.equal((await store.look('three')).document, undefined);
    assert.equal(await store.expire('three'), undefined);
    assert.equal((await store.look('one')).namespace, `${name}.sessions`);
  });

  test('names of accounts without their hashes, and logins with their sessions', async () => {
    await collection('accounts').insertMany([
      { _id: 'ada', passwordHash: '$argon2id$secret' }, { _id: '7', name: 'bob', hash: '$secret' },
    ]);
    await collection('logins').insertMany([
      { _id: 'L1', user: 'ada', since: new Date(1) },
      { _id: 'L2', user: 'bob', since: new Date(2) },
    ]);
    const session = JSON.stringify({ user: 'ada', login: 'L1' });
    await collection('sessions').insertOne({ _id: 'four', session, expires: inAnHour() });
    const look = await store.look('four');
    assert.doesNotMatch(JSON.stringify(look), /secret/);
    assert.deepEqual(look.accounts, ['ada', 'bob']);
    assert.deepEqual(look.logins, [
      { id: 'L2', user: 'bob', since: 2 }, { id: 'L1', user: 'ada', since: 1, session: 'four' },
    ]);
  });

  test('“Expire now” affects only the session of a cookie that the app accepts', async () => {
    const ends = async () => (await store.look('one')).expires ?? NaN;
    const expire = async (signature: string) => {
      const value = encodeURIComponent(`s:one.${signature}`);
      const effect = await actions.get('expire')?.({
        app: new App({ entry: '', env: {} }), appPort: 0, jar: new Map(), headers: {},
        history: new History(secret), store,
        cookie: findSessionCookie(`connect.sid=${value}`),
      });
      return effect?.text ?? '';
    };
    assert.match(await expire('forged'), /signature doesn’t fit/);
    assert.ok(await ends() > Date.now());
    assert.match(await expire(sign('one', secret)), /still there/);
    assert.ok(await ends() < Date.now());
  });

  test('the stand-in pauses, so that the expired document can be seen', async () => {
    await collection('sessions').insertOne({ _id: 'five', expires: inAnHour() });
    await store.expire('five');
    const { was } = await client.db('admin').command({ setParameter: 1, ttlMonitorSleepSecs: 5 });
    assert.equal(was, 5);
    assert.ok((await store.look('five')).document);
  });
});
