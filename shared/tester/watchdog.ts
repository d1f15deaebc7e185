/*
 * A loop that never ends blocks the whole process: no timer runs, no test can fail, and Ctrl-C is
 * all that is left. Another thread notices that this one shows no sign of life, and makes it
 * tell, in the middle of the loop, which line it's at.
 */
import { findSourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Lesson } from './lesson.ts';
import { currentRun } from './run.ts';

const HEARTBEAT_MS = 250;

/**
 * How much of the processor's time a loop may take, in milliseconds. A busy machine is slow to give
 * it, but neither the learner's code nor the loading of packages ever needs that much at once.
 */
const LOOP_MS = 2500;

/** How many heartbeats without a reply mean that something waits, if it uses no processor time. */
const WAITING_BEATS = 12;

/** How long it may take to interrupt it, in milliseconds. */
const GIVE_UP_MS = 5000;

// The app is given another one.
const kill = process.kill.bind(process);

const blocked = Symbol.for('workshop.blocked');

/*
 * The thread is plain JavaScript in a string: a module would be read through tsx, which takes
 * longer than all else here. The debugger is how a thread can interrupt another one.
 */
const thread = `
const { workerData: beat } = require('node:worker_threads');
const { spawnSync } = require('node:child_process');
const { writeSync } = require('node:fs');
const { Session } = require('node:inspector');
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
let used = cpuMs();
let beatsInVain = 0;
for (let blocked = false; !blocked;) {
  if (Atomics.wait(beat, 0, Atomics.load(beat, 0), ${HEARTBEAT_MS}) === 'timed-out') beatsInVain++;
  else [used, beatsInVain] = [cpuMs(), 0];
  const busy = cpuMs() - used;
  const waits = beatsInVain > ${WAITING_BEATS} && busy < 0.05 * beatsInVain * ${HEARTBEAT_MS};
  blocked = busy > ${LOOP_MS} || waits;
}
// It may wait for a process that it has started. All that it has started are in its group.
const { stdout } = spawnSync('pgrep', ['-g', String(process.pid)], { encoding: 'utf8' });
for (const pid of stdout?.split('\\n').map(Number) ?? []) {
  try {
    if (pid > 0 && pid !== process.pid) process.kill(pid, 'SIGKILL');
  } catch {}
}
const session = new Session();
session.connectToMainThread();
session.once('Debugger.paused', ({ params: { callFrames: [{ callFrameId }] } }) => {
  giveUp.refresh();
  const expression = "globalThis[Symbol.for('workshop.blocked')]()";
  session.post('Debugger.evaluateOnCallFrame', { callFrameId, expression }, () => {
    // It has returned, so it hasn't worked: in the midst of Node's own code there are no globals.
    session.post('Runtime.evaluate', { expression });
  });
});
session.post('Debugger.enable');
session.post('Debugger.pause');
const giveUp = setTimeout(() => {
  writeSync(2, 'Nothing runs any more: your server waits inside one call forever.\\n');
  process.kill(process.pid, 'SIGKILL');
}, ${GIVE_UP_MS});
`;

/**
 * Watches over this thread. When it's blocked, calls `tell` on it, with a lesson that names the
 * line, and ends the process.
 */
export function startWatchdog(tell: (lesson: Lesson) => void): void {
  if (blocked in globalThis) return;
  Object.defineProperty(globalThis, blocked, {
    value: () => {
      Error.stackTraceLimit = 50;
      try {
        tell(blockedLesson(withOriginalLines(new Error('blocked').stack ?? '')));
      } finally {
        kill(process.pid, 'SIGKILL');
      }
    },
  });
  const beat = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => {
    Atomics.add(beat, 0, 1);
    Atomics.notify(beat, 0);
  }, HEARTBEAT_MS / 2).unref();
  new Worker(thread, { eval: true, workerData: beat, execArgv: [] }).unref();
}

function blockedLesson(stack: string): Lesson {
  return new Lesson({
    observed: `${currentRun().request ?? 'app.ts'} kept your server busy: nothing else has run for `
      + 'a long time.',
    why: 'JavaScript does one thing at a time. A loop that never ends, or a call that waits, holds '
      + 'up the whole process, for every visitor, and the tests with it: they stop here.',
    lookAt: "app.ts: which loop or call doesn't come to its end?",
  }, stack);
}

/** Node doesn't look into source maps while the debugger holds the thread. */
function withOriginalLines(stack: string): string {
  return stack.replaceAll(/(file:\/\/[^\s()]+):(\d+):(\d+)/g, (place, url: string, line, column) => {
    const map = findSourceMap(url) ?? findSourceMap(fileURLToPath(url));
    const entry = map?.findEntry(Number(line) - 1, Number(column) - 1);
    return entry && 'originalLine' in entry ? `${url}:${entry.originalLine + 1}` : place;
  });
}
