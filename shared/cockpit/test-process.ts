import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Report } from '../tester/report.ts';
import { root, type Step } from '../lesson/steps.ts';

/** How a test run ended: with a report, or with what it printed instead of one. */
export type Verdict = { report: Report } | { failure: string };

const lifeline = new URL('../app/lifeline.js', import.meta.url).href;

/** One run of a step's tests, in a process of its own that is loaded before it is needed. */
export class TestProcess {
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  /** Resolves when it has ended. */
  readonly closed: Promise<unknown>;
  #output = '';
  #errors = '';

  constructor(step: Step, env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--import', lifeline,
      '--import', 'tsx',
      '--test-reporter', './shared/cockpit/reporter.ts',
      '--test-reporter-destination', 'stdout',
      '--test-force-exit',
      'shared/cockpit/test-process-main.ts', String(step.number),
    ], {
      cwd: root,
      // Without NODE_TEST_CONTEXT it would report to a test runner above, and not to us.
      env: { ...env, NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A process group of its own: it is killed together with the apps that it has started.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    // A process that cannot even be started has no other event.
    this.closed = once(this.#child, 'close').catch(() => undefined);
    this.#ready = Promise.race([once(this.#child, 'message'), this.closed]).catch(() => undefined);
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
  }

  /** Whether it can still be told to run. */
  get waits(): boolean {
    return this.#child.connected;
  }

  /** Runs the tests. Resolves with the report, or when the process has ended without one. */
  async run(): Promise<Verdict> {
    await this.#ready;
    if (this.waits) {
      // Should it end in this very moment, its end says so.
      this.#child.send('run', () => undefined);
    }
    const report = new Promise<void>((resolve) => {
      this.#child.stdout?.on('data', () => {
        if (reportIn(this.#output) !== undefined) resolve();
      });
    });
    await Promise.race([report, this.closed]);
    const line = reportIn(this.#output);
    if (line !== undefined) return { report: JSON.parse(line) as Report };
    return { failure: `${this.#output}${this.#errors}`.trim() || 'They ended without a word.' };
  }

  /**
   * Ends it, with whatever it has started. Resolves when it has ended.
   * @param graceMs how long it may take to come to its own end, in milliseconds
   */
  async kill(graceMs = 0): Promise<void> {
    if (graceMs > 0) {
      const timer = new AbortController();
      const grace = setTimeout(graceMs, undefined, { signal: timer.signal }).catch(() => undefined);
      await Promise.race([this.closed, grace]);
      timer.abort();
    }
    const { pid, exitCode, signalCode } = this.#child;
    if (pid !== undefined && exitCode === null && signalCode === null) {
      try {
        if (process.platform === 'win32') this.#child.kill('SIGKILL');
        else process.kill(-pid, 'SIGKILL');
      } catch {
        // It has ended in this very moment.
      }
    }
    await this.closed;
  }
}

/** The line that holds the whole report, once it is there to its end. */
function reportIn(output: string): string | undefined {
  return output.split('\n').slice(0, -1).find((line) => line.startsWith('{"step":'));
}
