/*
 * Runs inside the learner's index.ts, before its first line (see entry.ts), and tells the test
 * which port it asks for. The app then gets any free port instead, so that tests can run beside
 * each other and beside the learner's own app.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { Server, type AddressInfo } from 'node:net';
import timers from 'node:timers';
import { BEAT_MS } from './patience.ts';

export type ProbeMessage =
  /** Its packages are loaded, and the first line of index.ts is next. */
  | { type: 'started' }
  | { type: 'asked'; port: string }
  | { type: 'listening'; port: number; address: string }
  /** The process has been idle for another {@link BEAT_MS}. */
  | { type: 'beat' };

/** What the environment of the process may ask of the probe. */
export interface ProbeEnv {
  /** The code of the error with which listen() fails on the first port, such as EACCES. */
  WORKSHOP_LISTEN_ERROR?: string;
  /** How long a timer may run at most, in milliseconds, so that no test waits for a timeout. */
  WORKSHOP_LONGEST_TIMER?: string;
}

// The app must not find the channel: outside the tests there is none.
const send = process.send?.bind(process);
process.on('disconnect', () => process.exit());
// Windows has no signals to ask a process to end: this message stands for one.
process.on('message', ({ signal }: { signal: NodeJS.Signals }) => {
  if (!process.emit(signal, signal)) process.exit(1);
});
process.channel?.unref();
Object.assign(process, { send: undefined });
tell({ type: 'started' });
setInterval(tell, BEAT_MS, { type: 'beat' }).unref();

const env: ProbeEnv = process.env;
const taken = new Set<number>();
/** The first port that the app asked for, which WORKSHOP_LISTEN_ERROR refuses. */
let refused: unknown;

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the right `this` below
const { listen } = Server.prototype;

Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const { port, host } = optionsAmong(args);
  // Node itself refuses a number that is no port; a text would become a socket file.
  const isPort = Number.isInteger(port) && Number(port) >= 0 && Number(port) < 65_536;
  if (typeof port === 'number' && !isPort) {
    return listen.apply(this, args as Parameters<typeof listen>);
  }
  tell({ type: 'asked', port: typeof port === 'function' ? 'a function' : String(port) });
  refused ??= port;
  const code = taken.has(Number(port))
    ? 'EADDRINUSE'
    : (port === refused ? env.WORKSHOP_LISTEN_ERROR : undefined);
  if (code !== undefined) {
    const error = new Error(`listen ${code}: ${reasons[code] ?? 'failed'} :::${String(port)}`);
    // Later than a server that's about to listen.
    setImmediate(() => this.emit('error', Object.assign(error, { code, port })));
    return this;
  }
  if (Number(port) > 0) taken.add(Number(port));
  this.once('listening', () => {
    const { port, address } = this.address() as AddressInfo;
    tell({ type: 'listening', port, address });
  });
  const callback = args.find((argument) => typeof argument === 'function');
  if (callback) this.once('listening', callback as () => void);
  // On all of this machine's addresses, a firewall would ask.
  return listen.call(this, { port: 0, host: typeof host === 'string' ? host : '127.0.0.1' });
};

// The proxy says how a request came, where there is one.
const { WORKSHOP_PROXY } = process.env;
if (WORKSHOP_PROXY) {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage };
    request.headers['x-forwarded-proto'] ??= WORKSHOP_PROXY;
  });
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'address already in use',
  EACCES: 'permission denied',
};

// The driver looks for a MongoDB for half a minute, or for as long as it's told to.
const { setTimeout } = timers;
const longest = Number(env.WORKSHOP_LONGEST_TIMER ?? Infinity);
globalThis.setTimeout = timers.setTimeout = Object.assign(
  (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => (
    setTimeout(run, Math.min(ms ?? 0, longest), ...args)
  ),
  setTimeout,
);

// The test decides what's set, and not a .env file.
process.loadEnvFile = () => undefined;

function tell(message: ProbeMessage): void {
  if (process.connected) send?.(message);
}

/** Where to listen: listen(port, host, …) or listen({ port, host }, …). */
function optionsAmong([first, second]: unknown[]): { port?: unknown; host?: unknown } {
  return first instanceof Object && 'port' in first ? first : { port: first, host: second };
}
