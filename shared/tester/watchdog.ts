/*
 * A loop that never ends blocks the whole process: no timer runs, no test can fail, and Ctrl-C is
 * all that is left. A thread of its own notices that, as long as this one shows no sign of life,
 * and has `giveUp` called in the middle of the loop.
 */
import { closeSync } from 'node:fs';
import { findSourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { exitForGood } from './crash.ts';

/** How long nothing may run, in milliseconds. Busy machines are slow; a suspended one wakes up. */
export const BLOCKED_MS = 5000;

const HEARTBEAT_MS = 250;

/** Is called on the blocked thread itself, so that its stack shows the loop. */
type GiveUp = (stack: string) => void;

const givingUp = Symbol.for('workshop.giveUp');

/*
 * The thread is plain JavaScript in a string: a module would be read through tsx, which takes
 * longer than all else here. The debugger is how a thread can interrupt another one.
 */
const thread = `
const { workerData: { beat, blockedMs } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { Session } = require('node:inspector');
const session = new Session();
session.connectToMainThread();
session.once('Debugger.paused', ({ params }) => {
  session.post('Debugger.evaluateOnCallFrame', {
    callFrameId: params.callFrames[0].callFrameId,
    expression: "globalThis[Symbol.for('workshop.giveUp')]()",
  });
});
let since = performance.now();
let used = process.cpuUsage();
for (let blocked = false; !blocked;) {
  const seen = Atomics.load(beat, 0);
  if (Atomics.wait(beat, 0, seen, blockedMs / 10) !== 'timed-out') {
    since = performance.now();
    used = process.cpuUsage();
  }
  // A loop uses the processor all the time. A thread that waits for its turn on a busy machine
  // does not, so it is given more time.
  const { user, system } = process.cpuUsage(used);
  const silent = performance.now() - since;
  const busy = (user + system) / 1000 > 0.15 * silent;
  blocked = silent > blockedMs && (busy || silent > 6 * blockedMs);
}
session.post('Debugger.enable');
session.post('Debugger.pause');
// What waits inside Node itself cannot be interrupted.
setTimeout(() => {
  writeSync(1, 'Nothing runs any more: your server waits inside one call for ever.\\n');
  process.kill(process.pid, 'SIGKILL');
}, 5000);
`;

/**
 * Watches over this thread. When nothing has run for {@link BLOCKED_MS}, it calls `giveUp` and
 * ends the process with code 1.
 */
export function startWatchdog(giveUp: GiveUp): void {
  Object.defineProperty(globalThis, givingUp, {
    value: () => {
      Error.stackTraceLimit = 50;
      try {
        giveUp(withOriginalLines(new Error('blocked').stack ?? ''));
      } finally {
        // Node would say that it waits for the debugger to disconnect.
        closeSync(2);
        exitForGood(1);
      }
    },
  });
  const beat = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => {
    Atomics.add(beat, 0, 1);
    Atomics.notify(beat, 0);
  }, HEARTBEAT_MS).unref();
  const workerData = { beat, blockedMs: BLOCKED_MS };
  new Worker(thread, { eval: true, workerData, execArgv: [] }).unref();
}

/** Node does not look into source maps while the debugger holds the thread. */
function withOriginalLines(stack: string): string {
  return stack.replaceAll(/(file:\/\/[^\s()]+):(\d+):(\d+)/g, (place, url: string, line, column) => {
    const map = findSourceMap(url) ?? findSourceMap(fileURLToPath(url));
    const entry = map?.findEntry(Number(line) - 1, Number(column) - 1);
    return entry && 'originalLine' in entry ? `${url}:${entry.originalLine + 1}` : place;
  });
}
