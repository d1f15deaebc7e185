// Loaded into the app's process before the app, which knows nothing of it. It isn't TypeScript, so
// that it works from the first moment, before tsx.
import { Worker } from 'node:worker_threads';

// The tests put a function of their own in its place, because an app may call it.
const exit = process.exit.bind(process);

// The system closes the channel to us however we end. Then the app ends too.
process.once('disconnect', end);
if (process.send && !process.connected) end();

// An app that never leaves a loop never hears of that. A thread beside it looks for itself.
if (process.send) {
  new Worker(`
    const parent = ${process.ppid};
    setInterval(() => {
      try {
        // Windows goes on naming a parent that is dead.
        if (process.ppid === parent && process.kill(parent, 0)) return;
      } catch {}
      try { process.kill(-process.pid, 'SIGKILL'); } catch { process.kill(process.pid, 'SIGKILL'); }
    }, 500);
  `, { eval: true, execArgv: [], env: {} }).unref();
}

// Windows has no signals to ask a process to stop: this message stands for one.
process.on('message', (/** @type {{ type?: string, signal: NodeJS.Signals } | null} */ message) => {
  if (message?.type === 'stop' && !process.emit(message.signal, message.signal)) exit();
});

// The channel alone must not keep an app running that has nothing more to do.
process.channel?.unref();

function end() {
  // What the app has started goes with it.
  process.once('exit', () => {
    try { process.kill(-process.pid, 'SIGKILL'); } catch { /* It isn't a group's leader. */ }
  });
  exit();
}
