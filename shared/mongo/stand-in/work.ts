/**
 * Limits on the work of one command. Everything runs in one thread: while a command runs, all
 * other clients wait.
 */
import { types } from 'node:util';
import { createContext, Script } from 'node:vm';

import { fail } from './errors.ts';

/** The time limit for a command, in milliseconds. A client's `maxTimeMS` can only shorten it. */
export const maxMilliseconds = 5000;

let deadline = Infinity;
let steps = 0;

/** Starts the clock for the next command. */
export function startWork(milliseconds: number): void {
  deadline = performance.now() + milliseconds;
  steps = 0;
}

/** Counts work, such as a comparison. Throws MaxTimeMSExpired if the command's time is up. */
export function work(amount = 1): void {
  steps += amount;
  if (steps < 1000) return;
  steps = 0;
  if (performance.now() > deadline) refuseMoreTime();
}

function refuseMoreTime(): never {
  fail('MaxTimeMSExpired', 'operation exceeded time limit. The workshop\'s stand-in for MongoDB '
  + `gives a command ${maxMilliseconds / 1000} seconds, or its maxTimeMS if that is less. Ask for `
  + 'less, or set MONGO_URL to a real MongoDB.');
}

const sandbox = createContext({});
const script = new Script('regex.test(text)');

/**
 * `regex.test(text)` with a time limit. Node's regular expressions can take minutes for 30 letters;
 * only `vm` can stop them, which costs 0.1 ms a call, so harmless ones run without it.
 */
export function testInTime(regex: RegExp, text: string): boolean {
  // Each repetition or alternative may be tried at each position.
  const branches = regex.source.match(/(?<!\(|\\u)[*+?{|]/g)?.length ?? 0;
  const isHarmless = !/\)[*+?{]/.test(regex.source) && text.length ** (branches + 1) < 1e6;
  if (isHarmless) return regex.test(text);
  const milliseconds = Math.min(deadline - performance.now(), maxMilliseconds);
  if (milliseconds < 1) refuseMoreTime();
  Object.assign(sandbox, { regex, text });
  try {
    return Boolean(script.runInContext(sandbox, { timeout: Math.ceil(milliseconds) }));
  } catch (error) {
    // The error comes from another realm, so it isn't an instance of this realm's Error.
    const code = types.isNativeError(error) && 'code' in error ? error.code : undefined;
    if (code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') refuseMoreTime();
    throw error;
  }
}
