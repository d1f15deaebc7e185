import { forgetHints } from '../lesson/hints.ts';
import { replaceSteps, type Replacement } from '../lesson/replace.ts';
import { readFiles, readStarter } from '../lesson/starters.ts';
import { folderOf, steps } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run catch-up N`, for learners who are behind: the steps before N get their solutions' files,
 * and step N its starter. Existing files are backed up.
 */
export default async function catchUp({ workshop, print, ...input }: Context): Promise<void> {
  const { step } = readStep('catch-up N', [], input);
  const replacements: Replacement[] = [];
  for (const earlier of steps.filter(({ number }) => number < step.number)) {
    const files = await readFiles(folderOf(earlier, 'solutions', workshop));
    if (files.size === 0) {
      throw new Problem(
        `solutions/${earlier.folder}/ is missing.`,
        'git checkout solutions, or copy it from a fresh download of the workshop',
      );
    }
    replacements.push({ step: earlier, files });
  }
  const solved = replacements.length > 0;
  replacements.push({ step, files: await readStarter(step, workshop) });
  const changed = await replaceSteps(workshop, replacements, `catch-up ${step.number}`, print);
  if (changed) await forgetHints(step, workshop);
  print(`${solved ? `The steps before step ${step.number} are solved now. ` : ''}Step ${
    step.number} is as it came.\nNext: npm run step:${step.number}`);
}
