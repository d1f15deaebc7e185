/*
 * Tests of a step run in a process of their own, because the learner's code runs there, too: it may
 * print, crash, hang or end the process. What the tests found comes over a channel which that code
 * doesn't have. (This is plain JavaScript so that a process can be started before TypeScript can be
 * read.)
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./main.ts').Verdict} Verdict */
/** @typedef {import('./main.ts').OwnPass | import('./main.ts').Ended} Message */

/**
 * @typedef {object} TestProcessOptions
 * @property {string} [workshop] the workshop's folder; this one if it's missing
 * @property {NodeJS.ProcessEnv} [env] its whole environment; ours if it's missing
 * @property {'pipe' | 'inherit'} [output] where the learner's code prints: `inherit` shows it
 */

const here = fileURLToPath(new URL('../..', import.meta.url));

/** How much of what was printed is kept, in characters. */
const KEPT = 10_000;

/** How long the tests may take to remove their databases, in milliseconds. */
const TIDY_MS = 3000;

/** A process that runs tests, and may be started before it's known which. */
export class TestProcess {
  #child;
  #printed = '';
  /** Resolves when the process has ended. */
  closed;

  /** @param {TestProcessOptions} [options] */
  constructor({ workshop = here, env = process.env, output = 'pipe' } = {}) {
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
      // A process group of its own: it's killed together with all that it has started.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text) => {
        this.#printed = (this.#printed + text).slice(-KEPT);
      });
    }
    // A process that can't even be started has no other event.
    this.closed = once(this.#child, 'exit').catch(() => undefined);
  }

  /** Whether it can still be told to run. */
  get waits() {
    return this.#child.connected;
  }

  /**
   * Sends it something. Should it end in this very moment, its end says so.
   * @param {import('./main.ts').Order} message
   */
  send(message) {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /**
   * Runs the tests of a step. Resolves with the report, or when the process has ended without one.
   * @param {import('../lesson/steps.ts').Step} step
   * @param {import('../lesson/steps.ts').Kind} kind whose code is tested
   * @param {Pick<import('./main.ts').Run, 'tests' | 'folder' | 'choice'>} [special] what else it is
   * @param {(report: import('./report.ts').Report) => void} [ownPass] is told once the step's own
   *   tests pass, and those of earlier steps run
   * @returns {Promise<Verdict>}
   */
  async run(step, kind, special, ownPass) {
    /** @type {Promise<Verdict>} */
    const told = new Promise((resolve) => {
      const listen = (/** @type {Message} */ message) => {
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
   * @param {number} [graceMs] how long it may take to tidy up, in milliseconds
   */
  async end(graceMs = TIDY_MS) {
    const grace = new AbortController();
    if (graceMs > 0) {
      this.send({ type: 'stop' });
      const over = setTimeout(graceMs, undefined, { signal: grace.signal }).catch(() => undefined);
      await Promise.race([this.closed, over]);
      grace.abort();
    }
    killGroup(this.#child.pid);
    await this.closed;
    // A process that has left the group could hold them open.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}

/**
 * Kills a process and all that it has started, even if it has ended itself.
 * @param {number | undefined} pid
 */
function killGroup(pid) {
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { windowsHide: true });
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it runs any more.
  }
}
