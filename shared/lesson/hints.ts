import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Problem } from '../terminal/problem.ts';
import { applyPatch } from './patch.ts';
import { writeWhole } from './replace.ts';
import { readStarter } from './starters.ts';
import { root, textOf, type Step } from './steps.ts';

/** A hint from the text, folded away below its move. */
export interface Hint {
  /** Starts at 1, the nudge; the last is the code. */
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

/** A hint and its position. */
export interface PlacedHint {
  step: Step;
  move: Move;
  hint: Hint;
}

/**
 * Reads a step's moves and their hints from its text.
 * @throws {Problem} when the text is missing or has no moves for this step
 */
export async function readMoves(step: Step, workshop = root): Promise<Move[]> {
  const name = textOf(step.number);
  const text = await readFile(path.join(workshop, name), 'utf8').catch(() => undefined);
  if (text === undefined) {
    throw new Problem(
      `${name} is missing, and the hints are in it.`,
      `git checkout ${name}, or copy it from a fresh download of the workshop`,
    );
  }
  const moves = parseMoves(text, step.number);
  if (moves.some(({ hints }) => hints.length > 0)) return moves;
  throw noHints(`step ${step.number}`, step);
}

/**
 * Finds a step's moves in the workshop's text: `## Step 3: …`, within it `### Move 2: …`, and below
 * that `<details>` with `<summary>Hint 1: a nudge</summary>`.
 */
export function parseMoves(text: string, stepNumber: number): Move[] {
  const chapter = text.replaceAll('\r\n', '\n').split(/^(?=## )/m)
    .find((part) => new RegExp(`^## Step ${stepNumber}\\b`).test(part)) ?? '';
  return chapter.split(/^(?=### )/m).flatMap((section) => {
    const [, number, title = ''] = /^### Move (\d+): (.*)/.exec(section) ?? [];
    if (number === undefined) return [];
    const hints = section.matchAll(/^<summary>Hint (\d+): (.*)<\/summary>\n([^]*?)^<\/details>$/gm);
    return [{
      number: Number(number),
      title,
      hints: [...hints].map(([, number, name = '', text = '']) => (
        { number: Number(number), name, text: text.trim() }
      )),
    }];
  });
}

/**
 * A step's files as they are once some of its moves are done: its starter, with the code of their
 * hints.
 * @throws {Problem} when the text's hints don't fit the starter
 */
export async function filesAfter(
  step: Step, moves: readonly Move[], workshop = root,
): Promise<Map<string, string>> {
  const starter = await readStarter(step, workshop);
  const files = new Map([...starter].map(([name, content]) => [name, String(content)]));
  try {
    const code = moves.flatMap(({ hints }) => hints.map(({ text }) => text)).join('\n');
    for (const [, file = '', patch = ''] of code.matchAll(
      /^```diff steps\/[^/]+\/(\S+)\n([^]*?)^```/gm,
    )) files.set(file, applyPatch(files.get(file) ?? '', patch));
  } catch {
    const text = textOf(step.number);
    throw new Problem(`The hints in ${text} don't fit the starter.`, `git checkout ${text}`);
  }
  return files;
}

/**
 * Returns the next hint for a move: one further each time, then the last one again and again.
 * @param moveNumber the first move with failing tests
 */
export async function takeHint(
  step: Step, moveNumber: number, workshop = root,
): Promise<PlacedHint> {
  const moves = await readMoves(step, workshop);
  const move = moves.find(({ number }) => number === moveNumber)
    ?? moves.find(({ hints }) => hints.length > 0);
  const taken = await readTaken(workshop);
  const key = `${step.number}.${moveNumber}`;
  const count = Number(taken[key]) || 0;
  const hint = move?.hints[Math.min(count, move.hints.length - 1)];
  if (!move || !hint) throw noHints(`move ${moveNumber} of step ${step.number}`, step);
  await writeTaken(workshop, { ...taken, [key]: Math.min(count + 1, move.hints.length) });
  return { step, move, hint };
}

/** Starts over with the first hints of a step. */
export async function forgetHints(step: Step, workshop = root): Promise<void> {
  const taken = Object.entries(await readTaken(workshop));
  const others = taken.filter(([key]) => !key.startsWith(`${step.number}.`));
  if (others.length < taken.length) await writeTaken(workshop, Object.fromEntries(others));
}

function noHints(where: string, { number }: Step): Problem {
  return new Problem(`${textOf(number)} holds no hints for ${where}.`, `npm run diff ${number}`);
}

/*
 * `.workshop/hints.json` counts the hints shown, by step and move: `{"3.2": 1}` means that only the
 * nudge for move 2 of step 3 has been shown. It may be deleted at any time.
 */
const file = '.workshop/hints.json';

async function readTaken(workshop: string): Promise<Record<string, unknown>> {
  try {
    return { ...JSON.parse(await readFile(path.join(workshop, file), 'utf8')) as object };
  } catch {
    return {};
  }
}

async function writeTaken(workshop: string, taken: Record<string, unknown>): Promise<void> {
  // An unwritable folder mustn't stop a lesson: the same hint just comes up again.
  await writeWhole(workshop, file, `${JSON.stringify(taken)}\n`).catch(() => undefined);
}
