/** A test and its place in the lesson. */
export interface PlannedTest {
  name: string;
  step: number;
  /** The numbered move of WORKSHOP.md that makes it pass. */
  move: number;
}

/** The tests of this run, in the order of the lesson. */
export const plan: PlannedTest[] = [];

/** What the reporter tells besides: which MongoDB ran, in one line. */
export const run: { database?: string } = {};
