import type { WriteStream } from 'node:tty';
import type { Size } from '../terminal/text.ts';
import { describe } from './plain.ts';
import { renderScreen } from './screen.ts';
import type { Event, State } from './state.ts';

/** Shows what happens, to a person or to a program that reads along. */
export interface View {
  /** How large it is now. */
  size(): Size;
  /** Shows an event: the state before and after it. */
  show(before: State, event: Event, after: State): void;
  /** Gives the terminal back as it was. */
  close(): void;
}

/** Plain lines, one below the other. What the app says on its standard error stays there. */
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
  // The alternate screen, without a cursor; long lines are cut and not broken.
  enter: '\x1b[?1049h\x1b[?25l\x1b[?7l',
  leave: '\x1b[?7h\x1b[?25h\x1b[?1049l',
  home: '\x1b[H',
  clearLine: '\x1b[K',
};

/** How long events are gathered before the screen is drawn, in milliseconds. */
const DRAW_MS = 16;

/** A screen that is drawn anew in place when something happens. */
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
    // Line by line over the old ones, and in one go: nothing flickers.
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
  // The person who stopped this process has used the terminal in the meantime.
  process.on('SIGCONT', enter);
  // Whatever ends this process, the terminal is given back.
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

/** The fonts of old Windows consoles have no ✔ and ✖. */
function forFont(line: string): string {
  const { WT_SESSION, TERM_PROGRAM, TERM } = process.env;
  const isOld = process.platform === 'win32' && !WT_SESSION && !TERM_PROGRAM && !TERM;
  return isOld ? line.replaceAll('✔', '√').replaceAll('✖', '×') : line;
}
