import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { findStep, packagesOf, root, steps } from '../lesson/steps.ts';
import { onEnd, Workshop } from '../testing/workshop.ts';
import { fileOf } from './packages.ts';
import { runStepTests } from './test-process.ts';

describe('the packages of index.ts', { concurrency: 2 }, () => {
  test('their files export what they do', async () => {
    for (const name of new Set(steps.flatMap(packagesOf))) {
      const file = await fileOf(name);
      assert.ok(file, name);
      const [ours, real] = [await import(pathToFileURL(file).href), await import(name)].map(
        (exported: object) => (
          Object.keys(exported).filter((key) => key !== 'module.exports').sort()
        ),
      );
      assert.deepEqual(ours, real, name);
    }
  });

  test('without the files the verdict is the same', async (t) => {
    const workshop = await Workshop.copy();
    onEnd(t, () => workshop.remove());
    const step = findStep(3);
    workshop.solve(step);
    const index = await workshop.read(`solutions/${step.folder}/index.ts`);
    assert.match(index, /\{ MongoClient \}/);
    workshop.save(step.number, index.replace('{ MongoClient }', '{ Mongo as MongoClient }'));
    const run = () => runStepTests(step, { workshop: workshop.folder, env: workshop.env });
    const withFiles = await run();

    // Nothing says here which packages are installed.
    const modules = join(workshop.folder, 'node_modules');
    rmSync(modules);
    mkdirSync(modules);
    for (const name of readdirSync(join(root, 'node_modules'))) {
      if (name.startsWith('.')) continue;
      symlinkSync(join(root, 'node_modules', name), join(modules, name), 'junction');
    }
    const without = await run();
    const told = ({ tests }: typeof without) => (
      tests.map(({ name, failure }) => [name, failure?.observed.replace(/'[^']*mongodb[^']*'/, '')])
    );
    assert.deepEqual(told(without), told(withFiles));
    assert.match(String(told(without)), /Mongo is imported, but nothing with that name/);
  });
});
