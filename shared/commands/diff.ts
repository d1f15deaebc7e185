/*
 * npm run diff N: the learner's step beside the solution, only what differs. `--step` shows what
 * the step itself changes: the solution before it beside its own.
 */
import path from 'node:path';
import { readStep } from './arguments.ts';
import { paintDiff } from '../terminal/markdown.ts';
import { paperOf } from '../terminal/paper.ts';
import { runCommand } from '../terminal/problem.ts';
import { diffFolders, type Change } from '../lesson/step-diff.ts';
import { root, steps } from '../lesson/steps.ts';
import { paint } from '../terminal/text.ts';

const paper = paperOf();

await runCommand(async () => {
  const { step, flags } = readStep('diff', ['step']);
  const previous = steps.find(({ number }) => number === step.number - 1);
  const before = flags.step
    ? previous && `solutions/${previous.folder}`
    : `steps/${step.folder}`;
  const after = `solutions/${step.folder}`;
  // The first step begins with nothing.
  const files = await diffFolders(path.join(root, before ?? 'nothing'), path.join(root, after));
  if (files.length === 0) {
    console.log(`${before ?? ''}/ says the same as ${after}/, formatting and comments aside.`);
    return;
  }
  console.log(paintDiff(`- ${before === undefined ? 'nothing yet' : `${before}/`}`, paper));
  console.log(paintDiff(`+ ${after}/`, paper));
  for (const { name, changes } of files) {
    for (const change of changes) {
      const place = before === undefined ? name : `${before}/${name}:${change.line}`;
      console.log(`\n${paint('bold', place, paper)}\n${renderChange(change).join('\n')}`);
    }
  }
});

function renderChange({ before, after }: Change): string[] {
  return [...before.map((line) => `- ${line}`), ...after.map((line) => `+ ${line}`)]
    .map((line) => paintDiff(line, paper));
}
