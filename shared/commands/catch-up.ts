/*
 * npm run catch-up N: for who is behind. The steps before N take the files of their solutions, and
 * step N its starter. What was there is kept first.
 */
import path from 'node:path';
import { readStep } from './arguments.ts';
import { forgetHints } from '../lesson/hints.ts';
import { Problem, runCommand } from '../terminal/problem.ts';
import { replaceSteps, type Replacement } from '../lesson/replace.ts';
import { findStarter, isStarter, readFolder } from '../lesson/starters.ts';
import { root, steps, type Step } from '../lesson/steps.ts';

await runCommand(async () => {
  const { step } = readStep('catch-up', []);
  const earlier = steps.filter(({ number }) => number < step.number);
  const replacements: Replacement[] = [];
  for (const each of earlier) {
    const files = await readFolder(path.join(root, 'solutions', each.folder));
    if (files.size === 0) {
      throw new Problem(`solutions/${each.folder}/ is not there.`, 'git checkout solutions');
    }
    replacements.push({ step: each, files });
  }
  replacements.push({ step, files: await starterOf(step) });

  const what = `catch-up-${step.number}`;
  const changed = await replaceSteps(replacements, what, (line) => {
    console.log(line);
  });
  if (changed.length > 0) await forgetHints(step);
  const before = earlier.length === 0
    ? ''
    : `The steps before step ${step.number} hold their solutions now. `;
  console.log(`${before}Step ${step.number} is as it came.\nNext: npm run step:${step.number}`);
});

/** The starter, from git only where somebody has worked on the step. */
async function starterOf(step: Step): Promise<Map<string, Buffer>> {
  return await isStarter(step)
    ? readFolder(path.join(root, 'steps', step.folder))
    : findStarter(step);
}
