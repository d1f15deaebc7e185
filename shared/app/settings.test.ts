import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Problem } from '../terminal/problem.ts';
import { temporaryFolder } from '../testing/workshop.ts';
import { loadEnvFile } from './settings.ts';

test('.env is read in every encoding that editors and shells write', async (t) => {
  const folder = await temporaryFolder(t);
  const read = (env: NodeJS.ProcessEnv = {}) => {
    loadEnvFile(env, folder);
    return env;
  };
  assert.deepEqual(read(), {}, 'without a file');
  const text = '# mine\r\nPORT=4100 # the port\r\n\r\nexport SESSION_SECRET = "a=b: c"\r\n'
    + 'EMPTY=\r\nMORE=\'one\ntwo: three\'\r\n';
  const expected = {
    PORT: '4100', SESSION_SECRET: 'a=b: c', EMPTY: '', MORE: 'one\ntwo: three',
  };
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  for (const bytes of [text, `\ufeff${text}`, utf16, Buffer.from(utf16).swap16()]) {
    await writeFile(join(folder, '.env'), bytes);
    assert.deepEqual(read(), expected);
  }
  assert.equal(read({ PORT: '5000' })['PORT'], '5000', 'what is set already wins');
});

test('an invalid line of .env is named, but not its value', async (t) => {
  const folder = await temporaryFolder(t);
  const problemOf = async (text: string) => {
    await writeFile(join(folder, '.env'), `# mine\n${text}\nMONGO_URL=x\n`);
    try {
      loadEnvFile({}, folder);
    } catch (error) {
      assert(error instanceof Problem);
      assert.doesNotMatch(error.message + error.next, /s3cret/);
      return `${error.message} ${error.next}`;
    }
    return assert.fail(`${text} was understood`);
  };
  for (const text of ['PORT: s3cret', 'set PORT=s3cret', '$env:PORT="s3cret"', 'SET PORT=s3cret']) {
    assert.match(await problemOf(text), /^Line 2 of \.env isn't .* to PORT=…/);
  }
  assert.match(await problemOf('s3cret'), /^Line 2 .*correct line 2 of \.env, then/);
  await mkdir(join(folder, 'other', '.env'), { recursive: true });
  assert.throws(() => {
    loadEnvFile({}, join(folder, 'other'));
  }, Problem);
});
