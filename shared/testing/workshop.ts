import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, realpath, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { starterFolder } from '../lesson/starters.ts';
import { findStep, folderOf, root, steps, texts, type Kind, type Step } from '../lesson/steps.ts';
import { codeOf } from '../terminal/problem.ts';

// Captured now: a test may replace the globals with fake timers.
const { setTimeout } = globalThis;

/** Polls until something holds; fails after a minute, which only a broken program takes. */
export async function eventually<T>(
  hope: string,
  look: () => T | Promise<T>,
  deadlineMs = 60_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`Not within ${deadlineMs} ms: ${hope}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Makes a server listen on a free port, and returns that port. */
export async function listen(server: Server, host?: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Whether a process is running. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    // An ended process keeps its id until its parent reaps it. In a container that may be never.
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** An environment without this machine's settings, caches and servers. */
export function cleanEnv(home: string): NodeJS.ProcessEnv {
  const own = /^(MONGO|WORKSHOP_|PORT$|PATH$|SESSION_SECRET$|NODE_|npm_|https?_proxy$)/i;
  const env = Object.entries(process.env).filter(([name]) => !own.test(name));
  // The PATH leads nowhere, because this machine's may include a mongod.
  return { ...Object.fromEntries(env), PATH: join(home, 'bin'), HOME: home, USERPROFILE: home };
}

const cleanups = new WeakMap<TestContext, (() => unknown)[]>();

/**
 * Cleans up after a test. Unlike with `t.after()`, what was opened last is closed first: processes
 * end before their folder goes.
 */
export function onEnd(t: TestContext, cleanUp: () => unknown): void {
  const all = cleanups.get(t) ?? [];
  all.unshift(cleanUp);
  if (cleanups.has(t)) return;
  cleanups.set(t, all);
  t.after(async () => {
    const errors: unknown[] = [];
    for (const each of all) {
      try {
        await each();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  });
}

/**
 * Makes a temporary folder with a space in its name, as is common. It reuses earlier names if it
 * can, because tsx caches compiled files by path.
 */
export async function makeFolder(): Promise<string> {
  const parent = await realpath(tmpdir());
  for (let number = 1; ; number++) {
    const folder = join(parent, `the workshop ${number}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/**
 * Removes a temporary folder, once nothing runs there any more: esbuild hangs if its folder is
 * gone.
 */
export async function removeFolder(folder: string): Promise<void> {
  if (process.platform === 'linux') await nothingRuns(folder);
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** A temporary folder, removed after the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await makeFolder();
  onEnd(t, () => removeFolder(folder));
  return folder;
}

/** Puts shell scripts in front of the system's programs until the test ends. */
export async function replacePrograms(
  t: TestContext, scripts: Record<string, string>,
): Promise<void> {
  const folder = await temporaryFolder(t);
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const before = process.env['PATH'];
  process.env['PATH'] = `${folder}${delimiter}${before}`;
  onEnd(t, () => { process.env['PATH'] = before; });
}

/** Waits until no process uses a folder any more; Linux only. */
export async function nothingRuns(folder: string): Promise<void> {
  let left: string[] = [];
  try {
    await eventually('nothing runs any more', async () => {
      left = (await processesOf(folder)).filter((line) => !line.includes(' /bin/sh '));
      return left.length === 0;
    });
  } catch (error) {
    throw new Error(`${String(error)}, but:\n${left.join('\n')}`);
  }
}

/** The command lines of the processes that use a folder; Linux only. */
export async function processesOf(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const place = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const named = [folder, encodeURI(folder)].some((path) => command.includes(path));
    const ours = named || (place.includes(`PWD=${folder}\0`) && command.includes('node'));
    if (ours && Number(pid) !== process.pid) found.push(`${pid} ${command.replaceAll('\0', ' ')}`);
  }
  return found;
}

/** A running command, and its output so far. */
export class Run {
  output = '';
  readonly child: ChildProcess;
  readonly ended: Promise<number | NodeJS.Signals | null>;

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => { this.output += text; });
    }
    child.on('error', (error) => { this.output += error.message; });
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => { resolve(signal ?? code); });
    });
  }

  /** Waits until the output matches, starting at a position. */
  printed(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    return eventually(`${String(pattern)} is printed`, () => {
      if (this.child.exitCode !== null && !pattern.test(this.output.slice(from))) {
        throw new Error(`It ended without printing ${String(pattern)}, but:\n${this.output}`);
      }
      return pattern.exec(this.output.slice(from));
    });
  }
}

/** A workshop in a temporary folder. Its node_modules links to this one's. */
export class Workshop {
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly #runs: Run[] = [];

  private constructor(folder: string) {
    this.folder = folder;
    this.env = { ...cleanEnv(folder), WORKSHOP_MONGO: 'stand-in' };
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    for (const entry of ['package.json', 'shared']) this.#take(entry);
  }

  /** A workshop with empty steps and solutions, removed after the test. */
  static async create(t: TestContext): Promise<Workshop> {
    const workshop = new Workshop(await makeFolder());
    onEnd(t, () => workshop.remove());
    for (const step of steps) {
      mkdirSync(folderOf(step, 'steps', workshop.folder), { recursive: true });
      mkdirSync(folderOf(step, 'solutions', workshop.folder), { recursive: true });
    }
    return workshop;
  }

  /** A workshop as learners get it, without any work in its steps; the caller removes it. */
  static async copy(): Promise<Workshop> {
    const workshop = new Workshop(await makeFolder());
    const others = ['tsconfig.json', '.env.example', 'README.md', 'solutions', 'attacks'];
    for (const entry of [...others, ...texts]) {
      workshop.#take(entry);
    }
    for (const step of steps) {
      const folder = folderOf(step, 'steps', workshop.folder);
      cpSync(folderOf(step, 'steps'), folder, {
        recursive: true,
        filter: (path) => path === folderOf(step, 'steps') || /\.test\.ts$|\.json$/.test(path),
      });
      cpSync(starterFolder(step), folder, { recursive: true });
    }
    return workshop;
  }

  #take(entry: string): void {
    const from = join(root, entry);
    if (!existsSync(from)) return;
    cpSync(from, join(this.folder, entry), {
      recursive: true,
      filter: (path) => !(entry === 'shared' && path.endsWith('.test.ts')),
    });
  }

  read(file: string): Promise<string> {
    return readFile(join(this.folder, file), 'utf8');
  }

  /**
   * Writes a file synchronously: otherwise a busy machine could take longer between opening and
   * writing than the cockpit's watcher waits, and the one save would count as two.
   */
  write(file: string, text: string): void {
    const path = join(this.folder, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }

  /** Writes a file of a step, index.ts by default. */
  save(number: number, code: string, file = 'index.ts', kind: Kind = 'steps'): void {
    writeFileSync(join(folderOf(findStep(number), kind, this.folder), file), code);
  }

  /** Replaces the step's files with the solution's. */
  solve(step: Step): void {
    cpSync(folderOf(step, 'solutions', this.folder), folderOf(step, 'steps', this.folder), {
      recursive: true,
    });
  }

  /** Runs a command from shared/commands/, as an npm script does. */
  run(command: string[], env: NodeJS.ProcessEnv = {}): Run {
    const child = spawn(process.execPath, ['shared/commands/run.js', ...command], {
      cwd: this.folder,
      env: { ...this.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const run = new Run(child);
    this.#runs.push(run);
    return run;
  }

  /** Ends whatever still runs here, and removes the folder. */
  async remove(): Promise<void> {
    for (const { child, ended } of this.#runs) {
      child.kill('SIGKILL');
      await ended;
    }
    await removeFolder(this.folder);
  }
}
