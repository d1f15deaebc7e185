/*
 * npm run progress: one line a step, computed from the tests, and the command for what is next.
 */
import { loadEnvFile } from '../runner/settings.ts';
import { runCommand } from '../problem.ts';
import { runStepTests } from '../step-tests.ts';
import { steps } from '../steps.ts';

await runCommand(async () => {
  loadEnvFile();
  const reports = await Promise.all(steps.map((step) => runStepTests(step)));

  let next: number | undefined;
  for (const [index, step] of steps.entries()) {
    const tests = reports[index]?.tests ?? [];
    const passed = tests.filter((test) => test.passed).length;
    const done = passed === tests.length;
    if (!done) next ??= step.number;
    const dots = '●'.repeat(passed) + '○'.repeat(tests.length - passed);
    const left = `Step ${step.number} · ${step.title}`.padEnd(32);
    console.log(`${left}${dots.padEnd(10)} ${passed} of ${tests.length}${done ? '  done' : ''}`);
  }
  console.log(next === undefined
    ? '\nAll steps are done.'
    : `\nNext: npm run step:${next}, and in a second terminal npm run test:${next}`);
});
