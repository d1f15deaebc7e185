import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import {
  attributesOf, endOf, findSessionCookie, fits, readSessionCookie, readSetCookie, sign, tampered,
  writeSetCookie,
} from './cookie.ts';

const secret = 'a secret that only this test uses';

test('signs and verifies like express-session', () => {
  // The same package that express-session uses.
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

test('finds the session cookie among those of other apps on this host', () => {
  const header = 'theme=dark; other=s%3Aone.x; connect.sid=s%3Atwo.y; mine=s%3Athree.z';
  assert.equal(findSessionCookie(header)?.id, 'two');
  assert.equal(findSessionCookie(header, 'mine')?.id, 'three');
  assert.equal(findSessionCookie('theme=dark; a=s%3Aone.x')?.id, 'one');
  assert.equal(findSessionCookie('a=s%3Aone.x; a=s%3Atwo.y')?.id, 'one', 'the first of a name');
  for (const none of [undefined, 'theme=dark', 'a=%E0%A4%A', 'a=s%3Ano-dot', 'a=j%3A%7B%7D.x']) {
    assert.equal(findSessionCookie(none), undefined);
  }
});

test('writes a cookie as the app did, and tampers only with its signature', () => {
  const header = 'connect.sid=s%3Aid.Abc%2B; Path=/app; Expires=Mon, 23 Nov 2026 10:00:00 GMT; '
    + 'HttpOnly; Secure; SameSite=Lax';
  const cookie = readSetCookie(header);
  assert.equal(writeSetCookie(cookie), header);
  assert.deepEqual(attributesOf(cookie), header.split('; ').slice(1));
  assert.equal(endOf(cookie), Date.UTC(2026, 10, 23, 10));
  assert.deepEqual(tampered(cookie), { ...cookie, value: 's%3Aid.Bbc%2B' });
  assert.equal(tampered({ ...cookie, value: 's%3Aid.%2Bbc' }).value, 's%3Aid.Abc');
});

test('knows when a cookie ends', () => {
  const end = (attributes: string) => endOf(readSetCookie(`a=b${attributes}`), 1000);
  assert.equal(end('; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT'), 61_000);
  assert.equal(end('; Path=/'), undefined);
  assert.equal(end('; Expires=nonsense'), undefined);
});
