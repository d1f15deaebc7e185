import { stripVTControlCharacters } from 'node:util';
import { countTests, isGreen, type Page, type State } from './state.ts';
import { cut, paint, progress, wrap, type Size } from '../terminal/text.ts';
import {
  failureLines, greenLines, openFailure, otherLines, passLines,
} from './verdict.ts';

/** How many lines of the app's output are shown at least, and at most. */
const OUTPUT = { least: 2, most: 8 };

const KEYS = [
  ['h', 'hint'], ['d', 'diff'], ['n', 'next step'], ['t', 'test'], ['o', 'open'], ['q', 'quit'],
] as const;

/**
 * The cockpit's screen: what works, what to fix next, what to type now.
 * @returns as many lines as there are rows, none wider than the columns
 */
export function renderScreen(state: State, size: Size): string[] {
  const { columns, rows } = size;
  const lines = state.page ? renderPage(state.page, size) : renderCockpit(state, size);
  return Array.from({ length: rows }, (_, row) => cut(lines[row] ?? '', columns));
}

/** How many lines of a page are seen at once. */
export function pageHeight({ rows }: { rows: number }): number {
  return Math.max(1, rows - 4);
}

function renderPage({ title, lines, top }: Page, size: Size): string[] {
  const height = pageHeight(size);
  const shown = lines.slice(top, top + height);
  const last = top + shown.length;
  const more = lines.length > height
    ? `Lines ${top + 1} to ${last} of ${lines.length}: space or arrows for the others.  `
    : '';
  return [
    paint('bold', title, size),
    '',
    ...Array.from({ length: height }, (_, row) => shown[row] ?? ''),
    '',
    paint('dim', `${more}Any other key goes back.`, size),
  ];
}

function renderCockpit(state: State, size: Size): string[] {
  const header = renderHeader(state, size);
  const app = renderApp(state, size);
  const keys = renderKeys(state, size);
  const room = size.rows - header.length - app.length - keys.length - 2;

  const output = state.app.output
    .map(printable)
    .filter((line) => line.trim() !== '' && !isNoise(line))
    .map((line) => paint('dim', `  │ ${line}`, size));
  const verdict = renderVerdict(state, size, room - Math.min(output.length, OUTPUT.least));
  const left = room - verdict.length;
  const outputRoom = Math.max(0, Math.min(left, OUTPUT.most));
  const shown = outputRoom === 0 ? [] : output.slice(-outputRoom);
  // The keys stay at the bottom, where they do not jump.
  const gap = Array.from({ length: Math.max(0, left - shown.length) }, () => '');
  return [...header, '', ...verdict, '', ...app, ...shown, ...gap, ...keys];
}

function renderHeader(state: State, size: Size): string[] {
  const { step, setUp, progress: doing, tests } = state;
  const left = `Step ${step.number} · ${step.title}`;
  const count = countTests(state);
  const right = [tests.running ? 'testing …' : '', count ? progress(count) : '']
    .filter(Boolean).join('  ');
  const gap = ' '.repeat(Math.max(2, size.columns - left.length - right.length));
  return [
    paint('bold', `${left}${gap}${right}`, size),
    ...[...setUp, doing].filter(Boolean).slice(-2).map((line) => paint('dim', line, size)),
  ];
}

/** The part that tells what to fix next, in at most as many lines as there is room for. */
function renderVerdict(state: State, allowed: Size, room: number): string[] {
  const { verdict, running } = state.tests;
  // While tests run the last verdict is old: it stays to be read, without its colours.
  const size = { ...allowed, color: allowed.color && !running };
  const aged = (lines: string[]) => (
    running ? lines.map((line) => paint('dim', line, allowed)) : lines
  );
  if (!verdict) return ['The tests run for the first time …'];
  if ('failure' in verdict) return aged(failureLines(verdict.failure, size).slice(0, room));

  const { report } = verdict;
  const passed = passLines(report, size);
  if (isGreen(state)) {
    const green = greenLines(state.step, report.tests.length, size, true);
    return aged(fits([...green, '', ...passed], room) ?? green.slice(0, room));
  }
  const open = openFailure(report, size);
  const others = otherLines(report, size);
  const whole = [...passed, ...passed.length > 0 ? [''] : [], ...open, '', ...others];
  return aged(
    fits(whole, room)
    ?? fits([...open, '', ...others], room)
    ?? fits([...open, ...others], room)
    ?? cutVerdict(openFailure(report, size, room - Math.min(others.length, 1)), others, room),
  );
}

function fits(lines: string[], room: number): string[] | undefined {
  return lines.length <= room ? lines : undefined;
}

/** The open failure first; what is left of the room is for the others. */
function cutVerdict(open: string[], others: string[], room: number): string[] {
  const left = room - open.length;
  if (others.length <= left) return [...open, ...others];
  const shown = others.slice(0, Math.max(0, left - 1));
  return [...open, ...shown, `  and ${others.length - shown.length} more`].slice(0, room);
}

function renderApp({ app, address, live, database }: State, size: Size): string[] {
  const others = [
    ...live === undefined ? [] : [`Live  ${live}`],
    ...database === undefined ? [] : [`Data  ${database}`],
  ];
  if (app.status !== 'crashed') {
    const status = app.status === 'running' ? paint('bold', address, size) : 'starts …';
    const [first = '', ...more] = others;
    return [`App  ${status}   ${first}`.trimEnd(), ...more.map((line) => `     ${line}`)];
  }
  const why = app.cause === '' ? '' : `: ${app.cause.replace(/\.$/, '')}`;
  const text = `✖ The app ${app.ending}${why}. The next save starts it again.`;
  const lines = wrap(printable(text), size.columns - 5);
  return lines.slice(0, 4).map((line, index) => (
    `${index === 0 ? 'App  ' : '     '}${paint('red', line, size)}`
  ));
}

function renderKeys({ notice }: State, size: Size): string[] {
  const keys = KEYS.map(([key, what]) => `${paint('bold', key, size)} ${what}`).join('   ');
  return [notice === '' ? '' : paint('yellow', notice, size), keys];
}

/** What Node adds to an error, and is about Node. */
function isNoise(line: string): boolean {
  return /^\s+at .*(?:node:|node_modules)|^Node\.js v\d|^\s*\^+\s*$/.test(line);
}

/** What an app prints may hold anything: nothing of it may move the cursor. */
function printable(line: string): string {
  return stripVTControlCharacters(line).replaceAll('\t', '  ').replaceAll(/\p{Cc}/gu, '');
}
