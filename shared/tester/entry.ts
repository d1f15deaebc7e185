import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, transform, type BuildFailure, type PluginBuild } from 'esbuild';
import { packagesOf, root, type Step } from '../lesson/steps.ts';
import { messageOf } from '../terminal/problem.ts';
import { Browser } from './browser.ts';
import type { ProbeEnv, ProbeMessage } from './entry-probe.ts';
import { explain, syntaxLesson } from './explain.ts';
import { Lesson } from './lesson.ts';
import { fileOf, packages } from './packages.ts';
import { BEAT_MS, PatienceWithProcess } from './patience.ts';
import { currentSubject, subjectFile } from './subject.ts';

/** How much of its output is read, in characters. */
const MAX_OUTPUT = 1_000_000;

/** How long its last words may take to arrive once it has ended, in milliseconds. */
const LAST_WORDS_MS = 500;

const bundles = new Map<string, Promise<string>>();

/**
 * index.ts and what it imports, compiled once for all starts: with tsx every start would take
 * twice as long. esbuild is the compiler that tsx uses.
 */
function compile(): Promise<string> {
  const { href } = subjectFile('index.ts');
  const bundle = bundles.get(href) ?? buildBundle(fileURLToPath(href));
  bundles.set(href, bundle);
  return bundle;
}

async function buildBundle(index: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: [
        `import ${JSON.stringify(fileURLToPath(new URL('entry-probe.ts', import.meta.url)))};`,
        `import ${JSON.stringify(index)};`,
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
    plugins: [packages, { name: 'as Node does', setup: readAsNodeDoes }],
  });
  return outputFiles[0]?.text ?? '';
}

/**
 * A file in a bundle keeps its own place, because other files may be beside it. And what it imports
 * has to be there: in TypeScript, esbuild takes what's missing for a type.
 */
function readAsNodeDoes(build: PluginBuild): void {
  build.onLoad({ filter: /\.[cm]?ts$/ }, async ({ path: filename }) => {
    const text = (await readFile(filename, 'utf8'))
      .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(filename).href))
      .replaceAll('import.meta.dirname', JSON.stringify(path.dirname(filename)))
      .replaceAll('import.meta.filename', JSON.stringify(filename));
    try {
      const { code } = await transform(text, {
        loader: 'ts',
        sourcefile: filename,
        sourcemap: 'inline',
        tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
      });
      return { contents: code, loader: 'js' };
    } catch (error) {
      return { errors: isBuildFailure(error) ? error.errors : [{ text: messageOf(error) }] };
    }
  });
}

/** What runs now. An index.ts in an endless loop wouldn't notice that the tests have ended. */
const running = new Set<ChildProcess>();

/** Processes that are waiting for their code. */
const waiting: ChildProcess[] = [];

/**
 * Starts Node processes that read the packages, which takes longest, and wait for their code.
 * @param step whose app it will be
 * @param count how many there should be
 */
export async function prepareEntries(step: Step, count: number): Promise<void> {
  const files = packagesOf(step).map(async (name) => await fileOf(name) ?? name);
  const required = (await Promise.all(files)).flatMap((file) => ['--require', file]);
  while (waiting.length < count) waiting.push(startNode(required));
}

function startNode(flags: string[] = []): ChildProcess {
  const allFlags = [...flags, '--enable-source-maps', '--input-type=module', '-'];
  const child = spawn(process.execPath, allFlags, {
    cwd: root,
    env: { ...process.env, NODE_OPTIONS: undefined, NODE_ENV: undefined, NO_DEPRECATION: '*' },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  // A process that ends before it has read all of its code breaks the pipe; its end says more.
  child.stdin?.on('error', () => undefined);
  return child;
}

/** Ends every index.ts that still runs. */
export function endEntries(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** index.ts, running as a process of its own. */
export class Entry {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** What it printed, on both outputs. */
  output = '';
  /** Every port it asked for, as it asked. */
  readonly asked: string[] = [];
  /** The port on which it really listens: any free one, in place of the port it asked for. */
  port: number | undefined;
  /** Where it listens. */
  url = '';

  /** What it was started with. */
  readonly env: NodeJS.Dict<string>;
  readonly #patience: PatienceWithProcess;
  readonly #others: Entry[] = [];
  /** Wakes those who wait for something to happen. */
  readonly #news = new EventEmitter().setMaxListeners(0);

  private constructor(child: ChildProcess, env: NodeJS.Dict<string>) {
    this.#process = child;
    this.env = env;
    this.#patience = new PatienceWithProcess(child);
    child.once('exit', () => void this.#closeOutput());
    this.#ended = once(child, 'close');
    child.stdout?.setEncoding('utf8').on('data', (text: string) => { this.#print(text); });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => { this.#print(text); });
    for (const event of ['message', 'exit']) child.on(event, () => this.#news.emit('news'));
    child.on('message', (message: ProbeMessage) => {
      if (message.type === 'asked') {
        this.asked.push(message.port);
      } else if (message.type === 'listening') {
        const { port, address } = message;
        const host = /^(::|0\.0\.0\.0)$/.test(address) ? '127.0.0.1' : address;
        this.port = port;
        this.url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
      }
    });
  }

  /** What it has started may hold its output open. */
  async #closeOutput(): Promise<void> {
    await setTimeout(LAST_WORDS_MS, undefined, { ref: false });
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
  }

  #print(text: string): void {
    // Endless output would need endless memory.
    if (this.output.length < MAX_OUTPUT) this.output += text;
    this.#news.emit('news');
  }

  /**
   * Starts index.ts.
   * @param env variables of its environment; undefined takes one away
   * @throws {Lesson} when it cannot be compiled
   */
  static async start(env: NodeJS.Dict<string> & ProbeEnv): Promise<Entry> {
    const code = await compile().catch((error: unknown) => { throw notCompiled(error); });
    const { step } = currentSubject();
    const child = waiting.shift() ?? startNode();
    const variables: NodeJS.Dict<string> = {
      ...step.behindProxy && { WORKSHOP_PROXY: 'https' }, ...env,
    };
    const setUp = Object.entries(variables).map(([name, value]) => (
      value === undefined
        ? `delete process.env.${name};`
        : `process.env.${name} = ${JSON.stringify(value)};`
    ));
    const index = JSON.stringify(fileURLToPath(subjectFile('index.ts')));
    // No line of its own: the source map counts them.
    child.stdin?.end(`process.argv[1] = ${index}; ${setUp.join(' ')} ${code}`);
    return new Entry(child, env);
  }

  /**
   * Starts it once more, as another process, which ends with this one.
   * @param env what is different in its environment
   */
  async again(env: NodeJS.Dict<string> & ProbeEnv = {}): Promise<Entry> {
    const other = await Entry.start({ ...this.env, ...env });
    this.#others.push(other);
    return other;
  }

  /** A browser that has never been here. */
  newBrowser(): Browser {
    return new Browser(this.url);
  }

  /** Whether it still runs. */
  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** The exit code, or the name of the signal that ended it. */
  get ending(): number | NodeJS.Signals | null {
    return this.#process.exitCode ?? this.#process.signalCode;
  }

  /** The mistake in the code that ended it, such as a name that isn't defined, if it was one. */
  get mistake(): string {
    const mistake = /^(?:(?:Reference|Type|Syntax|Range)Error|Error: Dynamic require)\b[^]*/m;
    const crashed = /^Node\.js v/m.test(this.output);
    return crashed ? mistake.exec(this.#text)?.[0] ?? '' : '';
  }

  /** What it printed on purpose. That includes an error thrown on purpose. */
  get words(): string {
    return this.#text.replace(this.mistake, '').trim();
  }

  /** What it printed, without what Node shows of the code and the stack of an error. */
  get #text(): string {
    return this.output
      .replaceAll(/^.+:\d+\n.*\n *\^+\n/gm, '')
      .replaceAll(/^(?: +at .*| +[\w[\]]+: .*|\}|Node\.js v.*)$/gm, '')
      .trim();
  }

  /** What a person reads first: the error, or else the last line. */
  get lastWords(): string {
    const lines = this.#text.split('\n').filter(Boolean);
    const words = lines.find((line) => /^(?:\w*Error|error)\b.*:/.test(line)) ?? lines.at(-1) ?? '';
    return words.replace(/ \{$/, '');
  }

  /** Waits until it listens or ends, whichever comes first. */
  async settled(): Promise<void> {
    await this.#until(() => this.port !== undefined);
  }

  /**
   * Waits until it ends.
   * @param idleMs how long it may be idle before it does, in milliseconds
   * @returns whether it did
   */
  async ended(idleMs?: number): Promise<boolean> {
    await this.#until(() => false, idleMs);
    return !this.running;
  }

  /** Asks it to end, as the system or Ctrl-C does. */
  signal(signal: 'SIGTERM' | 'SIGINT', platform = process.platform): void {
    // Windows would end it without asking. There the probe passes the signal on.
    if (platform === 'win32') this.#process.send({ signal });
    else this.#process.kill(signal);
  }

  /** Waits until it has printed something or ended. @returns the group of `pattern`, if it did */
  async printed(pattern: RegExp): Promise<string | undefined> {
    await this.#until(() => pattern.test(this.output));
    return pattern.exec(this.output)?.[1];
  }

  /** Kills it, if it still runs. */
  async close(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
    await Promise.all(this.#others.map((other) => other.close()));
  }

  async #until(done: () => boolean, idleMs?: number): Promise<void> {
    this.#patience.renew(idleMs);
    while (!done() && !this.#patience.isOver) {
      if (!this.running) {
        await this.#ended;
        return;
      }
      await Promise.race([once(this.#news, 'news'), setTimeout(BEAT_MS)]);
    }
  }
}

function notCompiled(error: unknown): Lesson {
  const why = 'Nothing can start before Node can read the file and everything it imports.';
  const [first] = isBuildFailure(error) ? error.errors : [];
  if (!first?.location) {
    return new Lesson({
      observed: `index.ts can't be read: ${first?.text ?? messageOf(error)}`,
      why,
      lookAt: 'index.ts: the line named above.',
    }, error);
  }
  const { text, location: { file, line } } = first;
  const name = path.basename(file);
  const place = `${path.resolve(root, file)}:${line}`;
  if (text.startsWith('Could not resolve')) {
    return new Lesson({
      observed: `${name} imports a file that isn't there: line ${line}: ${text}.`,
      why,
      lookAt: `${name}: line ${line}: what is the path of the file?`,
    }, place);
  }
  return explain(`${text}\n${place}`, name) ?? syntaxLesson(name, line, text, place);
}

function isBuildFailure(error: unknown): error is BuildFailure {
  return error instanceof Error && 'errors' in error && Array.isArray(error.errors);
}
