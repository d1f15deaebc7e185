/*
 * The reports of a test run as lines of JSON, whole: the cockpit renders them itself, again and
 * again, at the width that its terminal has at that moment.
 */
import type { TestEvent } from 'node:test/reporters';
import { whenBlocked } from '../tester/blocked.ts';
import { gather, type Report } from '../tester/report.ts';

export default async function* json(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  whenBlocked(toLine);
  for await (const report of gather(events)) yield toLine(report);
}

function toLine(report: Report): string {
  return `${JSON.stringify(report)}\n`;
}
