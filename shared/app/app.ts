import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import type { Readable } from 'node:stream';
import { root } from '../lesson/steps.ts';
import { killGroup, ownGroup } from '../terminal/process-group.ts';

export interface AppOptions {
  /** The path of the app's entry file. */
  entry: string;
  /** The app's working directory; this workshop's folder by default. */
  cwd?: string;
  /** The app's whole environment, read at each start. */
  env: NodeJS.ProcessEnv;
  /** Modules to load into the app's process before the app. */
  imports?: string[];
  /** Whose ways to end a process are used; this machine's by default. */
  platform?: NodeJS.Platform;
}

export interface AppEvents {
  /** A process of the app has started. */
  started: [pid: number];
  /** The app has printed a line. */
  output: [line: string, stream: 'stdout' | 'stderr'];
  /** A module loaded into the app's process has sent a message. */
  message: [message: unknown];
  /** The app has ended without being asked: with an exit code, or by a signal. */
  crashed: [code: number | null, signal: NodeJS.Signals | null];
  /** The app has ended on request. */
  stopped: [];
}

/**
 * How long an app may take to end on request before it's killed, in milliseconds. It's shorter for
 * a restart, since someone is waiting.
 */
const graceMs = { stop: 2000, restart: 1000 };

/** How long child processes may hold a dead app's output open, in milliseconds. */
const OUTPUT_MS = 500;

/** The length at which to break a line, in characters: an app may never print a line break. */
const LINE_LENGTH = 10_000;

const preloads = ['lifeline.js', 'localhost.js'].map((name) => new URL(name, import.meta.url).href);

/**
 * An app in a process of its own that can be started again and again. It ends with us, even if we
 * are killed. Starts, restarts and stops run one at a time, in the order of the calls.
 */
export class App extends EventEmitter<AppEvents> {
  readonly #options: AppOptions;
  readonly #platform: NodeJS.Platform;
  #child: ChildProcess | undefined;
  #stopping = false;
  #turn = Promise.resolve();
  #nextRestart: Promise<void> | undefined;

  constructor(options: AppOptions) {
    super();
    this.#options = options;
    this.#platform = options.platform ?? process.platform;
  }

  /** Starts the app unless it's running. Resolves when its process has started. */
  start(): Promise<void> {
    return this.#inTurn(() => { this.#start(); });
  }

  /** Stops the app if it's running, waits for it to end, and starts it. */
  restart(): Promise<void> {
    // A restart still in the queue serves every request for one in the meantime.
    this.#nextRestart ??= this.#inTurn(async () => {
      this.#nextRestart = undefined;
      await this.#stop('SIGTERM', graceMs.restart);
      this.#start();
    });
    return this.#nextRestart;
  }

  /** Asks the app to stop and resolves once it has ended. @param grace in milliseconds */
  stop(signal: NodeJS.Signals = 'SIGTERM', grace = graceMs.stop): Promise<void> {
    return this.#inTurn(() => this.#stop(signal, grace));
  }

  /** Kills the app immediately. */
  kill(): void {
    if (!this.#child) return;
    this.#stopping = true;
    killGroup(this.#child, this.#platform);
    destroyOutput(this.#child);
  }

  #inTurn(task: () => Promise<void> | void): Promise<void> {
    this.#turn = this.#turn.then(task);
    return this.#turn;
  }

  #start(): void {
    if (this.#child) return;
    const { entry, cwd = root, env, imports = [] } = this.#options;
    const modules = [...preloads, 'tsx', ...imports].flatMap((module) => ['--import', module]);
    const child = spawn(process.execPath, [...modules, entry], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      ...ownGroup(this.#platform),
    });
    this.#child = child;
    this.#stopping = false;
    this.#forward(child.stdout, 'stdout');
    this.#forward(child.stderr, 'stderr');
    child.once('error', (error) => { this.emit('output', error.message, 'stderr'); });
    child.on('message', (message) => { this.emit('message', message); });
    child.once('exit', () => {
      // The app's children must neither outlive it nor keep its output open.
      if (this.#platform !== 'win32') killGroup(child);
      setTimeout(destroyOutput, OUTPUT_MS, child).unref();
    });
    // Not 'exit': 'close' comes after the last line of output.
    child.once('close', (code, signal) => {
      this.#child = undefined;
      if (this.#stopping) this.emit('stopped');
      else this.emit('crashed', code, signal);
    });
    if (child.pid !== undefined) this.emit('started', child.pid);
  }

  #forward(stream: Readable | null, name: 'stdout' | 'stderr'): void {
    let line = '';
    const flush = () => {
      this.emit('output', line.replace(/\r$/, ''), name);
      line = '';
    };
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const [index, part] of text.split('\n').entries()) {
        if (index > 0) flush();
        line += part;
        while (line.length > LINE_LENGTH) {
          const rest = line.slice(LINE_LENGTH);
          line = line.slice(0, LINE_LENGTH);
          flush();
          line = rest;
        }
      }
    }).on('end', () => { if (line !== '') flush(); });
  }

  async #stop(signal: NodeJS.Signals, grace: number): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#stopping = true;
    const closed = once(child, 'close');
    // On Windows a signal would end the app without asking it.
    if (this.#platform !== 'win32') child.kill(signal);
    else if (child.connected) child.send({ type: 'stop', signal });
    const timer = setTimeout(() => { this.kill(); }, grace);
    await closed;
    clearTimeout(timer);
  }
}

function destroyOutput({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
}
