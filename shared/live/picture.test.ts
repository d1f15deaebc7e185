import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findSessionCookie, readSetCookie, sign } from './cookie.ts';
import { paint, readable, type Known } from './picture.ts';
import { Sessions } from './sessions.ts';
import type { Look } from './store.ts';

const secret = 'a secret that only this test uses';
const now = Date.now();
const cookieHeader = `connect.sid=${encodeURIComponent(`s:one.${sign('one', secret)}`)}`;
const cookie = findSessionCookie(cookieHeader);
const look: Look = {
  namespace: 'workshop.sessions', document: undefined, expires: undefined, ttlSeconds: 0, count: 3,
  accounts: [], logins: [],
};
const found: Look = { ...look, document: { _id: 'one', session: '{}' }, expires: now + 60_000 };

function paintWith(known: Partial<Known>) {
  const app = { state: 'running', pid: 1 } as const;
  const sessions = new Sessions(secret);
  return paint({ step: 3, cookie, sessions, app, look, ...known });
}

/** Sessions where process `pid` has used `one`. */
function used(pid: number, storeName = 'MongoStore'): Sessions {
  const sessions = new Sessions(secret);
  sessions.use('one', pid);
  sessions.storeName = storeName;
  return sessions;
}

describe('the link', () => {
  const links: [string, Partial<Known>, RegExp][] = [
    ['whole', { look: found }, /^The signature fits\. The id in the cookie is the document’s _id/],
    ['open', { cookie: undefined }, /Without a cookie/],
    ['open', { cookie: undefined, step: 1, look: undefined }, /In step 2 the app gets both/],
    ['broken', { cookie: findSessionCookie(`${cookieHeader}x`), look: found }, /without asking the store/],
    ['broken', { look: { ...found, expires: now - 1 } }, /still there, but its end has passed/],
    ['broken', {}, /no document has this id/],
    ['broken', { sessions: used(1) }, /transformId/],
    ['open', { look: new Error('silence') }, /nobody can tell/],
    ['whole', { sessions: used(1, 'MemoryStore') }, /knew this id at its last visit/],
    ['broken', { sessions: used(2, 'MemoryStore') }, /the new process knows nobody/],
    ['open', { step: 2, look: undefined }, /Only the app can tell/],
  ];
  for (const [state, known, text] of links) {
    test(`${state}: ${text.source}`, () => {
      const { link } = paintWith(known);
      assert.equal(link.state, state);
      assert.match(link.text, text);
    });
  }

  test('a secret other than SESSION_SECRET', () => {
    const sessions = used(1);
    const session = sessions.use('one', 1);
    session.signature = 'own';
    const foreign = findSessionCookie('connect.sid=s%3Aone.own');
    const { link } = paintWith({ cookie: foreign, sessions, look: found });
    assert.equal(link.state, 'whole');
    assert.match(link.text, /another secret than SESSION_SECRET/);
  });
});

test('the browser: what the app set, or that nothing was seen', () => {
  assert.match(paintWith({}).browser.text, /never the attributes/);
  const sessions = used(1);
  sessions.use('one', 1).cookie = readSetCookie(
    'connect.sid=x; Path=/; Max-Age=60; Domain=localhost; HttpOnly; Secure; Partitioned; '
    + 'SameSite=Strict',
  );
  const { attributes, ends } = paintWith({ sessions }).browser;
  assert.equal(attributes?.length, 7);
  assert.ok(attributes.every(({ means }) => means !== ''));
  assert.ok(ends !== undefined && Math.abs(ends - now - 60_000) < 1000);

  sessions.lastCookie = readSetCookie('connect.sid=x; Path=/app');
  const { text } = paintWith({ sessions, cookie: undefined }).browser;
  assert.match(text, /only for paths below \/app/);
});

test('the store: the subject of the step, or what the app was seen to use', () => {
  assert.equal(paintWith({ look: found }).store.others, 2);
  assert.equal(paintWith({}).store.others, 3);
  assert.equal(paintWith({ step: 1, look: undefined }).store.kind, 'nothing');
  assert.equal(paintWith({ step: 2, look: undefined }).store.kind, 'memory');
  const { text } = paintWith({ sessions: used(1, 'MemoryStore') }).store;
  assert.match(text, /The app uses MemoryStore; this step’s store is MongoDB/);
  assert.match(paintWith({ look: new Error('silence') }).store.text, /doesn’t answer: silence/);
  assert.match(paintWith({ look: { ...found, ttlSeconds: undefined } }).store.index ?? '', /no TTL/);
});

test('who is logged in, and in which session', () => {
  const sessions = used(1);
  sessions.use('other', 1);
  sessions.use('one', 1).user = 'ada';
  const logins = [
    { id: 'L1', user: 'ada', since: now, session: 'one' },
    { id: 'L2', user: 'mallory', session: 'other' },
    { id: 'L3', user: 'bob', session: 'never seen' },
  ];
  const shown = paintWith({ sessions, look: { ...found, accounts: ['ada', 'bob'], logins } });
  assert.equal(shown.browser.cookie?.mark?.user, 'ada');
  assert.deepEqual(shown.store.accounts, ['ada', 'bob']);
  assert.deepEqual(shown.store.logins, [
    {
      id: 'L1', user: 'ada', since: now, mark: { label: 'A', number: 0, user: 'ada' }, isOwn: true,
    },
    { id: 'L2', user: 'mallory', mark: { label: 'B', number: 1 }, isOwn: false },
    { id: 'L3', user: 'bob', isOwn: false },
  ]);
  assert.equal(paintWith({ look: found }).store.logins, undefined);
});

test('a document is made readable, and says what was cut', () => {
  const date = new Date(0);
  const document = readable({
    _id: 'one', expires: date, session: '{"visits":1}', odd: new Date(NaN), big: 1n,
    long: 'x'.repeat(1000), ['k'.repeat(100)]: 1, many: Array.from({ length: 100 }, () => 1),
  });
  const json: unknown = JSON.parse(JSON.stringify(document));
  assert.deepEqual(json, {
    _id: 'one', expires: { $date: date.toISOString() }, session: '{"visits":1}',
    odd: { $date: '?' }, big: '1', long: `${'x'.repeat(300)}…`, [`${'k'.repeat(60)}…`]: 1,
    many: [...Array.from({ length: 30 }, () => 1), 'and 70 more'],
  });
  const fields = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`f${index}`, 1]));
  assert.equal(Object.entries(readable(fields) ?? {}).at(-1)?.join(' '), '… and 970 more');
});

test('the field session: a string, and its content', () => {
  const session = (value: unknown) =>
    paintWith({ look: { ...found, document: { _id: 'one', session: value } } }).store;
  const { document, session: said } = session('{"visits":1}');
  assert.deepEqual([document, said], [{ _id: 'one', session: '{"visits":1}' }, { visits: 1 }]);
  assert.equal(session('encrypted').session, undefined);
  assert.equal(session({ visits: 1 }).session, undefined, 'no string (stringify: false)');
});
