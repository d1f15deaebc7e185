import { runCockpit } from '../cockpit/cockpit.ts';
import { Problem } from '../terminal/problem.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run step:N`: the cockpit, in which a learner works on step N. With `--solution`, as in
 * `npm run solution:N`: only the finished app, to show it. `--plain` prints lines, without a
 * screen or keys. `--http` shows a step behind a proxy as it behaves over plain HTTP.
 */
export default async function step(context: Context): Promise<void> {
  const command = context.args.includes('--solution') ? 'solution:N' : 'step:N';
  const { step, flags } = readStep(command, ['plain', 'solution', 'http'], context);
  const { workshop } = context;
  const { plain, solution, http } = flags;
  if (http && !step.behindProxy) {
    throw new Problem(
      `Step ${step.number} has no proxy: all of it is plain HTTP.`, `npm run step:${step.number}`,
    );
  }
  await runCockpit(step, { kind: solution ? 'solutions' : 'steps', plain, http, workshop });
}
