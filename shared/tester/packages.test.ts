import assert from 'node:assert/strict';
import { appendFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { Workshop } from '../testing/workshop.ts';
import { runStepTests } from './step-tests.ts';
import { root, steps } from '../lesson/steps.ts';

const [step] = steps;
assert.ok(step);

test('packages are compiled once, and anew when one of their files has changed', async (t) => {
  const workspace = await Workshop.copy();
  t.after(() => workspace.remove());
  const modules = await ownModules(workspace, 'express');
  const cache = path.join(modules, '.cache');
  const compiled = async () => {
    const { tests } = await runStepTests(step, { folder: workspace.folder, solutions: true });
    assert.deepEqual(tests.filter(({ passed }) => !passed), []);
    const folder = path.join(cache, 'express-session-workshop');
    const index = await readFile(path.join(folder, 'index.json'), 'utf8');
    const { file } = JSON.parse(index) as { file: string };
    return { index, code: await readFile(path.join(folder, file), 'utf8') };
  };

  const first = await compiled();
  assert.equal((await compiled()).index, first.index);
  await appendFile(path.join(modules, 'express', 'index.js'), '\nglobalThis.changed = true;\n');
  assert.match((await compiled()).code, /globalThis\.changed = true/);

  // Where nothing can be written, Node finds the packages as ever.
  await rm(cache, { recursive: true });
  await writeFile(cache, 'no folder');
  await assert.rejects(compiled, { code: 'ENOTDIR' });
});

/** Gives a workspace a node_modules of its own, with a copy of one package. */
async function ownModules({ folder }: Workshop, copied: string): Promise<string> {
  const shared = path.join(root, 'node_modules');
  const own = path.join(folder, 'node_modules');
  await rm(own);
  await mkdir(own);
  for (const name of await readdir(shared)) {
    if (name === '.cache') continue;
    const [from, to] = [path.join(shared, name), path.join(own, name)];
    if (name === copied) await cp(from, to, { recursive: true });
    else await symlink(from, to, 'junction');
  }
  return own;
}
