import { loadEnvFile } from '../app/settings.ts';
import { runCockpit } from '../cockpit/cockpit.ts';
import { steps } from '../lesson/steps.ts';
import { passes } from '../tester/report.ts';
import { runStepTests } from '../tester/test-process.ts';
import { readArguments } from './arguments.ts';
import type { Context } from './command.ts';

/** `npm start`: the cockpit at the first step whose tests don't all pass. */
export default async function start(
  context: Context, runTests = runStepTests, openCockpit = runCockpit,
): Promise<void> {
  const { workshop, print } = context;
  const { flags: { plain } } = readArguments('start', ['plain'], context);
  loadEnvFile();
  for (const step of steps) {
    print(`Looking at step ${step.number} …`);
    const { tests } = await runTests(step, { workshop });
    if (tests.every(passes)) continue;
    await openCockpit(step, { kind: 'steps', plain, workshop });
    return;
  }
  print('All steps are done.\nNext: npm run progress');
}
