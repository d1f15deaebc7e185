import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Answer, RightAnswer, WrongAnswer } from './answer.ts';
import type { Job } from './batch.ts';
import type { JsonReport } from '../../tester/json.ts';
import { findStep } from '../../lesson/steps.ts';
import { applyPatch } from '../patch.ts';
import { Workshop } from '../../testing/workshop.ts';

/** An answer and its step. */
export interface Task {
  step: number;
  answer: RightAnswer | WrongAnswer;
  /** What the answer changes; the solution if it is missing. */
  of?: 'solutions' | 'steps';
}

/** What became of an answer's tests: their report, or why there is none. */
export type Result = JsonReport | { failed: string };

/** How many processes test answers that are mostly waited for. */
const WAITING_PROCESSES = 2;

/** How long a process with many answers may take, in milliseconds, on a very busy machine. */
const TIMEOUT_MS = 240_000;

/**
 * Tests many answers side by side. Most share a process with others; see {@link Answer.runs}.
 * @returns for each task a promise of its result, and one that is fulfilled when all is tidied up
 */
export function runAnswers(tasks: readonly Task[]) {
  const results = new Map<Task, Promise<Result>>();
  const settle = new Map<Task, (result: Result) => void>();
  for (const task of tasks) {
    results.set(task, new Promise((resolve) => { settle.set(task, resolve); }));
  }
  const done = runAll(tasks, (task, result) => { settle.get(task)?.(result); });
  return { results, done };
}

/** The report of a task. @throws {Error} when there is none, with the reason */
export function reported(result: Result | undefined): JsonReport {
  if (!result) throw new Error('This task was not among those that ran.');
  if ('failed' in result) throw new Error(result.failed);
  return result;
}

type Tell = (task: Task, result: Result) => void;

async function runAll(tasks: readonly Task[], tell: Tell): Promise<void> {
  const workspace = await Workshop.copy();
  try {
    const ready: Task[] = [];
    await Promise.all(tasks.map(async (task, index) => {
      try {
        await writeAnswer(workspace, task, index);
        ready.push(task);
      } catch (error) {
        tell(task, { failed: error instanceof Error ? error.message : String(error) });
      }
    }));
    const run = (batch: Task[]) => runBatch(workspace, batch, tasks, tell);
    const of = (kind: Answer['runs']) => ready.filter(({ answer }) => answer.runs === kind);
    const processes = availableParallelism();
    await Promise.all([
      // Those that are waited for need no processor: they come on top of the others.
      ...deal(of('aside'), WAITING_PROCESSES).map(run),
      ...deal(of('alone'), 2).map(async (hand) => {
        for (const task of hand) await run([task]);
      }),
      ...deal(of(undefined), processes).map(run),
    ]);
  } finally {
    await workspace.remove();
  }
}

/** Writes an answer's files into a folder of their own. */
async function writeAnswer(
  workspace: Workshop,
  { step, answer, of = 'solutions' }: Task,
  index: number,
) {
  const folder = `${of}/${findStep(String(step), 'test:N').folder}`;
  const names = await readdir(path.join(workspace.folder, folder));
  for (const name of names.filter((name) => /(?<!\.test)\.ts$/.test(name))) {
    const text = await workspace.read(`${folder}/${name}`);
    const patch = answer.patch?.[name];
    const patched = patch === undefined ? text : applyPatch(text, patch.replace(/^\n/, ''));
    workspace.write(`${folderOf(index)}/${name}`, patched);
  }
  for (const [name, text] of Object.entries(answer.files ?? {})) {
    workspace.write(`${folderOf(index)}/${name}`, text);
  }
}

/** Below steps/, because tsconfig.json, which tsx obeys too, speaks of what is there. */
function folderOf(index: number): string {
  return `steps/answer-${index}`;
}

/**
 * What hangs or ends the process must let the other tests report; those of index.ts only matter if
 * the answer has an index.ts of its own.
 */
function laterTests({ runs, patch, files }: Answer): Job['laterTests'] {
  const outlive = runs !== undefined;
  const changesIndex = (patch?.['index.ts'] ?? files?.['index.ts']) !== undefined;
  return { 'app.ts': outlive, 'index.ts': outlive && changesIndex };
}

/** Deals tasks out to so many hands, so that each gets some of every step. */
function deal(tasks: readonly Task[], hands: number): Task[][] {
  return Array.from({ length: hands }, (_, hand) => (
    tasks.filter((task, index) => index % hands === hand)
  ));
}

async function runBatch(
  workspace: Workshop,
  batch: readonly Task[],
  tasks: readonly Task[],
  tell: Tell,
): Promise<void> {
  if (batch.length === 0) return;
  const jobs = batch.map((task): Job => ({
    step: task.step,
    tests: task.answer.tests ?? task.step,
    caughtBy: 'caughtBy' in task.answer ? task.answer.caughtBy : undefined,
    laterTests: laterTests(task.answer),
    folder: path.join(workspace.folder, folderOf(tasks.indexOf(task))),
  }));
  const list = `jobs-${batch.map((task) => tasks.indexOf(task)).join('-').slice(0, 50)}.json`;
  workspace.write(list, JSON.stringify(jobs));
  const child = spawn(process.execPath, [
    '--disable-warning=ExperimentalWarning',
    '--import', 'tsx',
    '--test-reporter', './shared/tester/json.ts',
    '--test-reporter-destination', 'stdout',
    'shared/proof/answers/batch.ts', list,
  ], {
    cwd: workspace.folder,
    // Without NODE_TEST_CONTEXT it would report to the test runner above.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, so that an answer's endless loop can be ended with it.
    detached: process.platform !== 'win32',
  });
  const deadline = setTimeout(() => { killGroup(child); }, TIMEOUT_MS);
  const waiting = [...batch];
  let last = '';
  createInterface(child.stdout).on('line', (line) => {
    const task = line.startsWith('{"step":') ? waiting.shift() : undefined;
    if (task) tell(task, JSON.parse(line) as JsonReport);
    else last = `${last}\n${line}`.slice(-1000);
    // What an answer left open may keep the process alive for ever.
    if (waiting.length === 0) killGroup(child);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    last = (last + text).slice(-1000);
  });
  await once(child, 'close');
  killGroup(child);
  clearTimeout(deadline);
  for (const task of waiting) {
    tell(task, { failed: `The tests of this answer did not report. The last they said:${last}` });
  }
}

/** Ends a process and all that it has started. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended already, with all that it started.
  }
}
