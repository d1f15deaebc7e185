import { forgetHints } from '../lesson/hints.ts';
import { replaceSteps } from '../lesson/replace.ts';
import { readStarter } from '../lesson/starters.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/** `npm run reset N`: restores step N's starter. Existing files are backed up. */
export default async function reset({ workshop, print, ...input }: Context): Promise<void> {
  const { step } = readStep('reset N', [], input);
  const files = await readStarter(step, workshop);
  const changed = await replaceSteps(workshop, [{ step, files }], `reset ${step.number}`, print);
  if (changed) await forgetHints(step, workshop);
  print(changed
    ? `Step ${step.number} is as it came.`
    : `Step ${step.number} was still as it came: nothing has changed.`);
  print(`Next: npm run step:${step.number}`);
}
