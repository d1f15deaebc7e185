import { emitKeypressEvents } from 'node:readline';
import type { ReadStream } from 'node:tty';
import { takeHint } from '../lesson/hints.ts';
import { steps, type Step } from '../lesson/steps.ts';
import { renderMarkdown } from '../terminal/markdown.ts';
import { Problem } from '../terminal/problem.ts';
import { breakLine, type Size } from '../terminal/text.ts';
import { diffStep, renderChanges } from './diff.ts';
import { keyLines, pageHeight } from './screen.ts';
import { countTests, currentMove, isGreen, type Emit, type State } from './state.ts';

interface Keypress {
  name?: string;
  ctrl: boolean;
  sequence?: string;
}

/**
 * Listens for single keys.
 * @param onKey receives a key's name: `h`, `?`, `space`, `up`, `ctrl-c`
 * @param onEnd runs when the keyboard is gone
 * @returns a function that stops listening and puts the terminal back into line mode
 */
export function listenForKeys(
  stdin: ReadStream,
  onKey: (name: string) => void,
  onEnd: () => void,
): () => void {
  emitKeypressEvents(stdin);
  const listener = (_: string | undefined, { name, ctrl, sequence }: Keypress) => {
    const key = name ?? sequence ?? '';
    onKey(ctrl ? `ctrl-${key}` : key);
  };
  const toRaw = () => {
    // The shell that resumed us has set the terminal to line mode without Node's knowledge.
    stdin.setRawMode(false);
    stdin.setRawMode(true);
  };
  stdin.on('keypress', listener);
  stdin.once('end', onEnd);
  stdin.once('error', onEnd);
  toRaw();
  stdin.resume();
  process.on('SIGCONT', toRaw);
  return () => {
    process.off('SIGCONT', toRaw);
    stdin.off('keypress', listener);
    stdin.off('end', onEnd);
    // A terminal that's gone can't be reset.
    if (!stdin.destroyed) stdin.setRawMode(false);
    stdin.pause();
  };
}

/** What a key can control. */
export interface Controls {
  /** The folder that holds steps/ and solutions/. */
  workshop: string;
  state: () => State;
  size: () => Size;
  emit: Emit;
  runTests: () => void;
  leave: (next: Step) => void;
  quit: () => void;
}

/** Performs a key's action. */
export async function pressKey(key: string, controls: Controls): Promise<void> {
  const { state, emit, size } = controls;
  const { page, notice } = state();
  if (key === 'ctrl-c' || key === 'ctrl-d' || (key === 'q' && !page)) {
    controls.quit();
    return;
  }
  if (page && key !== 'h' && key !== 'd') {
    const height = pageHeight(size());
    const by = {
      down: 1, up: -1, j: 1, k: -1, space: height, pagedown: height, pageup: -height, b: -height,
    }[key];
    const fits = page.lines.length <= height;
    emit(by === undefined || fits ? { type: 'page closed' } : { type: 'page scrolled', by });
    return;
  }
  try {
    emit({ type: 'noticed', notice: '' });
    if (key === 'h') await showHint(controls);
    if (key === 'd') await showDiff(controls);
    if (key === 'n') goOn(controls);
    if (key === 't') controls.runTests();
    if (key === 'o') await openBrowser(controls, notice);
    if (key === '?') {
      const lines = keyLines(size());
      emit({ type: 'page opened', name: 'keys', title: 'The keys of the cockpit', lines });
    }
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    emit({ type: 'page closed' });
    emit({ type: 'noticed', notice: `${error.message} Next: ${error.next}` });
  }
}

/** The move to help with. @throws {Problem} if the tests haven't shown it yet */
function moveOf(state: State): number | undefined {
  const { verdict, running } = state.tests;
  if (running || !verdict) {
    const why = "The tests haven't said yet which move you're on.";
    throw new Problem(why, 'try again when they have');
  }
  if ('report' in verdict) return currentMove(state);
  throw new Problem("The tests couldn't run.", 'mend what they complain about, then save');
}

async function showHint({ workshop, state, size, emit }: Controls): Promise<void> {
  const { step } = state();
  const moveNumber = moveOf(state());
  if (moveNumber === undefined) {
    emit({ type: 'noticed', notice: `Step ${step.number} is green: no more hints.` });
    return;
  }
  const { move, hint } = await takeHint(step, moveNumber, workshop);
  const { columns, color } = size();
  emit({
    type: 'page opened',
    name: 'hint',
    title: `Move ${move.number}: ${move.title} · Hint ${hint.number} of ${move.hints.length}: `
      + hint.name,
    lines: [
      ...renderMarkdown(hint.text, { columns: Math.min(columns, 100), color })
        .flatMap((line) => breakLine(line, columns)),
      '',
      hint.number < move.hints.length
        ? 'Press h for the next hint.'
        : 'That was the last hint. Press d to see how your code differs from the solution.',
    ],
  });
}

/** Shows the diff of the current move; if that's already open, the diff of the whole step. */
async function showDiff({ workshop, state, size, emit }: Controls): Promise<void> {
  const { step, folder, page } = state();
  const move = page?.name === 'diff' ? undefined : moveOf(state());
  const what = move === undefined ? `Step ${step.number}` : `Move ${move}`;
  const show = (lines: string[]) => {
    const title = `${what} · your code (-) and the solution (+)`;
    emit({ type: 'page opened', name: 'diff', title, lines });
  };
  const wait = ['Comparing your code with the solution …'];
  show(wait);
  const files = await diffStep(step, move, workshop);
  // Otherwise the user has closed it.
  if (state().page?.lines !== wait) return;
  show([
    ...renderChanges(files, folder, size()).flatMap((line) => breakLine(line, size().columns)),
    ...files.length === 0 ? ['No difference, apart from layout and comments.', ''] : [],
    ...move === undefined ? [] : ['Press d again for the whole step.'],
  ]);
}

function goOn({ state, emit, leave }: Controls): void {
  const { step } = state();
  const following = steps.find(({ number }) => number === step.number + 1);
  if (following && isGreen(state()) && !state().tests.running) {
    leave(following);
    return;
  }
  emit({ type: 'noticed', notice: whyStay(state()) });
}

function whyStay(state: State): string {
  if (state.tests.running) return 'The tests are still running. Press n once they are green.';
  if (isGreen(state)) return 'This is the last step. npm run progress shows all of them.';
  const count = countTests(state);
  const so = count ? ` (${count.passed} of ${count.total})` : '';
  return `Step ${state.step.number} isn't green yet${so}. Press h for a hint.`;
}

/** Opens the app, or the live picture if the key is pressed again. */
async function openBrowser({ state, emit }: Controls, before: string): Promise<void> {
  const { address, live } = state();
  const isSecond = live !== undefined && before.startsWith(`Opening ${address} `);
  const url = isSecond ? live : address;
  const more = isSecond || live === undefined ? '' : ' Press o again for the live picture.';
  const failed = () => {
    emit({ type: 'noticed', notice: `No browser could be started: open ${url} yourself.` });
  };
  try {
    const { default: open } = await import('open');
    const browser = await open(url);
    browser.once('error', failed).once('exit', (code) => {
      if (code) failed();
    });
    emit({ type: 'noticed', notice: `Opening ${url} in your browser.${more}` });
  } catch {
    failed();
  }
}
