import { renderChanges } from '../cockpit/diff.ts';
import { readFiles } from '../lesson/starters.ts';
import { diffFiles } from '../lesson/step-diff.ts';
import { folderOf, steps } from '../lesson/steps.ts';
import { paintDiff } from '../terminal/markdown.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run diff N`: the differences between the learner's step and the solution. `--step` shows
 * what the step itself changes, from the previous solution to its own.
 */
export default async function diff(context: Context): Promise<void> {
  const { workshop, display, print } = context;
  const { step, flags } = readStep('diff N', ['step'], context);
  const previous = steps.find(({ number }) => number === step.number - 1);
  // The first step starts from nothing.
  const [from, kind] = flags.step ? [previous, 'solutions'] as const : [step, 'steps'] as const;
  const folder = from && `${kind}/${from.folder}`;
  const after = `solutions/${step.folder}/`;
  const files = diffFiles(
    from ? await readFiles(folderOf(from, kind, workshop)) : new Map<string, Buffer>(),
    await readFiles(folderOf(step, 'solutions', workshop)),
  );
  if (files.length === 0) {
    print(`${folder ?? ''}/ says the same as ${after}, apart from layout and comments.`);
    return;
  }
  print(paintDiff(`- ${folder === undefined ? 'nothing yet' : `${folder}/`}`, display));
  print(paintDiff(`+ ${after}`, display));
  print(['', ...renderChanges(files, folder, display)].join('\n').trimEnd());
}
