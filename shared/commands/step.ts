import { runCockpit } from '../cockpit/cockpit.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run step:N`: the cockpit, in which a learner works on step N. With `--solution`, as
 * `npm run solution:N`: the finished app alone, to show it. `--plain` prints lines, without a
 * screen and keys.
 */
export default async function step(context: Context): Promise<void> {
  const command = context.args.includes('--solution') ? 'solution:N' : 'step:N';
  const { step, flags } = readStep(command, ['plain', 'solution'], context);
  await runCockpit(step, { kind: flags.solution ? 'solutions' : 'steps', plain: flags.plain });
}
