import { setTimeout } from 'node:timers/promises';

const TICK_MS = 50;

/** How often index.ts shows the tests that its event loop turns, in milliseconds. */
export const BEAT_MS = 100;

/**
 * Waits, and counts only the time in which this process had its turn: while it waits for the
 * processor, so does whatever it is waiting for.
 * @param ms how long, in milliseconds
 */
export async function patience(ms: number, signal?: AbortSignal): Promise<void> {
  for (let left = ms; left > 0; left -= TICK_MS) await setTimeout(TICK_MS, undefined, { signal });
}
