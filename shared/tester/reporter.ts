/*
 * The learner's reporter for node:test: node --test-reporter=./shared/tester/reporter.ts …
 */
import type { TestEvent } from 'node:test/reporters';
import { whenBlocked } from './blocked.ts';
import { renderReport } from './render.ts';
import { gather, type Report } from './report.ts';

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  whenBlocked(toText);
  for await (const report of gather(events)) yield toText(report);
}

function toText(report: Report): string {
  const { stdout } = process;
  return renderReport(report, {
    width: Math.min(stdout.columns || 80, 100),
    color: stdout.isTTY && stdout.hasColors(),
  });
}
