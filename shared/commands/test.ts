import { constants } from 'node:os';
import { Problem } from '../terminal/problem.ts';
import { renderOwnPass, renderReport } from '../tester/render.ts';
import { passes } from '../tester/report.ts';
import { TestProcess } from '../tester/test-process.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run test:N`: step N's tests against the learner's code, or with `--solution` against the
 * solution.
 */
export default async function test(context: Context): Promise<void> {
  const { workshop, env, display, print } = context;
  const { step, flags } = readStep('test:N', ['solution'], context);
  const kind = flags.solution ? 'solutions' : 'steps';
  if (process.stdout.isTTY) print(`Testing ${kind}/${step.folder}/ …`);
  const tests = new TestProcess({ workshop, env, output: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      void tests.end().then(() => process.exit(128 + constants.signals[signal]));
    });
  }
  const verdict = await tests.run(step, kind, {}, (report) => {
    if (process.stdout.isTTY) print(renderOwnPass(report));
  });
  if ('report' in verdict) {
    const { report } = verdict;
    print(renderReport(report, display).trimEnd());
    if (!report.tests.every(passes)) process.exitCode = 1;
  }
  await tests.end();
  if ('failure' in verdict) throw new Problem(verdict.failure, verdict.next);
}
