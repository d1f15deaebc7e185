import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { takeHint } from '../lesson/hints.ts';
import { renderMarkdown } from '../terminal/markdown.ts';
import { Problem } from '../terminal/problem.ts';
import { root, steps, type Step } from '../lesson/steps.ts';
import { breakLine, type Size } from '../terminal/text.ts';
import { pageHeight } from './screen.ts';
import { countTests, isGreen, type Event, type State } from './state.ts';

/** What a key can do. */
export interface Controls {
  state: () => State;
  size: () => Size;
  emit: (event: Event) => void;
  runTests: () => void;
  leave: (next: Step) => void;
  quit: () => void;
}

/** Does what a key stands for. */
export async function answerKey(key: string, controls: Controls): Promise<void> {
  const { state, emit, size } = controls;
  const notice = (text: string) => {
    emit({ type: 'noticed', notice: text });
  };
  if (['q', 'ctrl-c', 'ctrl-d'].includes(key)) {
    controls.quit();
    return;
  }
  if (state().page && key !== 'h') {
    const by = scrolling(key, pageHeight(size()));
    emit(by === undefined ? { type: 'page closed' } : { type: 'page scrolled', by });
    return;
  }
  const before = state().notice;
  try {
    notice('');
    if (key === 'h') await showHint(controls);
    if (key === 'd') await showDiff(controls);
    if (key === 'n') goOn(controls);
    if (key === 't') controls.runTests();
    if (key === 'o') await openBrowser(controls, before);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    notice(`${error.message} Next: ${error.next}`);
  }
}

/** How far a key scrolls, in lines; undefined for a key that puts the page away. */
function scrolling(key: string, height: number): number | undefined {
  const keys: Record<string, number> = {
    down: 1, up: -1, j: 1, k: -1, space: height, pagedown: height, pageup: -height, b: -height,
  };
  return keys[key];
}

async function showHint({ state, size, emit }: Controls): Promise<void> {
  const { step, tests: { verdict } } = state();
  if (!verdict || !('report' in verdict)) {
    emit({ type: 'noticed', notice: 'The tests have not said yet which move is next.' });
    return;
  }
  const red = verdict.report.tests.filter((test) => test.failure ?? test.notRun);
  if (red.length === 0) {
    emit({ type: 'noticed', notice: `Step ${step.number} is green: there is nothing to hint at.` });
    return;
  }
  const { move, hint } = await takeHint(step, Math.min(...red.map((test) => test.move)));
  const { columns, color } = size();
  emit({
    type: 'page opened',
    title: `Step ${step.number} · Move ${move.number}: ${move.title} · Hint ${hint.number} of `
      + `${move.hints.length}: ${hint.name}`,
    lines: [
      ...renderMarkdown(hint.text, { columns: Math.min(columns, 100), color })
        .flatMap((line) => breakLine(line, columns)),
      '',
      hint.number < move.hints.length ? 'h shows the next hint.' : 'That was the last hint.',
    ],
  });
}

async function showDiff({ state, size, emit }: Controls): Promise<void> {
  const { step } = state();
  const { columns, color } = size();
  const comparing = 'Comparing your files with the solution …';
  emit({ type: 'noticed', notice: comparing });
  const command = ['shared/commands/run.js', 'diff', String(step.number)];
  const { stdout } = await promisify(execFile)(process.execPath, command, {
    cwd: root,
    env: { ...process.env, NO_COLOR: undefined, FORCE_COLOR: color ? '1' : '0' },
  });
  // Whoever has typed something else in the meantime does not wait for it any more.
  if (state().notice !== comparing) return;
  emit({
    type: 'page opened',
    title: `Step ${step.number} · your files beside the solution`,
    lines: stdout.trim().split('\n').flatMap((line) => breakLine(line, columns)),
  });
}

function goOn({ state, emit, leave }: Controls): void {
  const { step } = state();
  const following = steps.find(({ number }) => number === step.number + 1);
  const count = countTests(state());
  if (!isGreen(state())) {
    const so = count ? ` (${count.passed} of ${count.total})` : '';
    emit({ type: 'noticed', notice: `Step ${step.number} is not green yet${so}. h shows a hint.` });
  } else if (following) {
    leave(following);
  } else {
    emit({ type: 'noticed', notice: 'That was the last step. npm run progress shows all.' });
  }
}

/** Opens the app; the key once more, the live picture. */
async function openBrowser({ state, emit }: Controls, before: string): Promise<void> {
  const { address, live } = state();
  const first = `Opening ${address} in your browser.`;
  const isSecond = live !== undefined && before.startsWith(first);
  const url = isSecond ? live : address;
  const failed = () => {
    emit({ type: 'noticed', notice: `No browser could be started: open ${url} yourself.` });
  };
  const { default: open } = await import('open');
  try {
    const browser = await open(url);
    browser.once('error', failed);
    browser.once('exit', (code) => {
      if (code !== 0 && code !== null) failed();
    });
    const more = live === undefined ? '' : ' o once more: the live picture.';
    emit({
      type: 'noticed',
      notice: isSecond ? `Opening ${live} in your browser.` : `${first}${more}`,
    });
  } catch {
    failed();
  }
}
