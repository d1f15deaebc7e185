import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { onEnd, replacePrograms } from '../testing/workshop.ts';
import { findNpm } from './ending.ts';

const windows = process.platform === 'win32';
const linux = process.platform === 'linux';

test('npm is found above the shell between it and us', { skip: !linux && 'needs /proc' }, (t) => {
  // Stands in for npm's shell, and this process for npm.
  const shell = spawn('/bin/sh', ['-c', 'read line; exit'], { stdio: 'pipe' });
  onEnd(t, () => shell.kill());
  assert.equal(findNpm(shell.pid ?? 0), process.pid);
  assert.equal(findNpm(process.pid), process.pid);
});

test('on macOS, ps tells what is above us', { skip: windows }, async (t) => {
  await replacePrograms(t, {
    ps: `case "$4" in
      21) echo "   20 /bin/zsh";;
      22) echo "   20 npm run step:3";;
      23) echo "    1 sh";;
      *) exit 1;;
    esac`,
  });
  const found = [21, 22, 23, 24].map((pid) => findNpm(pid, 'darwin'));
  assert.deepEqual(found, [20, 22, 23, 24]);
});

test('on Windows, our parent is all there is to watch', () => {
  assert.equal(findNpm(21, 'win32'), 21);
});
