import assert from 'node:assert/strict';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { onEnd, temporaryFolder } from '../testing/workshop.ts';
import { replaceSteps, restoreCommand, writeWhole } from './replace.ts';
import { readFiles } from './starters.ts';
import { findStep, folderOf } from './steps.ts';

// The originals, beside which the tests put functions of another disk.
const { readdir, rename, rm } = files;

/** Replaces functions of node:fs/promises until the test ends, wherever they're imported. */
function replaceFunctions(t: TestContext, other: Partial<Pick<typeof files, 'rename' | 'rm'>>) {
  Object.assign(files, other);
  syncBuiltinESMExports();
  onEnd(t, () => {
    Object.assign(files, { rename, rm });
    syncBuiltinESMExports();
  });
}

/** From now on, names that differ only in case are the same file, as on Windows and macOS. */
function ignoreCase(t: TestContext): void {
  const named = async (file: string) => {
    const names = await readdir(dirname(file));
    const is = basename(file).toLowerCase();
    return join(dirname(file), names.find((name) => name.toLowerCase() === is) ?? basename(file));
  };
  replaceFunctions(t, {
    rm: async (file, options) => rm(await named(String(file)), options),
    rename: async (from, to) => {
      await rm(await named(String(to)), { force: true });
      await rename(from, to);
    },
  });
}

for (const disk of ['a disk like this one', 'a disk on which App.ts is app.ts']) {
  test(`on ${disk}, app.ts takes the place of App.ts`, async (t) => {
    const workshop = await temporaryFolder(t);
    const step = findStep(1);
    const folder = folderOf(step, 'steps', workshop);
    await files.mkdir(folder, { recursive: true });
    for (const name of ['App.ts', 'more.ts']) await files.writeFile(join(folder, name), 'mine');
    if (disk.endsWith('app.ts')) ignoreCase(t);

    const fresh = new Map([['app.ts', Buffer.from('fresh')]]);
    const said: string[] = [];
    await replaceSteps(workshop, [{ step, files: fresh }], 'reset 1', (line) => said.push(line));
    assert.deepEqual(await readFiles(folder), fresh);
    const [, backup = ''] = /kept in (\S+)\//.exec(said.join('\n')) ?? [];
    const kept = await readFiles(join(workshop, backup, 'steps', step.folder));
    assert.deepEqual([...kept.keys()].sort(), ['App.ts', 'more.ts']);
  });
}

/** From now on, renaming a file fails so many times, as if another program held the target. */
function holdTarget(t: TestContext, code: string, times: number): { tries: number } {
  const count = { tries: 0 };
  replaceFunctions(t, {
    rename: async (from, to) => {
      if (++count.tries > times) return rename(from, to);
      throw Object.assign(new Error('held'), { code });
    },
  });
  return count;
}

test('a file that another program holds for a moment is written all the same', async (t) => {
  const workshop = await temporaryFolder(t);
  for (const code of ['EPERM', 'EBUSY', 'EACCES']) {
    holdTarget(t, code, 3);
    await writeWhole(workshop, 'file', code);
    assert.equal(await files.readFile(join(workshop, 'file'), 'utf8'), code);
  }
});

test('a file that stays held, or fails for another reason, is given up', async (t) => {
  const workshop = await temporaryFolder(t);
  for (const [code, tries] of [['EBUSY', 6], ['ENOSPC', 1]] as const) {
    const held = holdTarget(t, code, Infinity);
    await assert.rejects(writeWhole(workshop, 'file', ''), { code });
    assert.equal(held.tries, tries);
  }
  assert.deepEqual(await files.readdir(join(workshop, '.workshop', 'tmp')), []);
});

test('a backup is restored with the command of the system', () => {
  const commands = {
    win32: 'Copy-Item -Recurse -Force "backup/steps/*" steps/   (in PowerShell)',
    darwin: 'cp -R "backup/steps/." steps/',
    linux: 'cp -R "backup/steps/." steps/',
  };
  for (const platform of ['win32', 'darwin', 'linux'] as const) {
    assert.equal(restoreCommand('backup', platform), commands[platform]);
  }
});
