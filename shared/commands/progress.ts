import { availableParallelism } from 'node:os';
import { loadEnvFile } from '../app/settings.ts';
import { passes, type Report } from '../tester/report.ts';
import { runStepTests } from '../tester/test-process.ts';
import { steps, type Step } from '../lesson/steps.ts';
import { progress as dots } from '../terminal/text.ts';
import { readArguments } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run progress`: one line per step, computed from the tests, and the next command to type.
 * `--json`: one line of JSON, to paste or collect. It reveals nothing about the person.
 */
export default async function progress(context: Context, runTests = runStepTests): Promise<void> {
  const { workshop, print } = context;
  const { flags } = readArguments('progress', ['json'], context);
  loadEnvFile();
  const runs: Promise<{ step: Step; report: Report }>[] = [];
  for (const [index, step] of steps.entries()) {
    // Few at once, so that the first lines appear soon.
    const before = Promise.allSettled([runs[index - availableParallelism()]]);
    runs.push(before.then(async () => ({ step, report: await runTests(step, { workshop }) })));
  }
  // Handle rejections now; each failure is reported when its turn comes.
  void Promise.allSettled(runs);
  const counts: { step: number; passed: number; total: number }[] = [];
  let line = '';
  for (const run of runs) {
    const { step: { number, title }, report: { tests, database = '' } } = await run;
    const count = { step: number, passed: tests.filter(passes).length, total: tests.length };
    counts.push(count);
    line ||= database;
    const done = count.passed === count.total ? '  done' : '';
    if (!flags.json) print(`${`Step ${number} · ${title}`.padEnd(32)}${dots(count)}${done}`);
  }

  if (flags.json) {
    const engine = /^MongoDB: (\S+)/.exec(line)?.[1] ?? null;
    print(JSON.stringify({
      steps: counts, node: process.version, platform: process.platform, engine,
    }));
    return;
  }
  const open = counts.find(({ passed, total }) => passed < total);
  print(open ? `\nNext: npm run step:${open.step}` : '\nAll steps are done.');
}
