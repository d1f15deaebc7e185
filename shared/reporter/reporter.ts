/*
 * The learner's reporter for node:test: node --test-reporter=./shared/reporter/reporter.ts …
 */
import type { TestEvent } from 'node:test/reporters';
import { renderReport } from './render.ts';
import { gather } from './report.ts';

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const { stdout } = process;
  yield renderReport(await gather(events), {
    width: Math.min(stdout.columns || 80, 100),
    color: stdout.isTTY && stdout.hasColors(),
  });
}
