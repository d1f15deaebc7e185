import { styleText } from 'node:util';

/** Where text is displayed: its width in characters, and whether colour is allowed. */
export interface Display {
  columns: number;
  color: boolean;
}

/** A screen, with its height in lines. */
export interface Size extends Display {
  rows: number;
}

/** What a process knows of its terminal. */
export type TerminalProcess = Pick<NodeJS.Process, 'stdout' | 'env' | 'platform'>;

/**
 * The display of a command's standard output: as wide as the terminal, up to 100 characters, and
 * coloured unless NO_COLOR or FORCE_COLOR says otherwise.
 */
export function displayOf({ stdout, env }: TerminalProcess = process): Display {
  return {
    columns: Math.min(stdout.isTTY ? stdout.columns : Number(env['COLUMNS']) || 80, 100),
    color: stdout.isTTY ? stdout.hasColors() : Boolean(Number(env['FORCE_COLOR'])),
  };
}

/**
 * Replaces ✔ and ✖, which the fonts of old Windows consoles lack. They have ● and ○, which are in
 * WGL4, the set of characters that Windows expects of a font.
 */
export function forFont(text: string, { env, platform }: TerminalProcess = process): string {
  const isOld = platform === 'win32' && !env['WT_SESSION'] && !env['TERM_PROGRAM'] && !env['TERM'];
  return isOld ? text.replaceAll('✔', '√').replaceAll('✖', '×') : text;
}

type Color = Parameters<typeof styleText>[0];

/** Colours text where colour is allowed. */
export function paint(
  color: Color, text: string, { color: allowed }: Pick<Display, 'color'>,
): string {
  // `allowed` has already decided, so styleText needn't inspect standard output.
  return allowed ? styleText(color, text, { validateStream: false }) : text;
}

/** Cuts a line to a width, counting visible characters and not colour codes. */
export function cut(line: string, width: number): string {
  const all = parts(line);
  const seen = all.filter((part) => !part.startsWith('\x1b'));
  if (seen.length <= width) return line;
  let room = width - 1;
  const kept = all.filter((part) => part.startsWith('\x1b') || --room >= 0);
  // Keep the codes behind the cut: they reset the colours.
  return `${kept.join('')}…`;
}

/** Breaks text into lines at spaces; a word longer than the width stays whole. */
export function wrap(text: string, width: number, first = '', rest = first): string[] {
  const [start = '', ...words] = text.trim().split(/\s+/);
  const lines: string[] = [];
  let line = first + start;
  for (const word of words) {
    if (line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest + word;
    } else {
      line += ` ${word}`;
    }
  }
  return [...lines, line];
}

/**
 * Breaks a line at the width, carrying its colours over. Continuation lines are indented, so that
 * they don't look like lines of their own.
 */
export function breakLine(line: string, width: number, indent = '      '): string[] {
  const lines: string[] = [];
  let current = '';
  let color = '';
  let room = width;
  for (const part of parts(line)) {
    if (part.startsWith('\x1b')) {
      color = part;
    } else if (--room < 0) {
      lines.push(color === '' ? current : `${current}\x1b[0m`);
      current = indent + color;
      room = Math.max(1, width - indent.length) - 1;
    }
    current += part;
  }
  return [...lines, current];
}

/** How many tests pass, as dots and as words. */
export function progress({ passed, total }: { passed: number; total: number }): string {
  return `${'●'.repeat(passed)}${'○'.repeat(total - passed)} ${passed} of ${total}`;
}

/** Splits a line into characters and colour codes. */
function parts(line: string): string[] {
  return line.match(/\x1b\[[\d;]*m|./gu) ?? [];
}
