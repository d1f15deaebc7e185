/*
 * npm run step:N: the cockpit, in which a learner works on step N. With --conditions=solutions,
 * npm run solution:N: the finished app alone, to be shown. `--plain` prints lines, without a
 * screen and keys.
 */
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readArguments } from './arguments.ts';
import { runCockpit } from '../cockpit/cockpit.ts';
import { runCommand } from '../terminal/problem.ts';
import { findStep, root } from '../lesson/steps.ts';

await runCommand(async () => {
  // The condition decides to which folder this leads.
  const folder = relative(root, fileURLToPath(import.meta.resolve('#workshop/index.ts')));
  const kind = folder.startsWith('solutions') ? 'solution' : 'step';
  const { positionals: [text], flags: { plain } } = readArguments(`${kind}:N`, ['plain']);
  await runCockpit(findStep(text, `${kind}:N`), { kind, plain });
});

// Nothing should be left that keeps us; a DNS look-up that nobody waits for any more may.
setTimeout(() => process.exit(), 500).unref();
