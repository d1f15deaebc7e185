import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { JsonReport } from './json.ts';
import { root, type Step } from '../lesson/steps.ts';

/** On whose code the tests run. */
export interface StepTestsOptions {
  /** Whether the solution is tested and not the learner's code. */
  solutions?: boolean;
  /** The workshop's folder; this one if it is missing. */
  folder?: string;
}

/**
 * Runs the tests of one step as `npm run test:N` does, in a process of their own.
 * @throws {Error} when they could not report, with what they printed instead
 */
export async function runStepTests(
  step: Step,
  { solutions = false, folder = root }: StepTestsOptions = {},
): Promise<JsonReport> {
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--import', 'tsx',
    '--test-reporter', './shared/tester/json.ts',
    '--test-reporter-destination', 'stdout',
    '--test-force-exit',
    'shared/commands/test.ts', String(step.number),
    ...(solutions ? ['--solution'] : []),
  ], {
    cwd: folder,
    // Without NODE_TEST_CONTEXT it would report to a test runner above, and not to us.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { errors += text; });
  await once(child, 'close');
  const line = output.split('\n').find((text) => text.startsWith('{"step":'));
  if (line === undefined) {
    throw new Error(`The tests of step ${step.number} did not report:\n${output}${errors}`);
  }
  return JSON.parse(line) as JsonReport;
}
