import { loadEnvFile } from '../app/settings.ts';
import { passes, type Report } from '../tester/report.ts';
import { runStepTests } from '../tester/test-process.js';
import { steps } from '../lesson/steps.ts';
import { progress as dots } from '../terminal/text.ts';
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
  const running = steps.map((step) => runTests(step, { workshop }));
  // One that fails is told when its turn comes.
  void Promise.allSettled(running);
  const reports: Report[] = [];
  const counts: { step: number; passed: number; total: number }[] = [];
  for (const [index, { number, title }] of steps.entries()) {
    const report = await running[index];
    if (!report) continue;
    const { tests } = report;
    const count = { step: number, passed: tests.filter(passes).length, total: tests.length };
    reports.push(report);
    counts.push(count);
    const done = count.passed === count.total ? '  done' : '';
    if (!flags.json) print(`${`Step ${number} · ${title}`.padEnd(32)}${dots(count)}${done}`);
  }

  if (flags.json) {
    const line = reports.map(({ database }) => database).find(Boolean) ?? '';
    const engine = /^MongoDB: (\S+)/.exec(line)?.[1] ?? null;
    print(JSON.stringify({
      steps: counts, node: process.version, platform: process.platform, engine,
    }));
    return;
  }
  const open = counts.find(({ passed, total }) => passed < total);
  print(open ? `\nNext: npm run step:${open.step}` : '\nAll steps are done.');
}
