import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import {
  endOf, findSessionCookie, fits, forgotten, readCookies, readSessionCookie, readSetCookie, sign,
  tampered, writeSetCookie,
} from './cookie.ts';

const secret = 'a secret that only this test uses';

test('signs and verifies like express-session', () => {
  // The very package that express-session uses.
  const fromSession = createRequire(createRequire(import.meta.url).resolve('express-session'));
  const signature: unknown = fromSession('cookie-signature');
  assert.ok(signature instanceof Object && 'sign' in signature);
  assert.ok(signature.sign instanceof Function);
  for (let count = 0; count < 200; count++) {
    const id = `id-${count}.with.dots`;
    const signed: unknown = Reflect.apply(signature.sign, undefined, [id, secret]);
    assert.equal(`${id}.${sign(id, secret)}`, signed);
    const cookie = readSessionCookie('sid', encodeURIComponent(`s:${String(signed)}`));
    assert.ok(cookie);
    assert.equal(cookie.id, id);
    assert.equal(fits(cookie, secret), true);
    assert.equal(fits(cookie, `${secret}.`), false);
    assert.equal(fits({ ...cookie, id: `${id}x` }, secret), false);
  }
});

test('reads a Cookie header: the first of a name wins, whatever it holds', () => {
  const cookies = readCookies('a=1; b="two"; a=3; empty=; noequals; c=x=y');
  assert.deepEqual([...cookies], [['a', '1'], ['b', 'two'], ['empty', ''], ['c', 'x=y']]);
  assert.deepEqual([...readCookies(undefined)], []);
  assert.equal(readSessionCookie('sid', '%E0%A4%A'), undefined, 'malformed encoding');
  assert.equal(readSessionCookie('sid', 's%3Awithout-a-dot'), undefined);
  assert.equal(readSessionCookie('sid', 'j%3A%7B%7D.x'), undefined);
});

test('finds the session cookie among those of other apps on this host', () => {
  const header = 'theme=dark; other=s%3Aone.x; connect.sid=s%3Atwo.y; mine=s%3Athree.z';
  assert.equal(findSessionCookie(header)?.id, 'two');
  assert.equal(findSessionCookie(header, 'mine')?.id, 'three');
  assert.equal(findSessionCookie('theme=dark; a=s%3Aone.x')?.id, 'one');
  assert.equal(findSessionCookie('theme=dark'), undefined);
});

test('forgets and tampers with the attributes that the app used', () => {
  const header = 'connect.sid=s%3Aid.Abc; Path=/app; HttpOnly; SameSite=Lax; '
    + 'Expires=Mon, 23 Nov 2026 10:00:00 GMT';
  const cookie = readSetCookie(header);
  assert.ok(cookie);
  assert.equal(writeSetCookie(cookie), header);
  assert.equal(endOf(cookie), Date.UTC(2026, 10, 23, 10));
  assert.equal(writeSetCookie(forgotten(cookie)),
    'connect.sid=; Path=/app; HttpOnly; SameSite=Lax; Expires=Thu, 01 Jan 1970 00:00:00 GMT');
  assert.equal(tampered(cookie).raw, 's%3Aid.Bbc');
  assert.equal(tampered({ ...cookie, raw: 's%3Aid.%2Bbc' }).raw, 's%3Aid.Abc');
  assert.deepEqual(tampered(cookie).attributes, cookie.attributes);
});

test('knows when a cookie ends', () => {
  const end = (attributes: string) => {
    const cookie = readSetCookie(`a=b${attributes}`);
    return cookie && endOf(cookie, 1000);
  };
  assert.equal(end('; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT'), 61_000);
  assert.equal(end('; Path=/'), undefined);
  assert.equal(end('; Expires=nonsense'), undefined);
});
