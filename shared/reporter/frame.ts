import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { subjectFile } from '../harness/subject.ts';
import { root } from '../steps.ts';

/**
 * Finds the first stack frame that lies in the tested step's own files.
 * @param source an error, or a text that holds a stack, such as the page of a 500
 * @returns `steps/04-logout/app.ts:20`, or undefined when the learner's code is not in it
 */
export function findFrame(source: unknown): string | undefined {
  const stack = source instanceof Error ? `${source.stack}\n${source.message}` : source;
  if (typeof stack !== 'string') return undefined;
  const folder = path.dirname(fileURLToPath(subjectFile('app.ts')));
  const name = path.relative(root, folder).split(path.sep).join('/');
  const text = stack.replaceAll('\\', '/').replaceAll('%20', ' ');
  const [, file, line] = new RegExp(`${name}/([\\w.-]+\\.ts):(\\d+)`).exec(text) ?? [];
  return file && `${name}/${file}:${line}`;
}
