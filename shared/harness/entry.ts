import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build, type BuildFailure } from 'esbuild';
import { root } from '../steps.ts';
import type { ProbeMessage } from './entry-probe.ts';
import { Lesson, messageOf } from './lesson.ts';
import { subjectFile } from './subject.ts';

/** How long index.ts may take to listen or to end, in milliseconds: busy machines are slow. */
const PATIENCE_MS = 10_000;

let bundle: Promise<string> | undefined;

/**
 * index.ts and what it imports, compiled once for all starts: with tsx every start would take
 * twice as long. esbuild is the compiler that tsx uses.
 */
function compile(): Promise<string> {
  bundle ??= build({
    stdin: {
      contents: [
        `import ${JSON.stringify(fileURLToPath(new URL('entry-probe.ts', import.meta.url)))};`,
        `import ${JSON.stringify(fileURLToPath(subjectFile('index.ts')))};`,
      ].join('\n'),
      resolveDir: root,
    },
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    write: false,
    logLevel: 'silent',
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '');
  return bundle;
}

/** index.ts, running as a process of its own. */
export class Entry {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** What it printed, on both outputs. */
  output = '';
  /** The port it asked for, as it asked. */
  askedFor: string | undefined;
  /** The port on which it really listens: any free one, in place of the port it asked for. */
  port: number | undefined;

  private constructor(child: ChildProcess) {
    this.#process = child;
    this.#ended = once(child, 'close');
    child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.output += text; });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.output += text; });
    child.on('message', (message: ProbeMessage) => {
      if (message.type === 'asked') this.askedFor = message.port;
      else this.port = message.port;
    });
  }

  /**
   * Starts index.ts.
   * @param env variables of its environment; undefined takes one away
   * @throws {Lesson} when it cannot be compiled
   */
  static async start(env: Record<string, string | undefined>): Promise<Entry> {
    let code;
    try {
      code = await compile();
    } catch (error) {
      throw notCompiled(error);
    }
    const child = spawn(process.execPath, ['--enable-source-maps', '--input-type=module', '-'], {
      cwd: root,
      env: { ...process.env, NODE_OPTIONS: undefined, NO_DEPRECATION: '*', ...env },
      stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    });
    // A process that ends before it has read all of its code breaks the pipe; its end says more.
    child.stdin?.on('error', () => undefined).end(code);
    return new Entry(child);
  }

  /** Whether it still runs. */
  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The exit code, or the name of the signal that ended it. */
  get ending(): number | NodeJS.Signals | null {
    return this.#process.exitCode ?? this.#process.signalCode;
  }

  /** What it printed that a person reads first: its last line. */
  get lastWords(): string {
    const lines = this.output.trim().split('\n').filter((line) => !/^\s+at /.test(line));
    return lines.at(-1) ?? '';
  }

  /** Waits until it listens or ends, whichever comes first. */
  async settled(): Promise<void> {
    await this.#until(() => this.port !== undefined);
  }

  /** Waits until it ends. @returns whether it did */
  async ended(): Promise<boolean> {
    await this.#until(() => false);
    return !this.running;
  }

  /** Waits until it has printed `text` or ended. @returns whether it printed it */
  async printed(text: string): Promise<boolean> {
    await this.#until(() => this.output.includes(text));
    return this.output.includes(text);
  }

  /** Asks it to end, as Ctrl-C or a hosting platform does. */
  terminate(): void {
    if (process.platform === 'win32') this.#process.send('SIGTERM');
    else this.#process.kill('SIGTERM');
  }

  /** Ends it, if it still runs. */
  async close(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  async #until(done: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!done() && performance.now() < deadline) {
      if (!this.running) {
        await this.#ended;
        return;
      }
      await setTimeout(5);
    }
  }
}

function notCompiled(error: unknown): Lesson {
  const [first] = isBuildFailure(error) ? error.errors : [];
  const where = first?.location ? ` (${first.location.file}, line ${first.location.line})` : '';
  return new Lesson({
    observed: `index.ts cannot be read: ${first?.text ?? messageOf(error)}${where}`,
    why: 'Nothing can be started before Node can read the file and all that it imports.',
    lookAt: 'index.ts: the line that is named here.',
  }, error);
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
