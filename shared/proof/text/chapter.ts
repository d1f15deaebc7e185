import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { freePort } from '../../app/port.ts';
import { renderReport } from '../../tester/render.ts';
import { passes } from '../../tester/report.ts';
import { runStepTests } from '../../tester/test-process.ts';
import { textOf } from '../answers/run.ts';
import { findStep, root, steps, type Step } from '../../lesson/steps.ts';
import { applyPatch } from '../../lesson/patch.ts';
import { eventually, Run, Workshop } from '../../testing/workshop.ts';
import { CTRL_C, isAsExpected, parseCommand, parseConsole, withPort4000, type Part }
  from './console.ts';
import type { Block, Place } from './document.ts';

/** How long to wait for a command, in milliseconds: busy machines are slow. */
const PATIENCE_MS = 180_000;

/**
 * Follows a chapter in order, in a copy of the workshop: applies the code of its hints and runs its
 * commands.
 * @throws {Error} naming the place in the text, if something doesn't match it
 */
export async function executeChapter(blocks: readonly Block[]): Promise<void> {
  const chapter = new Chapter(await freePort());
  try {
    await chapter.execute(blocks);
  } finally {
    await chapter.close();
  }
}

class Chapter {
  /** Where the moves are applied and tested. */
  #bench: Promise<Workshop> | undefined;
  /**
   * Where terminal 1 and all other commands run. Restarting the app takes most of the time, so the
   * moves' changes are saved here only when the next command needs them, not on each move.
   */
  #workspace: Promise<Workshop> | undefined;
  readonly #unsaved = new Set<string>();
  readonly #port: number;
  readonly #env: NodeJS.Dict<string>;
  /** What runs in terminal 1, and from where on its output counts. */
  #terminal: Run | undefined;
  #from = 0;
  #databaseUrl: string | undefined;
  /** The step whose hints are being applied, the last move applied, and whether it's tested. */
  #step: Step | undefined;
  #move = 0;
  #moveIsTested = true;

  constructor(port: number) {
    this.#port = port;
    this.#env = {
      PORT: String(port),
      // Use the same database every time, and never download anything for a test.
      WORKSHOP_MONGO: 'stand-in',
      MONGO_URL: undefined,
      SESSION_SECRET: undefined,
      NO_COLOR: '1',
      NODE_TEST_CONTEXT: undefined,
      NODE_OPTIONS: undefined,
      NODE_ENV: undefined,
    };
  }

  async close(): Promise<void> {
    this.#terminal?.child.kill();
    await this.#terminal?.ended;
    await (await this.#bench)?.remove();
    await (await this.#workspace)?.remove();
  }

  #openBench(): Promise<Workshop> {
    return this.#bench ??= Workshop.copy();
  }

  #openWorkspace(): Promise<Workshop> {
    return this.#workspace ??= Workshop.copy();
  }

  async execute(blocks: readonly Block[]): Promise<void> {
    for (const section of new Set(blocks.map(({ section }) => section))) {
      const own = blocks.filter((block) => block.section === section);
      // Apply a move before looking at its effect, although its hints come last in the section.
      const patches = own.filter(({ language }) => language === 'diff');
      for (const block of patches) await this.#patch(block);
      for (const block of own) {
        if (patches.includes(block)) continue;
        for (const part of parseConsole(block)) await this.#run(part);
      }
    }
    const end = blocks.at(-1)?.place ?? '';
    if (this.#step) await this.#expectSolved(this.#step, end);
    this.#expectTested(end);
    assert.equal(this.#terminal, undefined, `${end}: the chapter ends and its app still runs.`);
  }

  async #patch(block: Block): Promise<void> {
    const move = Number(/^Move (\d)/.exec(block.section)?.[1]);
    const step = steps.find(({ folder }) => block.file.startsWith(`steps/${folder}/`));
    assert.ok(move && step, `${block.place}: a diff stands below a move, for a file of its step.`);
    this.#step = step;
    if (move !== this.#move) {
      this.#expectTested(block.place);
      assert.equal(move, this.#move + 1, `${block.place}: the moves are not in order.`);
    }
    this.#move = move;
    this.#moveIsTested = false;
    this.#unsaved.add(block.file);
    const bench = await this.#openBench();
    const text = await bench.read(block.file);
    try {
      bench.write(block.file, applyPatch(text, block.text));
    } catch (error) {
      throw new Error(`${block.place}: the diff of ${block.file} does not fit.`, { cause: error });
    }
  }

  /** Saves the moves' changes, and waits until the running command has noticed. */
  async #save(place: Place): Promise<void> {
    if (this.#unsaved.size === 0) return;
    this.#mark();
    const names = [...this.#unsaved].map((file) => path.basename(file));
    const [bench, workspace] = [await this.#openBench(), await this.#openWorkspace()];
    for (const file of this.#unsaved) workspace.write(file, await bench.read(file));
    this.#unsaved.clear();
    if (!this.#terminal) return;
    const { isDone, output } = await this.#seen(this.#terminal, (output) => {
      const saves = output.split(/^(?=Saved )/m).slice(1);
      return names.every((name) => saves.some((save) => save.split(':')[0]?.includes(name)))
        && /Server running on port|Waiting for the next save/.test(saves.at(-1) ?? '');
    });
    assert.ok(isDone, `${place}: the app was not started again:\n${output}`);
  }

  async #run(part: Part): Promise<void> {
    if (part.command === CTRL_C) {
      assert.ok(this.#terminal, `${part.place}: no command runs that Ctrl-C could end.`);
      this.#mark();
      this.#terminal.child.kill('SIGINT');
      const code = await this.#terminal.ended;
      const output = this.#terminal.output.slice(this.#from);
      this.#terminal = undefined;
      // Windows has no signals, so there the process was killed.
      assert.equal(code, process.platform === 'win32' ? code : 0,
        `${part.place}: Ctrl-C ended it with exit code ${code}:\n${output}`);
      // Output between the last line shown in the text and Ctrl-C depends on timing.
      if (part.expected.length > 0) this.#compare(part, output);
      return;
    }
    if (part.command === '') return this.#goOn(part);
    await this.#runCommand(parseCommand(part.command), part);
  }

  /** The running command prints more output, for example because a file was saved. */
  async #goOn(part: Part): Promise<void> {
    const terminal = this.#terminal;
    assert.ok(terminal, `${part.place}: no command runs that could print this.`);
    await this.#save(part.place);
    this.#mark();
    for (const line of part.expected) {
      const [, file] = /^Saved (\S+\.ts):/.exec(line) ?? [];
      if (file === undefined) continue;
      const saved = `steps/${this.#step?.folder}/${file}`;
      const workspace = await this.#openWorkspace();
      workspace.write(saved, await workspace.read(saved));
    }
    // The tests' verdict comes in between, whenever it's ready.
    const expected = ['…', ...part.expected.flatMap((line) => [line, '…'])];
    await this.#expect(terminal, { ...part, expected });
  }

  async #runCommand([program, ...args]: string[], part: Part): Promise<void> {
    if (program !== 'npm') await this.#save(part.place);
    if (program === 'curl') {
      const local = args.map((arg) => arg.replaceAll('localhost:4000', `localhost:${this.#port}`));
      this.#compare(part, await this.#output('curl', ['--silent', '--show-error', ...local]));
    } else if (program === 'node') {
      const address = /mongodb:\/\/127\.0\.0\.1:\d+\/workshop/g;
      const here = args.map((arg) => arg.replaceAll(address, () => {
        assert.ok(this.#databaseUrl, `${part.place}: no command has printed such an address.`);
        return this.#databaseUrl;
      }));
      this.#compare(part, await this.#output(process.execPath, here));
    } else if (program === 'npm') {
      await this.#runNpm(args, part);
    } else {
      assert.fail(`${part.place}: the text can only show npm, node and curl, not ${program}.`);
    }
  }

  async #runNpm(args: string[], part: Part): Promise<void> {
    // Both are already done: node_modules exists, and this is part of npm test.
    if (args[0] === 'install' || args[0] === 'test') return;
    const script = args[0] === 'run' ? args[1] ?? '' : args[0] ?? '';
    const [, kind, number] = /^(step|solution|test):(\d+)$/.exec(script) ?? [];
    const words = [...await this.#script(script, part.place), ...args.slice(3)];
    if (kind === undefined) {
      await this.#save(part.place);
      this.#compare(part, await this.#output(process.execPath, words));
    } else if (kind === 'test') {
      await this.#runTests(Number(number), part);
    } else {
      assert.equal(this.#terminal, undefined, `${part.place}: terminal 1 is still busy.`);
      this.#terminal = await this.#start(process.execPath, words);
      this.#from = 0;
      // It keeps printing, first of all the tests' verdict.
      await this.#expect(this.#terminal, { ...part, expected: [...part.expected, '…'] });
      [this.#databaseUrl] = /mongodb:\/\/\S+/.exec(this.#terminal.output) ?? [];
    }
  }

  /** The arguments after `node` in a script of package.json. */
  async #script(name: string, place: Place): Promise<string[]> {
    const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const [program, ...words] = parseCommand(scripts[name] ?? '');
    assert.equal(program, 'node', `${place}: there is no script ${name} that runs node.`);
    return words;
  }

  /** Runs a step's tests and proves the stage: only the tests of the moves so far are green. */
  async #runTests(number: number, part: Part): Promise<void> {
    const bench = await this.#openBench();
    const env = { ...process.env, ...this.#env };
    const report = await runStepTests(findStep(number), { workshop: bench.folder, env });
    this.#compare(part, renderReport(report, { columns: 80, color: false }));

    const move = this.#step?.number === number ? this.#move : 0;
    for (const test of report.tests) {
      const should = test.move <= move ? 'pass' : 'fail';
      assert.equal(passes(test) ? 'pass' : 'fail', should, `${part.place}: after move ${move} the `
      + `test “${test.name}” of move ${test.move} should ${should}. ${textOf(test)}`);
    }
    this.#moveIsTested = true;
  }

  #expectTested(place: Place): void {
    const message = `${place}: no npm run test has shown what move ${this.#move} did.`;
    assert.ok(this.#moveIsTested, message);
  }

  /** Checks that the hints of all moves together produce the exact solution. */
  async #expectSolved({ folder }: Step, place: Place): Promise<void> {
    const bench = await this.#openBench();
    for (const name of await readdir(path.join(root, 'solutions', folder))) {
      const solution = await readFile(path.join(root, 'solutions', folder, name), 'utf8');
      const own = await bench.read(`steps/${folder}/${name}`);
      assert.equal(own.replaceAll('\r\n', '\n'), solution.replaceAll('\r\n', '\n'),
        `${place}: after all moves steps/${folder}/${name} is not the solution's.`);
    }
  }

  async #start(program: string, args: string[], signal?: AbortSignal): Promise<Run> {
    return new Run(spawn(program, args, {
      cwd: (await this.#openWorkspace()).folder,
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
    }));
  }

  async #output(program: string, args: string[]): Promise<string> {
    const run = await this.#start(program, args, AbortSignal.timeout(PATIENCE_MS));
    await run.ended;
    return run.output;
  }

  /** Ignores terminal 1's output so far. */
  #mark(): void {
    this.#from = this.#terminal?.output.length ?? 0;
  }

  /** Waits for output in terminal 1, until its command ends at most. */
  async #seen(terminal: Run, isIt: (output: string) => boolean) {
    const { child } = terminal;
    const output = () => terminal.output.slice(this.#from);
    const isOver = () => isIt(output()) || (child.exitCode ?? child.signalCode) !== null;
    await eventually('terminal 1 prints it', isOver, PATIENCE_MS).catch(() => undefined);
    return { isDone: isIt(output()), output: output() };
  }

  async #expect(terminal: Run, part: Part): Promise<void> {
    const isDone = (output: string) => isAsExpected(part.expected, output, this.#port);
    const { output } = await this.#seen(terminal, isDone);
    this.#compare(part, output);
  }

  #compare({ command, expected, place }: Part, output: string): void {
    if (isAsExpected(expected, output, this.#port)) return;
    assert.fail(`${place}: ${command || 'the running command'} does not print what the text shows, `
      + `but:\n${withPort4000(output, this.#port)}\n(end of its output)`);
  }
}
