/**
 * The stand-in for MongoDB as a process of its own, started by `startServerProcess`. It tells its
 * parent where it listens, and lives until the IPC channel closes. It ignores Ctrl-C, which reaches
 * all processes in a terminal at once: the app still needs to close its connections.
 */
import { startStandIn } from './server.ts';

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
// The parent is gone or no longer wants the stand-in. There's nothing to save.
process.once('disconnect', () => process.exit());

const { url, version } = await startStandIn();
process.send?.({ url, version });
