/** An answer to a step: a change to its solution. */
export interface Answer {
  /** What was done, in the past tense or as a noun: `the store was built and not passed on`. */
  name: string;
  /** Patches of the solution's files (see patch.ts), by the name of the file. */
  patch?: Record<string, string>;
  /** Files in the place of the solution's, or beside them: their whole text. */
  files?: Record<string, string>;
  /** The step whose tests run, if not the answer's own. */
  tests?: number;
  /** Where it runs: `aside` if the tests wait for it, `alone` if it may take its process along. */
  runs?: 'aside' | 'alone';
}

/** An answer that must pass. */
export type RightAnswer = Answer;

/** An answer that must not pass. */
export interface WrongAnswer extends Answer {
  /** The first test that is red. */
  caughtBy: string;
  /** What the learner reads then. */
  reads: RegExp;
}
