import { stripVTControlCharacters } from 'node:util';

/** How a process ended, as the end of a sentence that begins with "The app". */
export function describeEnding(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `was ended by ${signal}`;
  if (code === 0) return 'ended by itself: nothing keeps it running';
  return `crashed (exit code ${code ?? 'unknown'})`;
}

/**
 * Why an app crashed, in one sentence: its error and the line of the app's own code that caused
 * it, or else its last words.
 * @param output the lines it has printed to standard error
 */
export function findCause(output: string[]): string {
  const lines = output.map((line) => stripVTControlCharacters(line).trim()).filter(Boolean);
  for (const line of lines) {
    const [, message] = /: ERROR: (.*)$/.exec(line) ?? [];
    if (message !== undefined) return withPlace(message, [line]);
  }
  const at = lines.findIndex((line) => /^(?:Uncaught )?\w*Error\b.*:/.test(line));
  const error = lines[at];
  // Some of Node's own errors print the location above the error.
  if (error !== undefined) return withPlace(error, [...lines.slice(at), ...lines.slice(0, at)]);
  return lines.filter((line) => !/^Node\.js v\d/.test(line)).at(-1) ?? '';
}

function withPlace(message: string, lines: string[]): string {
  const [, name] = /does not provide an export named '([A-Z]\w*)'/.exec(message) ?? [];
  const text = message.replace(/ \{$/, '') + (name ? `. A type? import { type ${name} }` : '');
  for (const line of lines) {
    const [place] = /(?:steps|solutions)\/\d\d-[\w-]+\/[\w./-]+:\d+/
      .exec(line.replaceAll('\\', '/')) ?? [];
    if (place !== undefined) return `${text} (${place})`;
  }
  return text;
}
