import type { WriteStream } from 'node:tty';
import { forFont, type Size } from '../terminal/text.ts';
import { describe } from './plain.ts';
import { renderScreen } from './screen.ts';
import type { Event, State } from './state.ts';

/** Shows events to a person, or to a program that reads the output. */
export interface View {
  /** Its current size. */
  size(): Size;
  /** Shows an event, given the state before and after it. */
  show(before: State, event: Event, after: State): void;
  /** Restores the terminal. */
  close(): void;
}

/** Plain output, line by line. The app's standard error stays on standard error. */
export function plainView(): View {
  const { stdout } = process;
  const size = () => ({
    columns: Math.min(stdout.isTTY ? stdout.columns : 80, 100),
    rows: Infinity,
    color: stdout.isTTY && stdout.hasColors(),
  });
  return {
    size,
    show: (before, event, after) => {
      const print = event.type === 'app printed' && event.stream === 'stderr'
        ? console.error
        : console.log;
      for (const line of describe(before, event, after, size())) print(forFont(line));
    },
    close: () => undefined,
  };
}

/** ANSI escapes. */
const escapes = {
  // The alternate screen, without a cursor; long lines are cut, not wrapped.
  enter: '\x1b[?1049h\x1b[?25l\x1b[?7l',
  leave: '\x1b[?7h\x1b[?25h\x1b[?1049l',
  home: '\x1b[H',
  clearLine: '\x1b[K',
};

/** How long to collect events before drawing the screen, in milliseconds. */
const DRAW_MS = 16;

/** A screen that redraws itself in place when something happens. */
export function screenView(stdout: WriteStream): View {
  let state: State | undefined;
  let timer: NodeJS.Timeout | undefined;
  let open = true;

  const size = () => ({
    columns: stdout.columns || 80,
    rows: stdout.rows || 24,
    color: stdout.hasColors(),
  });
  const draw = () => {
    timer = undefined;
    if (!open || !state) return;
    // Overwrite line by line in a single write, so that nothing flickers.
    const lines = renderScreen(state, size()).map((line) => (
      `${escapes.clearLine}${forFont(line)}`
    ));
    stdout.write(`${escapes.home}${lines.join('\r\n')}`);
  };
  const enter = () => {
    stdout.write(escapes.enter);
    draw();
  };
  const close = () => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    stdout.off('resize', draw);
    process.off('SIGCONT', enter);
    process.off('exit', close);
    if (stdout.writable) stdout.write(escapes.leave);
  };
  enter();
  stdout.on('resize', draw);
  // While this process was suspended, the terminal was used for something else.
  process.on('SIGCONT', enter);
  // However this process ends, restore the terminal.
  process.on('exit', close);
  return {
    size,
    show: (_before, _event, after) => {
      state = after;
      timer ??= setTimeout(draw, DRAW_MS);
    },
    close,
  };
}
