/*
 * The report as one line of JSON, for programs: which tests pass, and what the learner would read.
 */
import type { TestEvent } from 'node:test/reporters';
import { renderFailure } from './render.ts';
import { gather, type Report } from './report.ts';
import { whenBlocked } from './blocked.ts';

/** How a run of one step's tests ended, for programs. */
export interface JsonReport {
  step: number;
  database: string | undefined;
  tests: {
    name: string;
    move: number;
    passed: boolean;
    /** What the learner reads, on one line; empty for a test that passed. */
    text: string;
  }[];
}

export default async function* json(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  whenBlocked(toLine);
  for await (const report of gather(events)) yield toLine(report);
}

function toLine({ step, database, tests }: Report): string {
  const report: JsonReport = {
    step: step.number,
    database,
    tests: tests.map((test) => ({
      name: test.name,
      move: test.move,
      passed: !test.failure && test.notRun !== true,
      text: renderFailure(test, { width: Infinity, color: false })
        .join(' ')
        .replaceAll(/\s+/g, ' '),
    })),
  };
  return `${JSON.stringify(report)}\n`;
}
