import { loadEnvFile } from '../app/settings.ts';
import { steps } from '../lesson/steps.ts';
import { progress as dots } from '../terminal/text.ts';
import { runStepTests } from '../tester/step-tests.ts';
import { readArguments } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run progress`: one line a step, computed from the tests, and the command for what is next.
 * `--json`: one line of JSON, to paste or collect. It tells nothing about the person.
 */
export default async function progress(context: Context, runTests = runStepTests): Promise<void> {
  const { workshop, print } = context;
  const { flags } = readArguments('progress', ['json'], context);
  loadEnvFile();
  const reports = await Promise.all(steps.map((step) => runTests(step, { folder: workshop })));
  const counts = reports.map(({ tests }, index) => ({
    step: index + 1,
    passed: tests.filter(({ passed }) => passed).length,
    total: tests.length,
  }));

  if (flags.json) {
    const line = reports.map(({ database }) => database).find(Boolean) ?? '';
    const engine = /^MongoDB: (\S+)/.exec(line)?.[1] ?? null;
    print(JSON.stringify({
      steps: counts, node: process.version, platform: process.platform, engine,
    }));
    return;
  }
  for (const { title, number } of steps) {
    const count = counts[number - 1] ?? { passed: 0, total: 0 };
    const done = count.passed === count.total ? '  done' : '';
    print(`${`Step ${number} · ${title}`.padEnd(32)}${dots(count)}${done}`);
  }
  const open = counts.find(({ passed, total }) => passed < total);
  print(open ? `\nNext: npm run step:${open.step}` : '\nAll steps are done.');
}
