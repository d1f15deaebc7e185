/*
 * npm run progress: one line a step, computed from the tests, and the command for what is next.
 * `--json`: one line of JSON, to be pasted or collected. It tells nothing about the person.
 */
import { readArguments } from './arguments.ts';
import { runCommand } from '../terminal/problem.ts';
import { loadEnvFile } from '../app/settings.ts';
import { passes } from '../tester/report.ts';
import { runStepTests } from '../tester/test-process.js';
import { steps } from '../lesson/steps.ts';
import { progress } from '../terminal/text.ts';

await runCommand(async () => {
  const { flags } = readArguments('progress', ['json']);
  loadEnvFile();
  const reports = await Promise.all(steps.map((step) => runStepTests(step)));
  const counts = reports.map(({ step, tests }) => (
    { step: step.number, passed: tests.filter(passes).length, total: tests.length }
  ));

  if (flags.json) {
    const [, engine] = /^MongoDB: (\S+)/.exec(
      reports.map(({ database }) => database).find(Boolean) ?? '',
    ) ?? [];
    const { version, platform } = process;
    console.log(JSON.stringify({ steps: counts, node: version, platform, engine: engine ?? null }));
    return;
  }
  for (const { title, number } of steps) {
    const { passed, total } = counts[number - 1] ?? { passed: 0, total: 0 };
    const done = passed === total ? '  done' : '';
    console.log(`${`Step ${number} · ${title}`.padEnd(32)}${progress({ passed, total })}${done}`);
  }
  const open = counts.find(({ passed, total }) => passed < total);
  console.log(open ? `\nNext: npm run step:${open.step}` : '\nAll steps are done.');
});
