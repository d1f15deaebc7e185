/*
 * What the app prints. Logs are kept, and many people can read them, so nothing secret belongs
 * there.
 */
import { expect } from './lesson.ts';
import { currentRun } from './run.ts';

/** How much of what was printed is kept, in characters. */
const KEPT = 200_000;

let printed = '';

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  Reflect.set(stream, 'write', (...args: unknown[]) => {
    printed = (printed + String(args[0])).slice(-KEPT);
    return write(...args);
  });
}

/** Notes that the app must not print a text. @param what what it is: `a password` */
export function keepSecret(text: string, what: string): void {
  currentRun().secrets.set(text, what);
}

/** Forgets what was printed before. */
export function forgetPrinted(): void {
  printed = '';
}

/**
 * Expects that nothing secret was printed.
 * @param output what index.ts printed; if it's missing, what was printed in this process
 * @throws {Lesson}
 */
export function expectNothingSecret(output?: string): void {
  const text = output ?? printed;
  const found = [...currentRun().secrets].find(([secret]) => text.includes(secret));
  expect(found === undefined, {
    observed: `${output === undefined ? 'Your app' : 'index.ts'} printed ${found?.[1]}.`,
    why: 'What an app prints is kept in logs, which many people can read.',
    lookAt: output === undefined
      ? 'app.ts: what does it print, or hand to console.log() and console.error()?'
      : 'index.ts: what does it print?',
  });
}
