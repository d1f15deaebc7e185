/** An answer to a step: a change to its solution. */
export interface Answer {
  /** What was done, in the past tense or as a noun: `the store was built and not passed on`. */
  name: string;
  /** Patches for the solution's files (see lesson/patch.ts), by file name. */
  patch?: Record<string, string>;
  /** Files that replace the solution's or are added to them: their full text. */
  files?: Record<string, string>;
  /** The step whose tests run, if not the answer's own. */
  tests?: number;
  /** Whether it runs beside the others, because its tests mostly wait. */
  aside?: true;
}

/** An answer that must pass. */
export type RightAnswer = Answer;

/** An answer that must fail. */
export interface WrongAnswer extends Answer {
  /** The first red test. */
  caughtBy: string;
  /** What the learner then reads. */
  reads: RegExp;
}
