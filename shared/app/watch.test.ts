import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, temporaryFolder } from '../testing/workshop.ts';
import { watchFolder } from './watch.ts';

test('many saves are one change, and other files are none', async (t) => {
  const folder = await temporaryFolder(t);
  const changes: string[][] = [];
  const stop = await watchFolder(folder, (files) => {
    changes.push(files);
  });
  await writeFile(join(folder, 'notes.md'), '');
  await Promise.all(['b.ts', 'a.ts'].map((name) => writeFile(join(folder, name), '')));
  await eventually('a change', () => changes.length > 0);
  await stop();
  assert.deepEqual(changes, [['a.ts', 'b.ts']]);
});

test('what is saved during a reaction makes another, after it', async (t) => {
  const folder = await temporaryFolder(t);
  const log: string[] = [];
  let goOn: () => void = () => undefined;
  const stop = await watchFolder(folder, async (files) => {
    log.push(`begin ${files.join()}`);
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    log.push(`end ${files.join()}`);
  }, 20);
  await writeFile(join(folder, 'first.ts'), '');
  await eventually('the first reaction', () => log.length === 1);
  await writeFile(join(folder, 'second.ts'), '');
  await writeFile(join(folder, 'third.ts'), '');
  // Long enough for a reaction that would not wait.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert.deepEqual(log, ['begin first.ts']);
  goOn();
  await eventually('the second reaction', () => log.length === 3);
  goOn();
  await stop();
  assert.deepEqual(log, [
    'begin first.ts', 'end first.ts', 'begin second.ts,third.ts', 'end second.ts,third.ts',
  ]);
});
