import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { RightAnswer, WrongAnswer } from './answer.ts';
import { findStep } from '../../lesson/steps.ts';
import { renderFailure } from '../../tester/render.ts';
import type { Report, TestReport } from '../../tester/report.ts';
import type { Choice } from '../../tester/run.ts';
import { TestProcess } from '../../tester/test-process.ts';
import { applyPatch } from '../../lesson/patch.ts';
import { Workshop } from '../../testing/workshop.ts';
import { messageOf } from '../../terminal/problem.ts';

/** An answer and its step. */
export interface Task {
  step: number;
  answer: RightAnswer | WrongAnswer;
  /** What the answer changes; the solution by default. */
  of?: 'solutions' | 'steps';
  /** Whether its index.ts is the same as an earlier solution's, where it's already tested. */
  sharesIndex?: boolean;
}

/** The outcome of an answer's tests: their report, or why there is none. */
export type Result = Report | { failed: string };

/** How many processes test answers that mostly wait. */
const WAITING_PROCESSES = 2;

/** How long an answer's tests may take, in milliseconds, on a very busy machine. */
const TIMEOUT_MS = 300_000;

/**
 * Tests many answers in parallel processes, each of which takes one answer at a time.
 * @returns a promise of each task's result, and one that resolves when everything is cleaned up
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
export function reported(result: Result | undefined): Report {
  if (!result) throw new Error('This task was not among those that ran.');
  if ('failed' in result) throw new Error(result.failed);
  return result;
}

/** What the learner reads about a test, on one line; empty for a passed test. */
export function textOf(test: TestReport): string {
  return renderFailure(test, { columns: Infinity, color: false }).join(' ').replaceAll(/\s+/g, ' ');
}

type Tell = (task: Task, result: Result) => void;

async function runAll(tasks: readonly Task[], tell: Tell): Promise<void> {
  const workshop = await Workshop.copy();
  try {
    const queue: [number, Task][] = [];
    for (const [index, task] of tasks.entries()) {
      try {
        await writeAnswer(workshop, task, index);
        queue.push([index, task]);
      } catch (error) {
        tell(task, { failed: messageOf(error) });
      }
    }
    // Answers that mostly wait need little CPU: they run in addition to the others.
    const waiting = queue.filter(([, { answer }]) => answer.aside);
    const others = queue.filter(([, { answer }]) => !answer.aside);
    const run = async (queue: [number, Task][]) => {
      let tests: TestProcess | undefined;
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [index, task] = next;
        // The last answer may have crashed its process.
        if (!tests?.waits) {
          await tests?.end(0);
          tests = new TestProcess({ workshop: workshop.folder });
        }
        tell(task, await runAnswer(tests, task, path.join(workshop.folder, folderOf(index))));
      }
      await tests?.end(0);
    };
    await Promise.all([
      ...Array.from({ length: availableParallelism() }, () => run(others)),
      ...Array.from({ length: WAITING_PROCESSES }, () => run(waiting)),
    ]);
  } finally {
    await workshop.remove();
  }
}

async function runAnswer(tests: TestProcess, task: Task, folder: string): Promise<Result> {
  const deadline = setTimeout(() => void tests.end(0), TIMEOUT_MS);
  const { step, answer } = task;
  const verdict = await tests.run(findStep(step), 'steps', {
    tests: answer.tests ?? step, folder, choice: choose(task),
  });
  clearTimeout(deadline);
  return 'report' in verdict ? verdict.report : { failed: verdict.failure };
}

/**
 * The tests that matter: up to the one that catches the answer, and those of index.ts only if the
 * answer may affect them, by changing what index.ts shows or whether it starts.
 */
function choose({ answer, sharesIndex = false }: Task): Choice {
  const changes = Object.entries({ ...answer.patch, ...answer.files });
  return {
    last: 'caughtBy' in answer ? answer.caughtBy : undefined,
    withoutEntries: sharesIndex || (changes.length > 0 && changes.every(([name, text]) => (
      !/^(index|ending|outage)\.ts$/.test(name) && !/^[+-].*\b(import|require)\b/m.test(text)
    ))),
  };
}

/** Writes an answer's files into their own folder. */
async function writeAnswer(
  workshop: Workshop,
  { step, answer, of = 'solutions' }: Task,
  index: number,
) {
  const folder = `${of}/${findStep(step).folder}`;
  const names = await readdir(path.join(workshop.folder, folder));
  for (const name of names.filter((name) => /(?<!\.test)\.ts$/.test(name))) {
    const text = await workshop.read(`${folder}/${name}`);
    const patch = answer.patch?.[name];
    const patched = patch === undefined ? text : applyPatch(text, patch.replace(/^\n/, ''));
    workshop.write(`${folderOf(index)}/${name}`, patched);
  }
  for (const [name, text] of Object.entries(answer.files ?? {})) {
    workshop.write(`${folderOf(index)}/${name}`, text);
  }
}

/** The folder is below steps/, because tsconfig.json includes that, and tsx follows it too. */
function folderOf(index: number): string {
  return `steps/answer-${index}`;
}
