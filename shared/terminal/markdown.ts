import { paint, wrap, type Display } from './text.ts';

/**
 * Renders a piece of WORKSHOP.md for the terminal: wraps paragraphs, leaves code as it is, and
 * colours diffs, with `…` where a diff skips lines (`@@` in the text).
 */
export function renderMarkdown(text: string, display: Display): string[] {
  const lines: string[] = [];
  let paragraph: string[] = [];
  let fence: string | undefined;

  const flush = () => {
    if (paragraph.length === 0) return;
    const joined = paragraph.join(' ').replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g,
      (_, label: string, target: string) => (
        target.startsWith('#') ? label : `${label} (${target})`
      ));
    const [, mark = ''] = /^((?:[-*]|\d+\.) )/.exec(joined) ?? [];
    const body = wrap(joined.slice(mark.length), display.columns, mark, ' '.repeat(mark.length));
    lines.push(...renderInline(body, display));
    paragraph = [];
  };

  for (const line of text.split(/\r?\n/)) {
    const [, info] = /^```\s*(.*)$/.exec(line) ?? [];
    if (info !== undefined) {
      flush();
      const [language, file] = info.split(' ');
      if (fence === undefined && file) lines.push(`${paint('bold', file, display)}:`);
      fence = fence === undefined ? language ?? '' : undefined;
    } else if (fence !== undefined) {
      lines.push(`    ${fence === 'diff' ? paintDiff(line, display) : line}`);
    } else if (line.trim() === '') {
      flush();
      if (lines.length > 0) lines.push('');
    } else {
      if (/^\s*(?:[-*]|\d+\.) /.test(line)) flush();
      paragraph.push(line.trim());
    }
  }
  flush();
  return lines;
}

/** Colours a line of a diff: green for added, red for removed. */
export function paintDiff(line: string, display: Display): string {
  if (line.startsWith('@@')) return paint('dim', '…', display);
  if (line.startsWith('+')) return paint('green', line, display);
  if (line.startsWith('-')) return paint('red', line, display);
  return line;
}

/** Renders code and bold words. A pair of marks may span two lines. */
function renderInline(lines: string[], display: Display): string[] {
  const inColor = (color: 'cyan' | 'bold', text: string) => (
    text.split('\n').map((line) => line && paint(color, line, display)).join('\n')
  );
  return lines.join('\n')
    .replaceAll(/\*\*([^*]+)\*\*/g, (_, words: string) => inColor('bold', words))
    .replaceAll(/`([^`]+)`/g, (marked, code: string) => (
      display.color ? inColor('cyan', code) : marked
    ))
    .split('\n');
}
