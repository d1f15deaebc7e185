/*
 * The report as one line of JSON, for programs: which tests pass, and what the learner would read.
 */
import type { TestEvent } from 'node:test/reporters';
import { renderFailure } from './render.ts';
import { gather } from './report.ts';

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
  const { step, database, tests } = await gather(events);
  const report: JsonReport = {
    step: step.number,
    database,
    tests: tests.map((test) => ({
      name: test.name,
      move: test.move,
      passed: !test.failure,
      text: renderFailure(test, { width: Infinity, color: false })
        .map((line) => line.trim())
        .join(' '),
    })),
  };
  yield `${JSON.stringify(report)}\n`;
}
