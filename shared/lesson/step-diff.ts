import { structuredPatch } from 'diff';
import ts from 'typescript';

/** A place where two files differ. */
export interface Change {
  /** Its first line in the old file, from 1. */
  line: number;
  before: string[];
  after: string[];
}

/** The differences in one file. */
export interface FileChanges {
  /** Its path relative to the step's folder: `session.ts`. */
  name: string;
  changes: Change[];
}

/**
 * Compares files of the same name as code, ignoring layout and comments.
 * @returns the files that differ; one that only one side has counts as entirely different
 */
export function diffFiles(
  old: ReadonlyMap<string, Buffer | string>,
  fresh: ReadonlyMap<string, Buffer | string>,
): FileChanges[] {
  const names = [...new Set([...old.keys(), ...fresh.keys()])].filter((name) => /\.ts$/.test(name));
  return names.sort().flatMap((name) => {
    const changes = diffCode(String(old.get(name) ?? ''), String(fresh.get(name) ?? ''));
    return changes.length > 0 ? [{ name, changes }] : [];
  });
}

/** Compares two pieces of code, as {@link diffFiles} does. */
export function diffCode(before: string, after: string): Change[] {
  const [old, fresh] = [codeLines(before), codeLines(after)];
  const linesOf = (lines: CodeLine[]) => lines.map(({ code }) => `${code}\n`).join('');
  const { hunks } = structuredPatch('', '', linesOf(old), linesOf(fresh), '', '', { context: 0 });
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines }) => {
    const removed = old.slice(oldStart - 1, oldStart - 1 + oldLines);
    const added = fresh.slice(newStart - 1, newStart - 1 + newLines);
    // The same code with different line breaks isn't a change.
    if (join(removed) === join(added)) return [];
    return [{
      line: (old[oldStart - 1] ?? old.at(-1))?.number ?? 1,
      before: removed.map(({ text }) => text),
      after: added.map(({ text }) => text),
    }];
  });
}

/** A line with code: its original text, its tokens, and its tokens without a trailing comma. */
interface CodeLine {
  number: number;
  text: string;
  tokens: string;
  code: string;
}

function join(lines: CodeLine[]): string {
  // Trailing commas in lists are a matter of taste too.
  return lines.map(({ tokens }) => tokens).join(' ').replaceAll(/ ,(?= [)\]}])/g, '');
}

function codeLines(code: string): CodeLine[] {
  const source = ts.createSourceFile('file.ts', code, ts.ScriptTarget.Latest, true);
  const tokens = new Map<number, string[]>();
  const visit = (node: ts.Node) => {
    const children = node.getChildren(source);
    if (children.length > 0) {
      children.forEach(visit);
      return;
    }
    const text = tokenText(node, source);
    if (text === '') return;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    text.split('\n').forEach((part, offset) => {
      tokens.set(line + offset, [...tokens.get(line + offset) ?? [], part.trimEnd()]);
    });
  };
  visit(source);
  const lines = code.split(/\r?\n/);
  return [...tokens].map(([line, parts]) => ({
    number: line + 1,
    text: (lines[line] ?? '').trimEnd(),
    tokens: parts.join(' '),
    code: parts.join(' ').replace(/ ?,$/, ''),
  }));
}

/** The text of a token in its most common form. */
function tokenText(node: ts.Node, source: ts.SourceFile): string {
  if (node.kind === ts.SyntaxKind.SemicolonToken || node.kind === ts.SyntaxKind.EndOfFileToken) {
    return '';
  }
  if (ts.isStringLiteral(node)) return JSON.stringify(node.text);
  return node.getText(source);
}
