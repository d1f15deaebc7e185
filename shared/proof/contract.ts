import { readMoves } from '../lesson/hints.ts';
import { readFiles, starterFolder } from '../lesson/starters.ts';
import { folderOf, steps, type Step } from '../lesson/steps.ts';

/**
 * Checks the starter contract. Apart from `// TODO` comments, each file of a starter is the same as
 * in the previous solution, or a skeleton: lines of its own solution in their order. Every move of
 * the step's chapter has its TODO.
 * @param folder the starter's folder; by default the one where it's kept
 * @returns what's wrong, one line per problem
 */
export async function breaches(step: Step, folder = starterFolder(step)): Promise<string[]> {
  const previous = steps.find(({ number }) => number === step.number - 1);
  const starter = await readFiles(folder);
  const solution = await readFiles(folderOf(step, 'solutions'));
  const before = previous && await readFiles(folderOf(previous, 'solutions'));

  const found: string[] = [];
  for (const name of new Set([...starter.keys(), ...solution.keys()])) {
    const [own, solved, old] = [starter, solution, before].map((files) => (
      files?.get(name)?.toString()
    ));
    if (own === undefined) found.push(`${name} is missing`);
    else if (solved === undefined) found.push(`${name} isn't in the solution`);
    else if (!isSame(own, old) && !isSkeleton(own, solved)) {
      found.push(`${name} is neither the previous solution nor a part of its own`);
    }
  }
  const moves = (await readMoves(step)).map(({ number }) => number).join();
  const todos = [...starter.values()].join('\n').matchAll(/TODO Move (\d)/g);
  const named = [...new Set([...todos].map(([, number]) => number))].sort().join();
  if (named !== moves) found.push(`its TODO comments name moves ${named}, the text ${moves}`);
  return found;
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

/** A file's lines without TODO comments, their continuations and blank lines. */
function withoutTodos(text: string): string[] {
  let inTodo = false;
  return text.split(/\r?\n/).filter((line) => {
    const comment = /^\s*\/\/(.*)$/.exec(line);
    inTodo = comment !== null && (inTodo || /^\s*TODO\b/.test(comment[1] ?? ''));
    return !inTodo && line.trim() !== '';
  });
}
