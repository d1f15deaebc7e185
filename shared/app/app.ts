import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { root } from '../lesson/steps.ts';

export interface AppOptions {
  /** The path of the app's first file. */
  entry: string;
  /** The app's whole environment, read at each start. */
  env: NodeJS.ProcessEnv;
  /** More modules to load into the app's process before the app. */
  imports?: string[];
}

export interface AppEvents {
  /** A process of the app has been started. */
  started: [pid: number];
  /** The app has printed a line. */
  output: [line: string, stream: 'stdout' | 'stderr'];
  /** A module that was loaded into the app's process has sent something. */
  message: [message: unknown];
  /** The app has ended although nobody asked it to: with an exit code, or by a signal. */
  crashed: [code: number | null, signal: NodeJS.Signals | null];
  /** The app has ended because it was asked to. */
  stopped: [];
}

/**
 * How long an app may take to end when it is asked to, in milliseconds; then it is killed. While it
 * is reloaded, a person waits.
 */
const graceMs = { stop: 2000, restart: 1000 };

const lifeline = new URL('lifeline.js', import.meta.url).href;

/**
 * An app in a process of its own that can be started again and again. It ends with us, even when
 * we are killed. Starting, restarting and stopping happen one after the other, in the order of the
 * calls.
 */
export class App extends EventEmitter<AppEvents> {
  readonly #options: AppOptions;
  #child: ChildProcess | undefined;
  #stopping = false;
  #turn = Promise.resolve();
  #nextRestart: Promise<void> | undefined;

  constructor(options: AppOptions) {
    super();
    this.#options = options;
  }

  /** Starts the app, unless it runs. Resolves when its process has been started. */
  start(): Promise<void> {
    return this.#inTurn(() => {
      this.#start();
    });
  }

  /** Stops the app if it runs, waits for its end, and starts it. */
  restart(): Promise<void> {
    // A restart that waits for its turn serves all who ask for one in the meantime.
    this.#nextRestart ??= this.#inTurn(async () => {
      this.#nextRestart = undefined;
      await this.#stop('SIGTERM', graceMs.restart);
      this.#start();
    });
    return this.#nextRestart;
  }

  /** Asks the app to stop and resolves once it has ended. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    return this.#inTurn(() => this.#stop(signal, graceMs.stop));
  }

  /** Ends the app at once, without asking. */
  kill(): void {
    const child = this.#child;
    if (child?.pid === undefined) return;
    this.#stopping = true;
    try {
      // The app's process group, with whatever the app has started itself.
      if (process.platform === 'win32') child.kill('SIGKILL');
      else process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    // Otherwise a process that left the group could keep the pipes, and us, waiting.
    child.stdout?.destroy();
    child.stderr?.destroy();
  }

  #inTurn(task: () => Promise<void> | void): Promise<void> {
    this.#turn = this.#turn.then(task);
    return this.#turn;
  }

  #start(): void {
    if (this.#child) return;
    const { entry, env, imports = [] } = this.#options;
    const preloads = [lifeline, 'tsx', ...imports].flatMap((module) => ['--import', module]);
    const child = spawn(process.execPath, [...preloads, entry], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // A process group of its own: the Ctrl-C of a terminal reaches only us, and the app is asked
      // to stop once, by us.
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    this.#child = child;
    this.#stopping = false;
    this.#forward(child.stdout, 'stdout');
    this.#forward(child.stderr, 'stderr');
    child.once('error', (error) => {
      this.emit('output', error.message, 'stderr');
    });
    child.on('message', (message) => {
      this.emit('message', message);
    });
    // Not 'exit': this comes after the last line of output.
    child.once('close', (code, signal) => {
      this.#child = undefined;
      if (this.#stopping) this.emit('stopped');
      else this.emit('crashed', code, signal);
    });
    if (child.pid !== undefined) this.emit('started', child.pid);
  }

  #forward(stream: Readable | null, name: 'stdout' | 'stderr'): void {
    if (!stream) return;
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      this.emit('output', line, name);
    });
  }

  async #stop(signal: NodeJS.Signals, grace: number): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#stopping = true;
    const closed = once(child, 'close');
    // Windows would end the app without asking it.
    if (process.platform !== 'win32') child.kill(signal);
    else if (child.connected) child.send({ type: 'stop', signal });
    const timer = setTimeout(() => {
      this.kill();
    }, grace);
    await closed;
    clearTimeout(timer);
  }
}
