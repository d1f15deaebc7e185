import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

/** How long to wait for output, in milliseconds: busy machines are slow. */
const PATIENCE_MS = 180_000;

/** A long-running command, such as `npm run step:3`, and its output. */
export class Terminal {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = '';
  #from = 0;

  /** @param args the arguments after `node` */
  constructor(args: string[], folder: string, env: NodeJS.Dict<string>) {
    this.#process = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#ended = once(this.#process, 'close');
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => { this.#output += text; });
    }
  }

  /** The output since the last mark. */
  get output(): string {
    return this.#output.slice(this.#from);
  }

  /** Ignores the output so far. */
  mark(): void {
    this.#from = this.#output.length;
  }

  /**
   * Waits until the output is as expected.
   * @returns whether that happened in time
   */
  async seen(isDone: (output: string) => boolean): Promise<boolean> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!isDone(this.output)) {
      if (performance.now() > deadline || this.#hasEnded) return isDone(this.output);
      await setTimeout(10);
    }
    return true;
  }

  /** Presses Ctrl-C. @returns the exit code, and the output after it */
  async interrupt(): Promise<{ code: number | null; output: string }> {
    this.mark();
    this.#process.kill('SIGINT');
    await this.#ended;
    return { code: this.#process.exitCode, output: this.output };
  }

  /** Ends the command, whatever it's doing. */
  async end(): Promise<void> {
    if (!this.#hasEnded) this.#process.kill('SIGTERM');
    await this.#ended;
  }

  get #hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }
}
