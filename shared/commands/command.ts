import { root } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';
import { displayOf, forFont, type Display, type TerminalProcess } from '../terminal/text.ts';
import type { Input } from './arguments.ts';

/** What a command works on, and where it prints. */
export interface Context extends Input {
  /** The workshop's folder. */
  workshop: string;
  display: Display;
  print: (text: string) => void;
}

/** A command's implementation. @throws {Problem} for anything the user can fix */
export type Command = (context: Context) => Promise<void>;

/** This workshop, with a process's terminal. */
export function contextOf(args: string[], here: TerminalProcess = process): Context {
  const print = (text: string) => { console.log(forFont(text, here)); };
  return { args, env: here.env, workshop: root, display: displayOf(here), print };
}

/**
 * Runs a command on this workshop, with this process's terminal. A {@link Problem} prints as its
 * sentence and the next command, and sets the exit code to 1; any other error is a bug in the
 * workshop and keeps its stack.
 */
export async function runHere(command: Command, args: string[]): Promise<void> {
  // `npm run hint 3 | head` closes our output before we've finished writing.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await command(contextOf(args));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(forFont(`${error.message}\nNext: ${error.next}`));
    process.exitCode = 1;
  }
  // An abandoned DNS lookup would keep this process alive.
  setTimeout(() => process.exit(), 500).unref();
}
