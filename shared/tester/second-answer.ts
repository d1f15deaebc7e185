/*
 * A request that is answered twice. The visitor gets the first answer, and the code has gone on.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { findFrames } from './frame.ts';
import { Lesson } from './lesson.ts';

/** How often a second answer is looked for, in milliseconds, and how many times. */
const TURN_MS = 10;
const TURNS = 25;

let lesson: Lesson | undefined;
let isRefused = false;

/** Forgets what was seen so far. */
export function forgetSecondAnswers(): void {
  lesson = undefined;
  isRefused = false;
}

/** The lesson of the first request that was answered twice, if there was one. */
export function secondAnswer(): Lesson | undefined {
  return lesson;
}

/** Looks for it once a test has failed: after a refusal, it may be about to come. */
export async function awaitSecondAnswer(): Promise<Lesson | undefined> {
  for (let turn = 0; isRefused && !lesson && turn < TURNS; turn++) await setTimeout(TURN_MS);
  return lesson;
}

/** Watches the answer to a request. Has to run before any middleware. */
export function watchAnswer({ method = '', url = '' }: IncomingMessage, res: ServerResponse): void {
  const writeHead = res.writeHead.bind(res);
  const setHeader = res.setHeader.bind(res);
  let first: Error | undefined;
  res.writeHead = (...args: unknown[]) => {
    first ??= new Error('the first answer');
    isRefused ||= res.statusCode >= 400 && res.statusCode < 500 && res.statusCode !== 404;
    return Reflect.apply(writeHead, res, args) as typeof res;
  };
  res.setHeader = (name, value) => {
    // A cookie that comes too late is no answer.
    if (res.headersSent && first && name.toLowerCase() !== 'set-cookie') {
      lesson ??= tell(`${method} ${url}`, res.statusCode, first, new Error('the second answer'));
    }
    return setHeader(name, value);
  };
}

/** Nothing if the same line answers twice: that's an answer to another visitor's request. */
function tell(
  request: string,
  status: number,
  first: Error,
  second: Error,
): Lesson | undefined {
  const frame = whereItGoesOn(first, second);
  const [, file] = /([^/]+):\d+$/.exec(frame ?? '') ?? [];
  if (file === undefined) return undefined;
  return new Lesson({
    observed: `${request} was answered with status ${status}, and then the app answered it again.`,
    why: 'Neither an answer nor next() ends a function: the lines below still run, even after a '
      + 'refusal. And a request gets only one answer, so the second one throws.',
    lookAt: `${file}: does the function end there, with \`return\`, or is the rest in an \`else\`?`,
  }, frame);
}

/** The line after which the code should have ended: it led to the first answer only. */
function whereItGoesOn(first: Error, second: Error): string | undefined {
  const [to1st, to2nd] = [first, second].map(findFrames);
  while (to1st?.length && to1st.at(-1) === to2nd?.at(-1)) {
    to1st.pop();
    to2nd?.pop();
  }
  return to1st?.at(-1);
}
