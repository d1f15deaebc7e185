import { forFont } from './text.ts';

/** A problem the user can fix: what happened and why, and the command to type next. */
export class Problem extends Error {
  override name = 'Problem';
  readonly next: string;

  /**
   * @param message what happened, and why, in one sentence
   * @param next the command to type now
   */
  constructor(message: string, next: string) {
    super(message);
    this.next = next;
  }
}

/** The message of an error, or any other thrown value as text. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Runs a workshop command. A {@link Problem} prints as its sentence and the next command, and sets
 * the exit code to 1; any other error is a bug in the workshop and keeps its stack.
 */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  // `npm run hint 3 | head` closes our output before we've finished writing.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await command();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    console.error(forFont(`${error.message}\nNext: ${error.next}`));
    process.exitCode = 1;
  }
}
