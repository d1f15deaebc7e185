import { stripVTControlCharacters } from 'node:util';
import { afterStep, textOf } from '../lesson/steps.ts';
import { renderOwnPass } from '../tester/render.ts';
import { breakLine, cut, paint, progress, wrap, type Size } from '../terminal/text.ts';
import { countTests, isGreen, type Page, type State } from './state.ts';
import { failureLines, openFailure, otherLines, passLines } from './verdict.ts';

/** The minimum and maximum number of lines of the app's output. */
const OUTPUT = { least: 2, most: 8 };

/** The keys: a name for the bottom line, and a sentence for the page of keys. */
const KEYS = [
  ['h', 'hint', 'The next hint for the move you\'re on.'],
  ['d', 'diff', 'How your code for this move differs from the solution. d again: the whole step.'],
  ['n', 'next', 'Goes on to the next step once this one is green.'],
  ['t', 'test', 'Runs the tests again. Saving a file does that, too.'],
  ['o', 'open', 'Opens the app in your browser. o again: the live picture.'],
  ['?', 'keys', 'This page.'],
  ['q', 'quit', 'Ends the app, the tests and the database, as Ctrl-C does.'],
] as const;

/**
 * Renders the cockpit's screen: what works, what to fix next, what to type now.
 * @returns exactly one line per row, none wider than the screen
 */
export function renderScreen(state: State, size: Size): string[] {
  const { columns, rows } = size;
  const lines = state.page ? renderPage(state.page, size) : renderCockpit(state, size);
  return Array.from({ length: rows }, (_, row) => cut(lines[row] ?? '', columns));
}

/** How many lines of a page fit on the screen. */
export function pageHeight({ rows }: { rows: number }): number {
  return Math.max(1, rows - 4);
}

/** The page that explains the keys, as lines. */
export function keyLines(size: Size): string[] {
  return KEYS.flatMap(([key, , what]) => wrap(what, size.columns, `${key}  `, '   '));
}

/** Lines saying that a step is done, what was learned, and what comes next. */
export function greenLines(state: State, size: Size, next: string): string[] {
  const { step } = state;
  const total = countTests(state)?.total ?? 0;
  const done = `✔ All ${total} tests pass. ${afterStep(step).done}.`;
  return [
    paint(['bold', 'green'], done, size),
    '',
    ...wrap(step.learned, Math.min(size.columns, 100), '    '),
    '',
    ...wrap(`Next: Try it out in ${textOf(step.number)}, then ${next}`, size.columns),
  ];
}

function renderPage({ title, lines, top }: Page, size: Size): string[] {
  const height = pageHeight(size);
  const shown = lines.slice(top, top + height);
  const footer = [
    `Lines ${top + 1} to ${top + shown.length} of ${lines.length}: space and arrows scroll, any `
    + 'other key goes back.',
    'Space scrolls, q goes back.',
    'q goes back.',
  ];
  if (lines.length <= height) footer.unshift('Any key goes back.');
  return [
    paint('bold', title, size),
    '',
    ...Array.from({ length: height }, (_, row) => shown[row] ?? ''),
    '',
    paint('dim', firstThatFits(footer, size.columns), size),
  ];
}

function renderCockpit(state: State, size: Size): string[] {
  const header = renderHeader(state, size);
  const crash = renderCrash(state, size);
  const app = renderApp(state, size);
  const keys = renderKeys(state, size);
  const around = header.length + crash.length + app.length + keys.length + 2;
  const room = Math.max(1, size.rows - around);

  const output = state.app.output.map(printable)
    .filter((line) => line.trim() !== '' && !isNoise(line))
    .map((line) => paint('dim', `  │ ${line}`, size));
  const verdict = renderVerdict(state, size, room - Math.min(output.length, OUTPUT.least));
  const left = Math.max(0, Math.min(room - verdict.length, OUTPUT.most));
  const shown = left === 0 ? [] : output.slice(-left);
  const body = [...header, '', ...crash, ...verdict, '', ...app, ...shown];
  // The keys are always visible at the bottom, where they don't jump.
  const height = Math.max(0, size.rows - keys.length);
  return [...Array.from({ length: height }, (_, row) => body[row] ?? ''), ...keys];
}

function renderHeader(state: State, size: Size): string[] {
  const { step, setUp, progress: doing, tests } = state;
  const { columns, rows } = size;
  const left = `Step ${step.number} · ${step.title}`;
  const count = countTests(state);
  const dots = count ? progress(count) : '';
  const words = count ? `${count.passed} of ${count.total}` : '';
  const right = firstThatFits(
    tests.running
      ? [`testing …  ${dots}`, 'testing …']
      : [tests.at && `tested ${tests.at}  ${dots}`, dots, words],
    columns - left.length - 2,
  ).trim();
  const title = cut(left, Math.max(6, columns - right.length - 2));
  const gap = ' '.repeat(Math.max(2, columns - title.length - right.length));
  // The newest lines matter most; when space is short, the tests matter more.
  const lines = [...setUp, doing].filter(Boolean).flatMap((line) => wrap(line, columns));
  const most = Math.max(0, Math.min(4, Math.floor((rows - 10) / 3)));
  return [
    paint('bold', `${title}${gap}${right}`, size),
    ...lines.slice(Math.max(0, lines.length - most)).map((line) => paint('dim', line, size)),
  ];
}

/** Says what to fix next, in at most `room` lines. */
function renderVerdict(state: State, allowed: Size, room: number): string[] {
  const { verdict, running, own } = state.tests;
  if (own) {
    const soFar = wrap(renderOwnPass(own), allowed.columns)
      .map((line) => paint(['bold', 'green'], line, allowed));
    return blocks(soFar, passLines(own, allowed)).slice(0, room);
  }
  // While tests run, the last verdict is out of date: it stays readable, but without colours.
  const size = { ...allowed, color: allowed.color && !running };
  const aged = (lines: string[]) => (
    running ? lines.map((line) => paint('dim', line, allowed)) : lines
  );
  if (!verdict) return ['Running the tests for the first time …'];
  if ('failure' in verdict) return aged(failureLines(verdict, size, room));

  const { report } = verdict;
  const passed = passLines(report, size);
  if (isGreen(state)) {
    const green = greenLines(state, size, afterStep(state.step, 'press n').next);
    return aged(blocks(green, passed).slice(0, room));
  }
  const open = openFailure(report, size);
  const others = otherLines(report, size);
  return aged(
    [blocks(passed, open, others), blocks(open, others), [...open, ...others]]
      .find(({ length }) => length <= room)
      ?? cutVerdict(openFailure(report, size, room - Math.min(others.length, 1)), others, room),
  );
}

/** Joins blocks of lines with an empty line between them. */
function blocks(...all: string[][]): string[] {
  return all.filter(({ length }) => length > 0)
    .flatMap((lines, index) => (index > 0 ? ['', ...lines] : lines));
}

/** The open failure first; the others get the remaining room. */
function cutVerdict(open: string[], others: string[], room: number): string[] {
  const left = room - open.length;
  if (others.length <= left) return [...open, ...others];
  const shown = others.slice(0, Math.max(0, left - 1));
  return [...open, ...shown, `  and ${others.length - shown.length} more`].slice(0, room);
}

/** A crash comes before the tests: until it's fixed, the learner can't try anything out. */
function renderCrash({ app }: State, size: Size): string[] {
  if (app.status !== 'crashed') return [];
  const why = app.cause === '' ? '' : `: ${app.cause.replace(/\.$/, '')}`;
  const text = `✖ The app ${app.ending}${why}. Saving a file starts it again.`;
  const lines = wrap(printable(text), size.columns).flatMap((line) => (
    breakLine(line, size.columns, '  ')
  ));
  return [...lines.slice(0, 4).map((line) => paint('red', line, size)), ''];
}

function renderApp({ app, address, live, database }: State, size: Size): string[] {
  const status = {
    waiting: ['starting …'],
    running: [`${address} (process started ${app.since})`, address],
    crashed: ['crashed'],
    ended: [`${app.ending}. Saving a file starts it again.`, app.ending],
  }[app.status];
  return table([
    ['App', firstThatFits(status, size.columns - 10)], ['Live', live], ['Database', database],
  ]);
}

/** Lists names with their texts in two columns, leaving out names without a text. */
export function table(rows: [name: string, text: string | undefined][]): string[] {
  const shown = rows.filter(([, text]) => text !== undefined);
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown.map(([name, text = '']) => `${name.padEnd(width)}  ${text}`);
}

function renderKeys({ notice }: State, size: Size): string[] {
  const { columns, rows } = size;
  const named = (keys: readonly string[], gap: string) => (
    KEYS.filter(([key]) => keys.includes(key)).map(([key, name]) => `${key} ${name}`).join(gap)
  );
  const all = KEYS.map(([key]) => key);
  const line = firstThatFits([
    named(all, '   '), named(all, '  '), named(['h', 'd', 'n', '?', 'q'], '  '), all.join(' '),
  ], columns);
  const bold = line.replaceAll(/(?<=^|\s)\S(?=\s|$)/g, (key) => paint('bold', key, size));
  const lines = notice === '' ? [] : wrap(printable(notice), columns);
  return [
    ...rows < 12 ? [] : [''],
    ...lines.slice(0, rows < 12 ? 1 : 3).map((text) => paint('yellow', text, size)),
    bold,
  ];
}

function firstThatFits(versions: string[], columns: number): string {
  return versions.find((version) => version.length <= columns) ?? versions.at(-1) ?? '';
}

/** Whether a line of an error is about Node's internals. */
function isNoise(line: string): boolean {
  return /^\s+at .*(?:node:|node_modules)|^Node\.js v\d|^\s*\^+\s*$/.test(line);
}

/** Strips control characters, so that an app's output can't move the cursor. */
function printable(line: string): string {
  return stripVTControlCharacters(line.slice(0, 1000))
    .replaceAll('\t', '  ').replaceAll(/\p{Cc}/gu, '');
}
