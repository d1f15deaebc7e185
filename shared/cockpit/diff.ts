import { readMoves, type Move } from '../lesson/hints.ts';
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
  const { diffFolders } = await import('../lesson/step-diff.ts');
  const files = await diffFolders(
    folderOf(step, 'steps', workshop), folderOf(step, 'solutions', workshop),
  );
  if (moveNumber === undefined) return files;
  return changesOfMove(files, await readMoves(step, workshop), moveNumber);
}

/**
 * Picks the differences of one unfinished move: those that its last hint, the code, contains.
 * @param files the differences in the whole step
 */
export function changesOfMove(
  files: FileChanges[],
  moves: Move[],
  moveNumber: number,
): FileChanges[] {
  return files.flatMap(({ name, changes }) => {
    const own = hintLines(moves.filter(({ number }) => number === moveNumber), name);
    const foreign = hintLines(moves.filter(({ number }) => number !== moveNumber), name);
    const isOwn = (sign: '+' | '-') => (line: string) => own.has(sign + line.trim());
    const found = changes.flatMap((change): Change[] => {
      if (!change.after.some(isOwn('+')) && !change.before.some(isOwn('-'))) return [];
      // Two moves may change adjacent lines.
      const after = change.after.filter((line) => (
        isOwn('+')(line) || !foreign.has(`+${line.trim()}`)
      ));
      return [{ ...change, after }];
    });
    return found.length > 0 ? [{ name, changes: found }] : [];
  });
}

/** The lines that moves' hints add to and remove from a file, such as `+res.send('Hi');`. */
function hintLines(moves: Move[], file: string): Set<string> {
  const text = moves.flatMap(({ hints }) => hints.map((hint) => hint.text)).join('\n');
  const blocks = [...text.matchAll(/^```diff \S*\/(\S+)\n([^]*?)^```/gm)];
  const lines = blocks.filter(([, name]) => name === file)
    .flatMap(([, , code = '']) => code.split('\n'));
  // A lone bracket doesn't reveal its move.
  return new Set(lines.filter((line) => /^[-+].*\w/.test(line))
    .map((line) => line.charAt(0) + line.slice(1).trim()));
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
