import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ownGroup } from '../terminal/process-group.ts';

/** A database server we started. */
export interface RunningServer {
  url: string;
  version: string;
  /** The path of the program, if it's a mongod. */
  path?: string;
  close: () => Promise<void>;
}

/** How long the server's process may be silent in each phase, in milliseconds. */
const usualLimits = {
  loading: 15_000, asking: 3000, downloading: 20_000, unpacking: 120_000, starting: 15_000,
};
type Phase = keyof typeof usualLimits;
const isPhase = (name = ''): name is Phase => name in usualLimits;

/** How often to tell people that we're still waiting, in milliseconds. */
const SIGN_MS = 2500;

export interface ServerOptions {
  args?: string[];
  env: NodeJS.ProcessEnv;
  /** Receives lines for people: while they wait, and if the server ends on its own. */
  say: (line: string) => void;
  limits?: Partial<typeof usualLimits> | undefined;
}

/** A server that couldn't be started; the message is the end of a sentence. */
export class ServerFailure extends Error {
  override name = 'ServerFailure';

  /** @param code the system's or the library's name for the error, or `silence` */
  constructor(readonly phase: Phase, message: string, readonly code = '') {
    super(message);
  }
}

/**
 * Starts a module that runs a database server, as a child process that ends with us. The module
 * sends `{ phase, line }` when it enters a phase or makes progress in it, and `{ url, version }`
 * once it listens, or `{ code, message }` on failure. It ends when its IPC channel disconnects:
 * the system closes the channel even if we're killed.
 *
 * @throws {ServerFailure} when the server can't be started, or its process is silent for too long
 */
export async function startServerProcess(
  module: URL,
  { args = [], env, say, limits }: ServerOptions,
): Promise<RunningServer> {
  const file = fileURLToPath(module);
  const loader = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const child = spawn(process.execPath, [...loader, file, ...args], {
    env,
    // Lets Node resolve tsx from here, wherever the command was typed.
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    // Ctrl-C ends the app first, then the database.
    ...ownGroup(),
  });
  const end = async () => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill('SIGKILL'), 12_000);
    await exited;
    clearTimeout(timer);
  };

  const patience = { ...usualLimits, ...limits };
  let phase: Phase = 'loading';
  let [doing, heard, signs] = ['Starting MongoDB', performance.now(), 1];
  let watch: NodeJS.Timeout | undefined;
  try {
    const server = await new Promise<Omit<RunningServer, 'close'>>((resolve, reject) => {
      const fail = (code: string, message: string) => {
        reject(new ServerFailure(phase, message, code));
      };
      watch = setInterval(() => {
        const silentMs = performance.now() - heard;
        if (silentMs > patience[phase]) {
          fail('silence', `the server was silent for ${patience[phase] / 1000} s`);
        } else if (silentMs > SIGN_MS * signs) {
          signs++;
          say(`${doing} … (${Math.round(silentMs / 1000)} s)`);
        }
      }, 100);
      child.once('error', ({ name, message }) => {
        fail(name, message);
      });
      child.once('exit', (code, signal) => {
        fail('exit', `it ended at once (${signal ?? `exit code ${code ?? 'unknown'}`})`);
      });
      child.on('message', (message) => {
        const parts: Partial<Record<string, string>> = Object.fromEntries(
          Object.entries(message).map(([name, part]) => [name, String(part)]),
        );
        const { phase: next, line, url, version, path, code, message: why } = parts;
        if (isPhase(next) && line !== undefined) {
          [phase, doing, heard, signs] = [next, line, performance.now(), 1];
          say(`${line} …`);
        }
        if (code !== undefined && why !== undefined) fail(code, why);
        if (url === undefined || version === undefined) return;
        resolve({ url, version, ...path !== undefined && { path } });
      });
    });
    const onEnd = () => {
      say('The MongoDB server has ended unexpectedly. Stop with Ctrl-C and start the command '
        + 'again.');
    };
    child.removeAllListeners('exit').once('exit', onEnd);
    // The database alone mustn't keep a command or a test running.
    child.unref();
    child.channel?.unref();
    const close = () => {
      child.off('exit', onEnd).ref();
      return end();
    };
    return { ...server, close };
  } catch (error) {
    await end();
    throw error;
  } finally {
    clearInterval(watch);
  }
}
