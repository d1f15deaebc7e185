import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { RightAnswer, WrongAnswer } from './answer.ts';
import { findStep } from '../../lesson/steps.ts';
import { messageOf } from '../../tester/lesson.ts';
import { renderFailure } from '../../tester/render.ts';
import type { Report, TestReport } from '../../tester/report.ts';
import type { Choice } from '../../tester/run.ts';
import { TestProcess } from '../../tester/test-process.js';
import { applyPatch } from '../patch.ts';
import { Workshop } from '../../testing/workshop.ts';

/** An answer and its step. */
export interface Task {
  step: number;
  answer: RightAnswer | WrongAnswer;
  /** What the answer changes; the solution if it is missing. */
  of?: 'solutions' | 'steps';
  /** Whether its index.ts is that of an earlier solution, where it has been tested. */
  sharesIndex?: boolean;
}

/** What became of an answer's tests: their report, or why there is none. */
export type Result = Report | { failed: string };

/** How many processes test answers that are mostly waited for. */
const WAITING_PROCESSES = 2;

/** How long an answer's tests may take, in milliseconds, on a very busy machine. */
const TIMEOUT_MS = 300_000;

/**
 * Tests many answers, each process one after the other.
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
export function reported(result: Result | undefined): Report {
  if (!result) throw new Error('This task was not among those that ran.');
  if ('failed' in result) throw new Error(result.failed);
  return result;
}

/** What the learner reads of a test, on one line; empty for a test that passed. */
export function textOf(test: TestReport): string {
  return renderFailure(test, { width: Infinity, color: false }).join(' ').replaceAll(/\s+/g, ' ');
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
    // Those that are waited for need no processor: they come on top of the others.
    const waiting = queue.filter(([, { answer }]) => answer.runs !== undefined);
    const others = queue.filter(([, { answer }]) => answer.runs === undefined);
    const run = async (queue: [number, Task][]) => {
      let tests: TestProcess | undefined;
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [index, task] = next;
        // An answer may have taken its process along.
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
  const verdict = await tests.run(findStep(String(step), 'test:N'), 'steps', {
    tests: answer.tests ?? step, folder, choice: choose(task),
  });
  clearTimeout(deadline);
  return 'report' in verdict ? verdict.report : { failed: verdict.failure };
}

/**
 * The tests that matter: up to the one that catches the answer, and those of index.ts only where
 * they can see what the answer changes: what index.ts alone shows, or what keeps it from starting.
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

/** Writes an answer's files into a folder of their own. */
async function writeAnswer(
  workshop: Workshop,
  { step, answer, of = 'solutions' }: Task,
  index: number,
) {
  const folder = `${of}/${findStep(String(step), 'test:N').folder}`;
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

/** It's below steps/, because tsconfig.json names what's there, and tsx obeys it too. */
function folderOf(index: number): string {
  return `steps/answer-${index}`;
}
