import type { Kind, Step } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';
import type { Report } from './report.ts';
import { TestProcess, type TestProcessOptions } from './test-process.js';

/**
 * Runs the tests of one step, as `npm run test:N` does.
 * @throws {Problem} when there's no report: why, or what was printed instead
 */
export async function runStepTests(
  step: Step, { kind = 'steps', ...options }: { kind?: Kind } & TestProcessOptions = {},
): Promise<Report> {
  const tests = new TestProcess(options);
  const verdict = await tests.run(step, kind);
  await tests.end();
  if ('report' in verdict) return verdict.report;
  throw new Problem(verdict.failure, verdict.next);
}
