import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readSetCookie, sign } from './cookie.ts';
import { paint, readable, type Known } from './picture.ts';
import { Sessions } from './sessions.ts';
import type { Look } from './store.ts';

const secret = 'a secret that only this test uses';
const now = Date.now();
const cookieHeader = `connect.sid=${encodeURIComponent(`s:one.${sign('one', secret)}`)}`;
const look: Look = {
  namespace: 'workshop.sessions', document: undefined, expires: undefined, ttlSeconds: 0, count: 3,
};
const found: Look = { ...look, document: { _id: 'one', session: '{}' }, expires: now + 1000 };

function paintWith(known: Partial<Known>) {
  const app = { state: 'running', pid: 1, since: now } as const;
  const sessions = new Sessions();
  return paint({ step: 3, cookieHeader, secret, sessions, app, look, now, ...known });
}

/** Sessions of which `one` was used by a process. */
function used(pid: number, storeName = 'MongoStore'): Sessions {
  const sessions = new Sessions();
  sessions.use('one', pid);
  sessions.storeName = storeName;
  return sessions;
}

describe('the thread', () => {
  const threads: [string, Partial<Known>, RegExp][] = [
    ['whole', { look: found }, /^The signature fits\. The id in the cookie is the document’s _id/],
    ['open', { cookieHeader: undefined }, /Without a cookie/],
    ['open', { cookieHeader: undefined, step: 1, look: undefined }, /In step 2 the app gets both/],
    ['broken', { cookieHeader: `${cookieHeader}x`, look: found }, /without asking the store/],
    ['broken', { look: { ...found, expires: now - 1 } }, /still there, but its end has passed/],
    ['broken', {}, /no document has this id/],
    ['broken', { sessions: used(1) }, /transformId/],
    ['open', { look: new Error('silence') }, /nobody can tell/],
    ['whole', { sessions: used(1, 'MemoryStore') }, /knew this id at its last visit/],
    ['broken', { sessions: used(2, 'MemoryStore') }, /the new process knows nobody/],
    ['open', { step: 2, look: undefined }, /Only the app can tell/],
  ];
  for (const [state, known, text] of threads) {
    test(`${state}: ${text.source}`, () => {
      const { thread } = paintWith(known);
      assert.equal(thread.state, state);
      assert.match(thread.text, text);
    });
  }

  test('a secret of the app’s own', () => {
    const sessions = used(1);
    const session = sessions.use('one', 1);
    session.signature = 'own';
    const foreign = 'connect.sid=s%3Aone.own';
    const { thread } = paintWith({ cookieHeader: foreign, sessions, look: found });
    assert.equal(thread.state, 'whole');
    assert.match(thread.text, /another secret than SESSION_SECRET/);
  });
});

test('the browser: what the app set, or that nobody has seen it', () => {
  assert.match(paintWith({}).browser.text, /never the attributes/);
  const sessions = used(1);
  const cookie = readSetCookie('connect.sid=x; Path=/; Max-Age=60; Secure; SameSite=Strict');
  assert.ok(cookie);
  sessions.use('one', 1).cookie = cookie;
  const { attributes, ends } = paintWith({ sessions }).browser;
  assert.equal(attributes?.length, 4);
  assert.ok(attributes.every(({ means }) => means !== ''));
  assert.ok(ends !== undefined && Math.abs(ends - now - 60_000) < 1000);

  const below = readSetCookie('connect.sid=x; Path=/app');
  assert.ok(below);
  sessions.lastCookie = below;
  const { text } = paintWith({ sessions, cookieHeader: undefined }).browser;
  assert.match(text, /for paths below \/app only/);
});

test('the store: what the step is about, or what the app was seen to use', () => {
  assert.equal(paintWith({ look: found }).store.others, 2);
  assert.equal(paintWith({}).store.others, 3);
  assert.equal(paintWith({ step: 1, look: undefined }).store.kind, 'nothing');
  assert.equal(paintWith({ step: 2, look: undefined }).store.kind, 'memory');
  const { text } = paintWith({ sessions: used(1, 'MemoryStore') }).store;
  assert.match(text, /The app uses MemoryStore; this step’s store is MongoDB/);
  assert.match(paintWith({ look: new Error('silence') }).store.text, /does not answer: silence/);
  assert.match(paintWith({ look: { ...found, ttlSeconds: undefined } }).store.index ?? '', /no TTL/);
});

test('a document is made readable, and short', () => {
  const date = new Date(0);
  const document = readable({
    _id: 'one', expires: date, session: '{"visits":1}', odd: new Date(NaN), big: 1n,
    long: 'x'.repeat(1000), many: Array.from({ length: 100 }, () => 1),
  });
  const json: unknown = JSON.parse(JSON.stringify(document));
  assert.deepEqual(json, {
    _id: 'one', expires: { $date: date.toISOString() }, session: { visits: 1 },
    odd: { $date: '?' }, big: '1', long: `${'x'.repeat(300)}…`,
    many: Array.from({ length: 30 }, () => 1),
  });
  assert.deepEqual(readable({ session: 'encrypted' }), { session: 'encrypted' });
});
