import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { writeWhole } from './files.ts';
import { Problem } from '../terminal/problem.ts';
import { root, type Step } from './steps.ts';

/** A hint of WORKSHOP.md: what is folded away there below a move. */
export interface Hint {
  /** From 1, the nudge, to the code. */
  number: number;
  /** `a nudge` */
  name: string;
  /** Markdown. */
  text: string;
}

/** A numbered move of a step, with its hints. */
export interface Move {
  number: number;
  title: string;
  hints: Hint[];
}

/** A hint, and where it stands. */
export interface PlacedHint {
  step: Step;
  move: Move;
  hint: Hint;
}

/**
 * Reads the moves of a step and their hints from WORKSHOP.md.
 * @throws {Problem} when the text is not there or holds none for this step
 */
export async function readMoves(step: Step): Promise<Move[]> {
  const text = await readFile(path.join(root, 'WORKSHOP.md'), 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new Problem(
      'WORKSHOP.md is not in this folder, and the hints are in it.',
      'git checkout WORKSHOP.md',
    );
  }
  const moves = parseMoves(text, step.number);
  if (moves.some(({ hints }) => hints.length > 0)) return moves;
  throw new Problem(
    `WORKSHOP.md holds no hints for step ${step.number}.`,
    `npm run diff ${step.number}`,
  );
}

/**
 * Finds the moves of a step in the workshop's text: `## Step 3: …`, in it `### Move 2: …`, and
 * below that `<details>` with `<summary>Hint 1: a nudge</summary>`.
 */
export function parseMoves(text: string, stepNumber: number): Move[] {
  const moves: Move[] = [];
  let inStep = false;
  let hint: (Hint & { lines: string[] }) | undefined;
  let fenced = false;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('```')) fenced = !fenced;
    if (!fenced && /^#{1,3} /.test(line)) {
      const [, step] = /^## Step (\d+)\b/.exec(line) ?? [];
      if (line.startsWith('## ')) inStep = Number(step) === stepNumber;
      const [, number, title = ''] = /^### Move (\d+): (.*)$/.exec(line) ?? [];
      if (inStep && number) moves.push({ number: Number(number), title, hints: [] });
    }
    const move = inStep ? moves.at(-1) : undefined;
    const [, number, name = ''] = /^<summary>Hint (\d+): (.*)<\/summary>$/.exec(line) ?? [];
    if (move && number) {
      hint = { number: Number(number), name, text: '', lines: [] };
      move.hints.push(hint);
    } else if (line === '</details>') {
      hint = undefined;
    } else if (hint) {
      hint.lines.push(line);
      hint.text = hint.lines.join('\n').trim();
    }
  }
  return moves.map((move) => ({
    ...move, hints: move.hints.map(({ number, name, text }) => ({ number, name, text })),
  }));
}

/**
 * The next hint for a move: one more than last time, and the last one again and again.
 * @param moveNumber the first move whose tests are red
 */
export async function takeHint(step: Step, moveNumber: number): Promise<PlacedHint> {
  const moves = await readMoves(step);
  const move = moves.find(({ number }) => number === moveNumber)
    ?? moves.find(({ hints }) => hints.length > 0);
  const taken = await readTaken();
  const key = `${step.number}.${moveNumber}`;
  const count = taken[key] ?? 0;
  const hint = move?.hints[Math.min(count, move.hints.length - 1)];
  if (!move || !hint) {
    throw new Problem(
      `WORKSHOP.md holds no hint for move ${moveNumber} of step ${step.number}.`,
      `npm run diff ${step.number}`,
    );
  }
  await writeTaken({ ...taken, [key]: Math.min(count + 1, move.hints.length) });
  return { step, move, hint };
}

/** Begins again with the first hints of a step. */
export async function forgetHints(step: Step): Promise<void> {
  const taken = Object.entries(await readTaken());
  const others = taken.filter(([key]) => !key.startsWith(`${step.number}.`));
  if (others.length < taken.length) await writeTaken(Object.fromEntries(others));
}

/*
 * `.workshop/hints.json` holds how many hints have been shown, by step and move:
 * `{"3.2": 1}` means that of move 2 of step 3 the nudge was shown. It may be deleted at any time.
 */
const file = path.join(root, '.workshop', 'hints.json');

async function readTaken(): Promise<Record<string, number>> {
  try {
    const taken: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!(taken instanceof Object)) return {};
    const entries = Object.entries(taken).flatMap(([key, count]: [string, unknown]) => (
      typeof count === 'number' ? [[key, count] as const] : []
    ));
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

async function writeTaken(taken: Record<string, number>): Promise<void> {
  // A folder that cannot be written must not stop a lesson: then the first hint comes again.
  await mkdir(path.dirname(file), { recursive: true })
    .then(() => writeWhole(file, `${JSON.stringify(taken)}\n`))
    .catch(() => undefined);
}
