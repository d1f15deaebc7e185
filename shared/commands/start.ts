/*
 * npm start: the cockpit at the first step that is not done yet.
 */
import { readArguments } from './arguments.ts';
import { runCockpit } from '../cockpit/cockpit.ts';
import { runCommand } from '../terminal/problem.ts';
import { loadEnvFile } from '../app/settings.ts';
import { passes } from '../tester/report.ts';
import { runStepTests } from '../tester/test-process.js';
import { steps, type Step } from '../lesson/steps.ts';

await runCommand(async () => {
  const { flags: { plain } } = readArguments('start', ['plain']);
  loadEnvFile();
  const step = await findOpenStep();
  if (step) return runCockpit(step, { kind: 'steps', plain });
  console.log('All steps are done.\nNext: npm run progress');
});

setTimeout(() => process.exit(), 500).unref();

/** The first step whose tests do not all pass. */
async function findOpenStep(): Promise<Step | undefined> {
  for (const step of steps) {
    console.log(`Looking at step ${step.number} …`);
    const { tests } = await runStepTests(step);
    if (!tests.every(passes)) return step;
  }
  return undefined;
}
