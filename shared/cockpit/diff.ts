import { filesAfter, readMoves } from '../lesson/hints.ts';
import { readFiles } from '../lesson/starters.ts';
import type { Change, FileChanges } from '../lesson/step-diff.ts';
import { folderOf, type Step } from '../lesson/steps.ts';
import { paintDiff } from '../terminal/markdown.ts';
import { paint, type Display } from '../terminal/text.ts';

/**
 * Compares a learner's step with its solution.
 * @param moveNumber the move to show changes for; undefined for all moves
 */
export async function diffStep(
  step: Step,
  moveNumber: number | undefined,
  workshop: string,
): Promise<FileChanges[]> {
  // This imports the TypeScript compiler, so don't load it until it's needed.
  const { diffFiles } = await import('../lesson/step-diff.ts');
  const files = await readFiles(folderOf(step, 'steps', workshop));
  if (moveNumber === undefined) {
    return diffFiles(files, await readFiles(folderOf(step, 'solutions', workshop)));
  }

  const moves = await readMoves(step, workshop);
  const filesOf = (last: number) => (
    filesAfter(step, moves.filter(({ number }) => number <= last), workshop)
  );
  const after = await filesOf(moveNumber);
  const all = diffFiles(files, after);
  const own = sharing(all, diffFiles(await filesOf(moveNumber - 1), after));
  // If it's not the move's own code that differs, something before it does.
  return own.length > 0 ? own : all;
}

/** Picks the changes that have lines in common with others. */
function sharing(files: FileChanges[], others: FileChanges[]): FileChanges[] {
  const linesOf = ({ before, after }: Change) => [
    ...before.map((line) => `-${line.trim()}`), ...after.map((line) => `+${line.trim()}`),
  ];
  return files.flatMap(({ name, changes }) => {
    const lines = new Set(others.filter((other) => other.name === name)
      .flatMap((other) => other.changes.flatMap(linesOf)));
    const found = changes.filter((change) => linesOf(change).some((line) => lines.has(line)));
    return found.length > 0 ? [{ name, changes: found }] : [];
  });
}

/**
 * Renders a diff: each change below its location, with `-` for removed and `+` for new lines.
 * @param folder the folder with the old files; undefined if there is none
 */
export function renderChanges(
  files: FileChanges[],
  folder: string | undefined,
  display: Display,
): string[] {
  return files.flatMap(({ name, changes }) => changes.flatMap(({ line, before, after }) => [
    paint('bold', folder === undefined ? name : `${folder}/${name}:${line}`, display),
    ...before.map((text) => paintDiff(`- ${text}`, display)),
    ...after.map((text) => paintDiff(`+ ${text}`, display)),
    '',
  ]));
}
