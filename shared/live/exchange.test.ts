import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sign } from './cookie.ts';
import { describeExchange } from './exchange.ts';
import type { Report } from './report.ts';
import { labelOf, Sessions } from './sessions.ts';

const secret = 'a secret that only this test uses';
const cookie = (id: string, key = secret) =>
  `connect.sid=${encodeURIComponent(`s:${id}.${sign(id, key)}`)}`;
const set = (id: string) => [`${cookie(id)}; Path=/; HttpOnly`];

/** Describes requests in turn, as for the page. */
function teller() {
  const sessions = new Sessions(secret);
  let id = 0;
  return (report: Partial<Report>) => {
    const { outcomes, text, mark, from } = describeExchange({
      id: ++id, pid: 1, at: Date.now(), ms: 1, state: 'answered', method: 'GET', url: '/',
      status: 200, setCookie: [], ...report,
    }, sessions);
    return { outcomes, text, label: mark?.label, ...from && { from } };
  };
}

const store = 'MemoryStore';
const alive = (id: string, fingerprint = 'same', regenerated = false) =>
  ({ id, alive: true, regenerated, fingerprint, store });
const dead = (id: string) => ({ id, alive: false, regenerated: false, store });

test('created, changed, read: what a session goes through', () => {
  const say = teller();
  assert.deepEqual(say({ setCookie: set('one'), session: alive('one', '1') }), {
    outcomes: ['created'],
    text: 'A new visitor: the app created a session and set its cookie.',
    label: 'A',
  });
  const visit = { cookie: cookie('one') };
  assert.deepEqual(say({ ...visit, session: alive('one', '2') }).outcomes, ['changed']);
  assert.deepEqual(say({ ...visit, session: alive('one', '2') }).outcomes, ['read']);
  const again = say({ ...visit, session: alive('one', '2'), setCookie: set('one') });
  assert.deepEqual(again.outcomes, ['read', 'extended']);
  assert.equal(say({ setCookie: set('two'), session: alive('two') }).label, 'B');
  assert.deepEqual(say({ session: alive('three') }).outcomes, [], 'nothing was stored');
  assert.deepEqual(say({ cookie: 'theme=dark' }).outcomes, [], 'an app without sessions');
});

test('destroyed, and refused for each reason', () => {
  const say = teller();
  say({ setCookie: set('one'), session: alive('one') });
  const clears = ['connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT'];
  const failed = say({ cookie: cookie('one'), session: dead('one'), status: 500 });
  assert.deepEqual(failed.outcomes, [], 'nobody knows whether it is gone');
  const logout = say({ cookie: cookie('one'), session: dead('one'), setCookie: clears });
  assert.deepEqual(logout.outcomes, ['destroyed']);
  assert.match(logout.text, /forget the cookie/);
  const replay = say({ cookie: cookie('one'), setCookie: set('two'), session: alive('two') });
  assert.deepEqual(replay.outcomes, ['refused', 'created']);
  assert.match(replay.text, /destroyed/);
  assert.match(say({ session: dead('new'), setCookie: clears }).text, /no session to destroy/);

  const forged = say({ cookie: cookie('two', 'another'), session: alive('new') });
  assert.deepEqual(forged.outcomes, ['refused']);
  assert.match(forged.text, /signature doesn’t fit/);
  const unknown = say({ cookie: cookie('never seen'), session: alive('new') });
  assert.match(unknown.text, /no session with that id/);
  const restarted = say({ cookie: cookie('two'), session: alive('new'), pid: 2 });
  assert.match(restarted.text, /memory .* ended/);
});

test('a secret other than SESSION_SECRET: what the app accepts counts as accepted', () => {
  const say = teller();
  const own = cookie('one', 'of the app itself');
  say({ setCookie: [own], session: alive('one') });
  assert.deepEqual(say({ cookie: own, session: alive('one') }).outcomes, ['read']);
});

test('requests without a response', () => {
  const say = teller();
  assert.match(say({ state: 'waiting', status: undefined }).text, /hasn’t answered yet/);
  assert.match(say({ state: 'given up', status: undefined }).text, /gave up/);
});

test('a new id at a login is a renewal, unless the old one was refused anyway', () => {
  const say = teller();
  say({ setCookie: set('one'), session: alive('one') });
  const login = { method: 'POST', session: alive('two', 'ada', true), setCookie: set('two') };
  const renewal = say({ cookie: cookie('one'), ...login });
  assert.deepEqual(renewal.outcomes, ['renewed id']);
  assert.match(renewal.text, /Session A is gone, and session B takes its place/);
  assert.equal(renewal.label, 'B');
  const planted = say({ cookie: cookie('one'), setCookie: set('three'), session: alive('three') });
  assert.deepEqual(planted.outcomes, ['refused', 'created']);
  assert.match(planted.text, /replaced by one with a new id/);
  const unknown = say({ cookie: cookie('older than the picture'), ...login });
  assert.deepEqual(unknown.outcomes, ['renewed id']);
  const forged = say({ cookie: cookie('one', 'another'), ...login });
  assert.deepEqual(forged.outcomes, ['refused', 'created']);
});

test('403: refused, and its origin', () => {
  const say = teller();
  const request = { method: 'POST', origin: 'http://localhost:4666', site: 'same-site' };
  const { outcomes, text, from } = say({ ...request, status: 403, cookie: cookie('one') });
  assert.deepEqual(outcomes, ['forbidden']);
  assert.equal(text, 'The app refused this request. It didn’t look at the session cookie.');
  assert.equal(from, 'Origin: http://localhost:4666, Sec-Fetch-Site: same-site');
  assert.equal(say({ ...request, status: 303 }).from, from, 'an attack that worked');
  assert.equal(say({ ...request, site: 'same-origin', status: 200 }).from, undefined);
  assert.match(say({ status: 403 }).from ?? '', /Origin: \(not sent\)/);
});

test('a limited number of sessions is remembered: those used last', () => {
  const sessions = new Sessions(secret);
  const others = Array.from({ length: 499 }, (_, index) => String(index));
  for (const id of ['one', 'two', 'one', ...others]) sessions.use(id, 1);
  assert.equal(sessions.find('two'), undefined);
  assert.equal(sessions.find('one')?.label, 'A');
  assert.deepEqual([0, 25, 26, 51, 52, 702].map(labelOf), ['A', 'Z', 'AA', 'AZ', 'BA', 'AAA']);
});
