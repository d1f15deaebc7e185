// Loaded into the app's process before the app, which knows nothing of it. It is not TypeScript,
// so that it works from the first moment, before tsx.

// The tests put a function of their own in its place, because an app may call it.
const exit = process.exit.bind(process);

// The system closes the channel to the runner however the runner ends. Then the app ends too.
process.once('disconnect', () => exit());
if (process.send && !process.connected) exit();

// Windows has no signals to ask a process to stop: this message stands for one.
process.on('message', (/** @type {{ type?: string, signal: NodeJS.Signals } | null} */ message) => {
  if (message?.type === 'stop' && !process.emit(message.signal, message.signal)) exit();
});

// The channel alone must not keep an app running that has nothing more to do.
process.channel?.unref();
