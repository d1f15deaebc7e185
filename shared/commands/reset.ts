/*
 * npm run reset N: step N as it came. What was there is kept first.
 */
import { readStep } from './arguments.ts';
import { forgetHints } from '../lesson/hints.ts';
import { runCommand } from '../terminal/problem.ts';
import { replaceSteps } from '../lesson/replace.ts';
import { findStarter } from '../lesson/starters.ts';

await runCommand(async () => {
  const { step } = readStep('reset', []);
  const files = await findStarter(step);
  const changed = await replaceSteps([{ step, files }], `reset-${step.number}`, (line) => {
    console.log(line);
  });
  if (changed.length > 0) await forgetHints(step);
  console.log(changed.length > 0
    ? `Step ${step.number} is as it came.\nNext: npm run step:${step.number}`
    : `Step ${step.number} is as it came already: nothing has changed.\n`
      + `Next: npm run step:${step.number}`);
});
