/*
 * node --import tsx shared/proof/keep-starters.ts: for maintainers. Copies the learner's files from
 * steps/ to shared/lesson/starters/, the source for reset, catch-up and the proof.
 */
import { cp, rm } from 'node:fs/promises';
import path from 'node:path';
import { readFiles, starterFolder } from '../lesson/starters.ts';
import { folderOf, steps } from '../lesson/steps.ts';
import { breaches } from './contract.ts';

for (const step of steps) {
  const folder = folderOf(step, 'steps');
  const wrong = await breaches(step, folder);
  if (wrong.length > 0) {
    console.error(`steps/${step.folder}/ is no starter, so it isn't kept: ${wrong.join('; ')}.`);
    process.exitCode = 1;
    continue;
  }
  const kept = starterFolder(step);
  await rm(kept, { recursive: true, force: true });
  for (const name of (await readFiles(folder)).keys()) {
    await cp(path.join(folder, name), path.join(kept, name));
  }
  console.log(`steps/${step.folder}/ is kept.`);
}
