import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { root, steps, type Step } from './steps.ts';

/** A file of a starter that is neither the previous solution's nor a skeleton of its own. */
export interface Deviation {
  file: string;
  why: string;
}

/**
 * Checks the starter contract: `// TODO` comments aside, every file of a starter is identical to
 * that file of the previous solution, or a skeleton: lines of its own solution in their order.
 * @returns the files that deviate: none while nobody has worked on the step
 */
export async function deviations(step: Step, workshop = root): Promise<Deviation[]> {
  const previous = steps.find(({ number }) => number === step.number - 1);
  const starter = path.join(workshop, 'steps', step.folder);
  const solution = path.join(workshop, 'solutions', step.folder);
  const names = new Set([...await sources(starter), ...await sources(solution)]);

  const found: Deviation[] = [];
  for (const name of names) {
    const file = `steps/${step.folder}/${name}`;
    const own = await read(path.join(starter, name));
    const solved = await read(path.join(solution, name));
    const before = previous
      && await read(path.join(workshop, 'solutions', previous.folder, name));
    if (own === undefined) {
      found.push({ file, why: 'is missing' });
    } else if (solved === undefined) {
      found.push({ file, why: 'is not in the solution' });
    } else if (!isSame(own, before) && !isSkeleton(own, solved)) {
      found.push({ file, why: 'is neither the previous solution nor a part of its own' });
    }
  }
  return found;
}

/** Whether a step's starter is as it came: nobody has worked on it yet. */
export async function untouched(step: Step): Promise<boolean> {
  return (await deviations(step)).length === 0;
}

function isSame(starter: string, previous: string | undefined): boolean {
  return previous !== undefined
    && withoutTodos(starter).join('\n') === withoutTodos(previous).join('\n');
}

function isSkeleton(starter: string, solution: string): boolean {
  const lines = withoutTodos(solution);
  let at = 0;
  return withoutTodos(starter).every((line) => {
    at = lines.indexOf(line, at) + 1;
    return at > 0;
  });
}

/** The lines of a file without TODO comments, their continuations and blank lines. */
function withoutTodos(text: string): string[] {
  let inTodo = false;
  return text.split(/\r?\n/).filter((line) => {
    const comment = /^\s*\/\/(.*)$/.exec(line);
    inTodo = comment !== null && (inTodo || /^\s*TODO\b/.test(comment[1] ?? ''));
    return !inTodo && line.trim() !== '';
  });
}

async function sources(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
}

function read(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
