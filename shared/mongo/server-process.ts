import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A database server of ours. */
export interface RunningServer {
  url: string;
  version: string;
  close: () => Promise<void>;
}

/**
 * Starts a module that runs a database server, as a process of its own that ends with us. The
 * module sends `{ type: 'listening', url, version }` once it listens (or
 * `{ type: 'failed', message }`), and ends when its IPC channel disconnects: the system closes the
 * channel even when we are killed.
 *
 * @param onEnd called when the server ends although nobody closed it
 * @throws {Error} when the server cannot be started, or does not listen within 15 s
 */
export async function startServerProcess(
  module: URL,
  env: NodeJS.ProcessEnv,
  onEnd: () => void,
): Promise<RunningServer> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(module)], {
    env,
    // tsx is found from here, wherever the command was typed.
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // A process group of its own: the Ctrl-C of a terminal ends the app first, then the database.
    // Not on Windows, where a detached process outlives its parent.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  const { url, version } = await listening(child);
  child.once('exit', onEnd);
  // The database alone keeps no command and no test running.
  child.unref();
  child.channel?.unref();
  return {
    url,
    version,
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.off('exit', onEnd);
      child.ref();
      const exited = once(child, 'exit');
      if (child.connected) child.disconnect();
      const timer = setTimeout(() => child.kill('SIGKILL'), 12_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

async function listening(child: ChildProcess): Promise<{ url: string; version: string }> {
  const startMs = 15_000;
  return new Promise((resolve, reject) => {
    const fail = (message: string) => {
      clearTimeout(timer);
      if (child.connected) child.disconnect();
      reject(new Error(message));
    };
    const timer = setTimeout(() => {
      fail(`it did not listen within ${startMs / 1000} s`);
    }, startMs);
    child.on('error', (error) => {
      fail(error.message);
    });
    child.once('exit', (code, signal) => {
      fail(`it ended at once (${signal ?? `exit code ${code ?? 'unknown'}`})`);
    });
    child.on('message', (message) => {
      if (!(message instanceof Object) || !('type' in message)) return;
      if (message.type === 'failed' && 'message' in message) fail(String(message.message));
      if (message.type !== 'listening' || !('url' in message)) return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      const version = 'version' in message ? String(message.version) : '';
      resolve({ url: String(message.url), version });
    });
  });
}
