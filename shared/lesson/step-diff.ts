import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { diffArrays } from 'diff';
import ts from 'typescript';

/** A place where two files say something different. */
export interface Change {
  /** The first line of it in the file before, from 1. */
  line: number;
  before: string[];
  after: string[];
}

/** What is different in one file. */
export interface FileChanges {
  /** Its path from the step's folder: `session.ts`. */
  name: string;
  changes: Change[];
}

/**
 * Compares the files of two folders as code: how it is formatted and what its comments say makes
 * no difference.
 * @returns the files that differ; one that is in only one folder is all different
 */
export async function diffFolders(before: string, after: string): Promise<FileChanges[]> {
  const names = new Set([...await sources(before), ...await sources(after)]);
  const found: FileChanges[] = [];
  for (const name of [...names].sort()) {
    const changes = diffCode(await read(before, name), await read(after, name));
    if (changes.length > 0) found.push({ name, changes });
  }
  return found;
}

/** Compares two pieces of code as {@link diffFolders} does. */
export function diffCode(before: string, after: string): Change[] {
  const [old, fresh] = [codeLines(before), codeLines(after)];
  const changes: Change[] = [];
  let current: { old: CodeLine[]; fresh: CodeLine[] } | undefined;
  let at = 0;

  const flush = () => {
    // The same code, only broken into other lines, is no change.
    if (current && join(current.old) !== join(current.fresh)) {
      changes.push({
        line: (current.old[0] ?? old[at] ?? old.at(-1))?.number ?? 1,
        before: current.old.map(({ text }) => text),
        after: current.fresh.map(({ text }) => text),
      });
    }
    current = undefined;
  };
  const same = (a: CodeLine, b: CodeLine) => a.code === b.code;
  for (const { added, removed, value } of diffArrays(old, fresh, { comparator: same })) {
    if (!added && !removed) flush();
    else current ??= { old: [], fresh: [] };
    if (removed) current?.old.push(...value);
    if (added) current?.fresh.push(...value);
    if (!added) at += value.length;
  }
  flush();
  return changes;
}

/** A line that holds code: as it stands there, its tokens, and these without a comma at the end. */
interface CodeLine {
  number: number;
  text: string;
  tokens: string;
  code: string;
}

function join(lines: CodeLine[]): string {
  // A comma at the end of a list is a matter of taste too.
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

/** A token as everybody would write it. */
function tokenText(node: ts.Node, source: ts.SourceFile): string {
  if (node.kind === ts.SyntaxKind.SemicolonToken || node.kind === ts.SyntaxKind.EndOfFileToken) {
    return '';
  }
  if (ts.isStringLiteral(node)) return JSON.stringify(node.text);
  return node.getText(source);
}

async function sources(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch((): string[] => []);
  return names
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.split(path.sep).join('/'));
}

function read(folder: string, name: string): Promise<string> {
  return readFile(path.join(folder, name), 'utf8').catch(() => '');
}
