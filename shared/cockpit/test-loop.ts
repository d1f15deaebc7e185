import type { Step } from '../lesson/steps.ts';
import { TestProcess } from '../tester/test-process.ts';
import { timeOfDay, type Emit } from './state.ts';

/** How long after a verdict to prepare the next run, in milliseconds: people read first. */
const READING_MS = 500;

/**
 * Runs a step's tests on request, one run at a time. A new run ends the current one: only the last
 * save gets a verdict.
 */
export class TestLoop {
  readonly #step: Step;
  readonly #env: NodeJS.ProcessEnv;
  readonly #graceMs: number;
  readonly #emit: Emit;
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
   * @param emit receives what the tests do
   */
  constructor(step: Step, env: NodeJS.ProcessEnv, graceMs: number, emit: Emit) {
    this.#step = step;
    this.#env = env;
    this.#graceMs = graceMs;
    this.#emit = emit;
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
    this.#emit({ type: 'tests started' });
    this.warmUp();
    const running = this.#spare;
    this.#spare = undefined;
    if (!running) return;
    this.#running = running;
    const verdict = await running.run(this.#step, 'steps', {}, (report) => {
      if (!this.#isOld(number)) this.#emit({ type: 'own tests passed', report });
    });
    if (!this.#isOld(number)) this.#emit({ type: 'tests ended', verdict, at: timeOfDay() });
    await running.end();
    this.#running = undefined;
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => { this.warmUp(); }, READING_MS);
  }

  #isOld(number: number): boolean {
    return this.#closed || number !== this.#newest;
  }
}
