import type { Block, Place } from './document.ts';

/** A part of a console block: a command or a key, and the output that follows. */
export interface Part {
  /** The command to type; empty if the block shows more output of a running command. */
  command: string;
  /** The lines of output; `…` stands for anything. */
  expected: string[];
  place: Place;
}

/** Ctrl-C, as shown in a terminal. */
export const CTRL_C = '^C';

/** Parses a console block: `$ command`, `^C`, and the lines that follow each. */
export function parseConsole(block: Block): Part[] {
  const parts: Part[] = [];
  for (const [index, line] of block.text.split('\n').entries()) {
    if (line.startsWith('$ ') || line === CTRL_C) {
      parts.push({ command: line.replace(/^\$ /, ''), expected: [], place: block.placeOf(index) });
      continue;
    }
    if (parts.length === 0) parts.push({ command: '', expected: [], place: block.placeOf(index) });
    parts.at(-1)?.expected.push(line);
  }
  return parts;
}

/** Splits a command into words, as a shell does. */
export function parseCommand(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)]
    .map(([, quoted, single, bare]) => quoted ?? single ?? bare ?? '');
}

/**
 * Whether a command printed what the text shows. Repeated spaces count as one; session ids,
 * signatures, dates and the database's port differ from run to run.
 * @param port the app's port; the text says 4000
 */
export function isAsExpected(expected: readonly string[], output: string, port: number): boolean {
  const lines = trimLines(expected.map(withoutVariables));
  const pattern = lines.map((line) => (
    line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escape).join('.*')}\\n`
  ));
  const actual = trimLines(withoutVariables(withPort4000(output, port)).split('\n'));
  return new RegExp(`^${pattern.join('')}$`).test(actual.map((line) => `${line}\n`).join(''));
}

/** Replaces this run's port with the text's 4000. */
export function withPort4000(text: string, port: number): string {
  return text.replaceAll(new RegExp(`(?<!\\d)${port}(?!\\d)`, 'g'), '4000');
}

function withoutVariables(text: string): string {
  return text
    .replaceAll(/s%3A[\w-]{32}\.[\w%+/-]{43,}/g, 's%3A<id>.<signature>')
    .replaceAll(/'[\w-]{32}'/g, "'<id>'")
    .replaceAll(/\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT/g, '<date>')
    .replaceAll(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, '<date>')
    // A slow machine prints a sign that it's still working.
    .replaceAll(/^Starting MongoDB … \(\d+ s\)\n/gm, '')
    // Chapters run in parallel, and only one of them gets the live picture's port.
    .replaceAll(/^Port \d+ is taken, so the live picture is at \d+\.\n/gm, '')
    .replaceAll(/(Live +http:\/\/localhost):\d+/g, '$1:<port>')
    .replaceAll(/mongodb:\/\/127\.0\.0\.1:\d+/g, 'mongodb://127.0.0.1:<port>')
    .replaceAll(/ +/g, ' ');
}

/** Removes trailing spaces, surrounding empty lines, and repeated empty lines. */
function trimLines(lines: readonly string[]): string[] {
  return lines.map((line) => line.trimEnd()).join('\n')
    .replaceAll(/^\n+|\n+$/g, '')
    .replaceAll(/\n{3,}/g, '\n\n').split('\n');
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
