import { fileURLToPath } from 'node:url';
import type { Subject } from './subject.ts';

/**
 * Finds the first place of a stack that lies in the tested app's own files.
 * @param source an error, or a text that holds a stack, such as the page of a 500
 * @returns `steps/04-logout/app.ts:20`, or undefined when the learner's code is not in it
 */
export function findFrame(source: unknown, subject: Subject): string | undefined {
  return findFrames(source, subject)[0];
}

/** Finds all of these places, the innermost first. */
export function findFrames(source: unknown, subject: Subject): string[] {
  const stack = source instanceof Error ? `${source.stack ?? ''}\n${source.message}` : source;
  if (typeof stack !== 'string') return [];
  const text = withSlashes(stack).replaceAll('%20', ' ');
  for (const folder of [withSlashes(fileURLToPath(subject.folder)), `${subject.name}/`]) {
    const place = new RegExp(`${literally(folder)}(?!app\\.test\\.)([\\w./-]+\\.ts):(\\d+)`, 'g');
    const found = [...text.matchAll(place)].map(([, file, line]) => (
      `${subject.name}/${file}:${line}`
    ));
    if (found.length > 0) return found;
  }
  return [];
}

function withSlashes(text: string): string {
  return text.replaceAll('\\', '/');
}

function literally(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
