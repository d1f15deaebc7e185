/*
 * The tests of a step run in a process of their own, because the learner's code runs there, too: it
 * may print, crash, hang or end the process. What the tests found comes over a channel which that
 * code doesn't have.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { root, type Kind, type Step } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';
import { killGroup, ownGroup } from '../terminal/process-group.ts';
import type { News, Order, Run, Verdict } from './main.ts';
import type { Report } from './report.ts';

interface TestProcessOptions {
  /** The workshop's folder; this one if it's missing. */
  workshop?: string;
  /** Its whole environment; ours if it's missing. */
  env?: NodeJS.ProcessEnv;
  /** Where the learner's code prints: `inherit` shows it. */
  output?: 'pipe' | 'inherit';
}

/** How much of what was printed is kept, in characters. */
const KEPT = 10_000;

/** How long the tests may take to remove their databases, in milliseconds. */
const TIDY_MS = 3000;

/** A process that runs tests, and may be started before it's known which. */
export class TestProcess {
  readonly #child: ChildProcess;
  #printed = '';
  /** Resolves when the process has ended. */
  readonly closed: Promise<unknown>;

  constructor({ workshop = root, env = process.env, output = 'pipe' }: TestProcessOptions = {}) {
    this.#child = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--import', 'tsx',
      // node:test runs the tests, and what it tells of them goes nowhere: the report is ours.
      '--test-reporter=dot', `--test-reporter-destination=${devNull}`,
      'shared/tester/main.ts',
    ], {
      cwd: workshop,
      // With NODE_TEST_CONTEXT it would report to a test runner above.
      env: { ...env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined },
      stdio: ['ignore', output, output, 'ipc'],
      ...ownGroup(),
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#printed = (this.#printed + text).slice(-KEPT);
      });
    }
    // A process that can't even be started has no other event.
    this.closed = once(this.#child, 'exit').catch(() => undefined);
  }

  /** Whether it can still be told to run. */
  get waits(): boolean {
    return this.#child.connected;
  }

  /** Sends it something. Should it end in this very moment, its end says so. */
  send(message: Order): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /**
   * Runs the tests of a step. Resolves with the report, or when the process has ended without one.
   * @param kind whose code is tested
   * @param special what else is special about this run
   * @param ownPass is told once the step's own tests pass, and those of earlier steps run
   */
  async run(
    step: Step,
    kind: Kind,
    special?: Pick<Run, 'tests' | 'folder' | 'choice'>,
    ownPass?: (report: Report) => void,
  ): Promise<Verdict> {
    const told = new Promise<Verdict>((resolve) => {
      const listen = (message: News) => {
        if (message.type === 'own pass') ownPass?.(message.report);
        // tsx sends messages, too.
        if (message.type !== 'ended') return;
        if (message.last && this.#child.connected) this.#child.disconnect();
        this.#child.off('message', listen);
        resolve(message.verdict);
      };
      this.#child.on('message', listen);
    });
    this.send({ type: 'run', step: step.number, kind, ...special });
    // Its last words are still on their way when it has ended.
    const silent = this.closed.then(() => setTimeout(100)).then(() => {
      const printed = this.#printed.trim();
      const failure = 'The tests ended without a report.'
        + (printed && ` They printed:\n${printed}`);
      return { failure, next: 'npm run doctor' };
    });
    return Promise.race([told, silent]);
  }

  /**
   * Ends it, with whatever it has started. Resolves when it has ended.
   * @param graceMs how long it may take to tidy up, in milliseconds
   */
  async end(graceMs = TIDY_MS): Promise<void> {
    const grace = new AbortController();
    if (graceMs > 0) {
      this.send({ type: 'stop' });
      const over = setTimeout(graceMs, undefined, { signal: grace.signal }).catch(() => undefined);
      await Promise.race([this.closed, over]);
      grace.abort();
    }
    killGroup(this.#child);
    await this.closed;
    // A process that has left the group could hold them open.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

/**
 * Runs the tests of one step, as `npm run test:N` does.
 * @throws {Problem} when there's no report: why, or what was printed instead
 */
export async function runStepTests(
  step: Step, { kind = 'steps', ...options }: { kind?: Kind } & TestProcessOptions = {},
): Promise<Report> {
  const tests = new TestProcess(options);
  const verdict = await tests.run(step, kind);
  await tests.end();
  if ('report' in verdict) return verdict.report;
  throw new Problem(verdict.failure, verdict.next);
}
