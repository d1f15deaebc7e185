/*
 * npm run step:N: the cockpit, in which a learner works on step N. With --solution, as
 * npm run solution:N: the finished app alone, to be shown. `--plain` prints lines, without a
 * screen and keys.
 */
import { readArguments } from './arguments.ts';
import { runCockpit } from '../cockpit/cockpit.ts';
import { runCommand } from '../terminal/problem.ts';
import { findStep } from '../lesson/steps.ts';

await runCommand(async () => {
  const { positionals: [text], flags } = readArguments('step:N', ['plain', 'solution']);
  const step = findStep(text, flags.solution ? 'solution:N' : 'step:N');
  await runCockpit(step, { kind: flags.solution ? 'solutions' : 'steps', plain: flags.plain });
});

// Nothing should be left that keeps us; a DNS look-up that nobody waits for any more may.
setTimeout(() => process.exit(), 500).unref();
