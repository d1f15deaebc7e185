import { EventEmitter } from 'node:events';
import type { Step } from '../lesson/steps.ts';
import type { Report } from '../tester/report.ts';
import type { Verdict } from '../tester/main.ts';
import { TestProcess } from '../tester/test-process.ts';

export interface TestLoopEvents {
  /** A run has begun; the previous verdict is out of date. */
  started: [];
  /** The step's own tests pass, and those of earlier steps run. */
  ownPass: [report: Report];
  /** The newest run has ended. */
  verdict: [verdict: Verdict];
}

/** How long after a verdict to prepare the next run, in milliseconds: people read first. */
const READING_MS = 500;

/**
 * Runs a step's tests on request, one run at a time. A new run ends the current one: only the last
 * save gets a verdict.
 */
export class TestLoop extends EventEmitter<TestLoopEvents> {
  readonly #step: Step;
  readonly #env: NodeJS.ProcessEnv;
  readonly #graceMs: number;
  #running: TestProcess | undefined;
  /** A test process, loaded and waiting for the next run. */
  #spare: TestProcess | undefined;
  #reading: NodeJS.Timeout | undefined;
  /** The number of the newest run. */
  #newest = 0;
  #turn = Promise.resolve();
  #closed = false;

  /**
   * @param env the whole environment of the tests
   * @param graceMs how long an outdated run may take to tidy up, in milliseconds
   */
  constructor(step: Step, env: NodeJS.ProcessEnv, graceMs = 0) {
    super();
    this.#step = step;
    this.#env = env;
    this.#graceMs = graceMs;
  }

  /** Prepares for the next run. */
  warmUp(): void {
    if (this.#closed || this.#spare?.waits) return;
    this.#spare = new TestProcess({ env: this.#env });
    this.#spare.send({ type: 'prepare', step: this.#step.number });
  }

  /** Runs the tests, ending any current run. */
  run(): void {
    const number = ++this.#newest;
    void this.#running?.end(this.#graceMs);
    this.#turn = this.#turn.then(() => this.#run(number));
  }

  /** Ends everything; no more verdicts follow. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#reading);
    await Promise.all([this.#running?.end(this.#graceMs), this.#spare?.end(0)]);
    await this.#turn;
  }

  async #run(number: number): Promise<void> {
    // Another run was requested before this one could begin.
    if (this.#isOld(number)) return;
    this.emit('started');
    this.warmUp();
    const running = this.#spare;
    this.#spare = undefined;
    if (!running) return;
    this.#running = running;
    const verdict = await running.run(this.#step, 'steps', {}, (report) => {
      if (!this.#isOld(number)) this.emit('ownPass', report);
    });
    if (!this.#isOld(number)) this.emit('verdict', verdict);
    await running.end();
    this.#running = undefined;
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => { this.warmUp(); }, READING_MS);
  }

  #isOld(number: number): boolean {
    return this.#closed || number !== this.#newest;
  }
}
