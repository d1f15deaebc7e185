/*
 * How long the tests wait for the learner's code. On a busy machine, only the time in which it had
 * its turn counts.
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
// app.ts notes the intervals that are set in the global way.
import { clearInterval, setInterval } from 'node:timers';
import { setTimeout } from 'node:timers/promises';

/** How often a process says that it's idle, in milliseconds. */
export const BEAT_MS = 100;

/** How much of the processor this process uses in an idle turn, in milliseconds. */
const NOTHING_MS = 2;

/**
 * Waits so many milliseconds for code that runs in this process, in many small turns.
 * @param weigh how much the last turn counts
 * @returns a promise of the end, and what stops the wait before it
 */
export function patience(ms: number, weigh: () => number = () => 1) {
  let turns = 0;
  let timer: NodeJS.Timeout | undefined;
  const isOver = new Promise<undefined>((resolve) => {
    timer = setInterval(() => {
      turns += weigh();
      if (turns >= ms / BEAT_MS) resolve(undefined);
    }, BEAT_MS);
  });
  return { isOver, stop: () => { clearInterval(timer); } };
}

/** Weighs turns by whether this process was at work. @param workingTurn how much one counts then */
export function lessAtWork(workingTurn: number): () => number {
  let before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    before = process.cpuUsage();
    return (user + system) / 1000 > NOTHING_MS ? workingTurn : 1;
  };
}

/** Looks again and again, for so many milliseconds. @returns whether it came true */
export async function within(ms: number, look: () => Promise<boolean>): Promise<boolean> {
  for (let turn = 0; turn < ms / BEAT_MS; turn++) {
    if (await look()) return true;
    await setTimeout(BEAT_MS);
  }
  return false;
}

/** How long a process may be idle without doing what the test waits for, in milliseconds. */
const IDLE_MS = 2000;

/** How much longer it may be idle when the test waits for something else, in milliseconds. */
const RENEWED_MS = 500;

/** How much of the processor's time a loop may take, in milliseconds. */
const LOOP_MS = 1000;

/** How much it may take to load all packages, in milliseconds. */
const LOADING_MS = 10_000;

/** How long it may sleep without saying that it's idle, in milliseconds. */
const ASLEEP_MS = 3000;

/** How long it may be silent where the system doesn't tell what it does, in milliseconds. */
const SILENT_MS = 15_000;

/** The patience with a process that sends a message at each beat while it's idle. */
export class PatienceWithProcess {
  readonly #pid: number;
  #beats = 0;
  /** When it sent the last message, or was last seen to work. */
  #active = performance.now();
  #cpuMs = 0;
  #cpuLimitMs = LOADING_MS;

  constructor(child: ChildProcess) {
    this.#pid = child.pid ?? 0;
    child.on('message', (message) => {
      const isBeat = message instanceof Object && 'type' in message && message.type === 'beat';
      this.#beats = isBeat ? this.#beats + 1 : 0;
      this.#active = performance.now();
      this.#cpuLimitMs = (lookAt(this.#pid)?.cpuMs ?? 0) + LOOP_MS;
    });
  }

  /** Starts to wait for something else. @param idleMs how long it may be idle, in milliseconds */
  renew(idleMs = RENEWED_MS): void {
    this.#beats = Math.min(this.#beats, (IDLE_MS - idleMs) / BEAT_MS);
  }

  /** Whether there's no point in waiting any longer: it's idle, asleep, or in a loop. */
  get isOver(): boolean {
    if (this.#beats * BEAT_MS >= IDLE_MS) return true;
    const now = performance.now();
    const seen = lookAt(this.#pid);
    if (!seen) return now - this.#active > SILENT_MS;
    if (!seen.sleeps || seen.cpuMs > this.#cpuMs) this.#active = now;
    this.#cpuMs = seen.cpuMs;
    return seen.cpuMs > this.#cpuLimitMs || now - this.#active > ASLEEP_MS;
  }
}

/** Whether a process sleeps, and how much of the processor's time it has had. Linux only. */
function lookAt(pid: number): { sleeps: boolean; cpuMs: number } | undefined {
  try {
    // proc(5): the state stands behind the name; user and system time, in hundredths of a second,
    // are the 12th and 13th field from there.
    const [, text = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const fields = text.split(' ');
    const cpuMs = (Number(fields[11]) + Number(fields[12])) * 10;
    return { sleeps: fields[0] === 'S', cpuMs };
  } catch {
    return undefined;
  }
}
