/*
 * A checkout with CRLF line endings, as an editor or a zip made on Windows may leave it: learners'
 * commands work there, and so does the proof.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../lesson/steps.ts';
import { temporaryFolder } from '../testing/workshop.ts';

test('everything works with CRLF line endings', { timeout: 300_000 }, async (t) => {
  const folder = await temporaryFolder(t);
  await cp(root, folder, {
    recursive: true, filter: (path) => !/[/\\](node_modules|\.git|\.workshop)$/.test(path),
  });
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  for (const entry of await readdir(folder, { recursive: true })) {
    if (entry.startsWith('node_modules') || !/\.(ts|js|md|json|html|css)$/.test(entry)) continue;
    const text = await readFile(join(folder, entry), 'utf8');
    await writeFile(join(folder, entry), text.replaceAll(/\r?\n/g, '\r\n'));
  }
  const run = (...args: string[]) => {
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined, WORKSHOP_MONGO: 'stand-in' };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder, env, encoding: 'utf8',
    });
    assert.equal(status, 0, `${args.join(' ')}:\n${stdout}${stderr}`);
    return stdout;
  };
  const command = 'shared/commands/run.js';

  run(command, 'reset', '1');
  assert.match(run(command, 'hint', '1'), /^Step 1 · Move 1: .* Hint 1 of 3/);
  assert.match(run(command, 'diff', '1'), /^\+ .*res\.send\('Hello World'\);$/m);
  const proof = run('--import', 'tsx', '--test', '--test-reporter=tap',
    '--test-name-pattern=Step 1:', 'shared/proof/text.test.ts');
  assert.match(proof, /^# pass 1$/m);
  assert.match(run(command, 'test', '1', '--solution'), /^✔ pass {2}GET \/ answers Hello World$/m);
});
