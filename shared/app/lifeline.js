// Loaded into the app's process before the app, which doesn't know about it. It isn't TypeScript,
// so that it works from the first moment, before tsx loads.
import { Worker } from 'node:worker_threads';

// Captured now: an app may replace process.exit.
const exit = process.exit.bind(process);

// The system closes the IPC channel however our parent ends. Then the app ends too.
process.once('disconnect', end);
if (process.send && !process.connected) end();

// An app stuck in a loop never sees that event. A separate thread checks for itself.
if (process.send) {
  new Worker(`
    const parent = ${process.ppid};
    setInterval(() => {
      try {
        // Windows keeps reporting a dead parent.
        if (process.ppid === parent && process.kill(parent, 0)) return;
      } catch {}
      try { process.kill(-process.pid, 'SIGKILL'); } catch { process.kill(process.pid, 'SIGKILL'); }
    }, 500);
  `, { eval: true, execArgv: [], env: {} }).unref();
}

// Windows has no signal that asks a process to stop: this message takes its place.
process.on('message', (/** @type {{ type?: string, signal: NodeJS.Signals } | null} */ message) => {
  if (message?.type === 'stop' && !process.emit(message.signal, message.signal)) exit();
});

// The channel alone mustn't keep an idle app running.
process.channel?.unref();

function end() {
  // Kill the app's children too.
  process.once('exit', () => {
    try { process.kill(-process.pid, 'SIGKILL'); } catch { /* It isn't a group's leader. */ }
  });
  exit();
}
