import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forFont } from './text.ts';

test('old Windows consoles get signs that their fonts have', () => {
  const terminals: [platform: NodeJS.Platform, env: NodeJS.ProcessEnv, shown: string][] = [
    ['win32', {}, '√ × ● ○'],
    ['win32', { WT_SESSION: 'b7a8' }, '✔ ✖ ● ○'],
    ['win32', { TERM_PROGRAM: 'vscode' }, '✔ ✖ ● ○'],
    ['win32', { TERM: 'xterm-256color' }, '✔ ✖ ● ○'],
    ['darwin', {}, '✔ ✖ ● ○'],
    ['linux', {}, '✔ ✖ ● ○'],
  ];
  const { stdout } = process;
  for (const [platform, env, shown] of terminals) {
    assert.equal(forFont('✔ ✖ ● ○', { stdout, env, platform }), shown);
  }
});
