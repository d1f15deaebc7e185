import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually, onEnd, temporaryFolder } from '../testing/workshop.ts';
import { watchSources, type WatchOptions } from './watch.ts';

/** Watches a workshop with two steps, and records the changes and lines reported. */
async function watched(t: TestContext, options: WatchOptions = {}) {
  const workshop = await temporaryFolder(t);
  const [one, two] = ['steps/01-one', 'solutions/02-two'].map((path) => join(workshop, path));
  for (const folder of [one, two]) await mkdir(folder ?? '', { recursive: true });
  await symlink('circle', join(one ?? '', 'circle'), 'junction');
  const changes: string[][] = [];
  const lines: string[] = [];
  const stop = await watchSources(workshop, (files) => changes.push(files), {
    ...options,
    say: (line) => lines.push(line),
  });
  onEnd(t, stop);
  return { one: one ?? '', two: two ?? '', changes, lines };
}

test('many saves are one change, and other files do not count', async (t) => {
  // Long enough for a machine that's busy with other tests.
  const { one, two, changes, lines } = await watched(t, { quietMs: 1000 });
  await writeFile(join(one, 'notes.md'), '');
  await Promise.all([join(two, 'b.ts'), join(one, 'a.ts')].map((file) => writeFile(file, '')));
  await eventually('a change', () => changes.length > 0);
  assert.deepEqual([changes, lines], [[['solutions/02-two/b.ts', 'steps/01-one/a.ts']], []]);
});

test('a folder that was deleted and recreated is watched', async (t) => {
  const { one, changes } = await watched(t);
  await rm(one, { recursive: true });
  await mkdir(one);
  await writeFile(join(one, 'app.ts'), '1');
  await eventually('it came back', () => changes.flat().includes('steps/01-one/app.ts'));
  const before = changes.length;
  await writeFile(join(one, 'app.ts'), 'changed');
  await eventually('a save is noticed', () => changes.length > before);
});

test('saves are noticed even where the system cannot watch, and one line says so', async (t) => {
  // As on Linux, when an editor has used up the inotify watches.
  t.mock.method(fs, 'watch', () => {
    throw Object.assign(new Error('ENOSPC: limit reached'), { code: 'ENOSPC' });
  });
  syncBuiltinESMExports();
  onEnd(t, () => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const { one, changes, lines } = await watched(t);
  await writeFile(join(one, 'app.ts'), '');
  await eventually('a change', () => changes.length > 0);
  assert.deepEqual(changes, [['steps/01-one/app.ts']]);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /can't watch your files \(ENOSPC/);
});
