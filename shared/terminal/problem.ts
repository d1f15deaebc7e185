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

/** The code of an error of the system, such as `ENOENT`; undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
