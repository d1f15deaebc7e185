import { fileURLToPath } from 'node:url';
import { currentSubject } from './subject.ts';

/**
 * Finds the first place of a stack that lies in the tested app's own files.
 * @param source an error, or a text that holds a stack, such as the page of a 500
 * @returns `steps/04-logout/app.ts:20`, or undefined when the learner's code is not in it
 */
export function findFrame(source: unknown): string | undefined {
  return findFrames(source)[0];
}

/** Finds all of these places, the innermost first. */
export function findFrames(source: unknown): string[] {
  const stack = source instanceof Error ? `${source.stack ?? ''}\n${source.message}` : source;
  if (typeof stack !== 'string') return [];
  const { folder, name } = currentSubject();
  const text = withSlashes(stack).replaceAll('%20', ' ');
  for (const start of [withSlashes(fileURLToPath(folder)), `${name}/`]) {
    const [, ...rests] = text.split(start);
    const found = rests.flatMap((rest) => {
      const [place] = /^(?!app\.test\.)[\w./-]+\.ts:\d+/.exec(rest) ?? [];
      return place === undefined ? [] : `${name}/${place}`;
    });
    if (found.length > 0) return found;
  }
  return [];
}

function withSlashes(text: string): string {
  return text.replaceAll('\\', '/');
}
