/*
 * Runs inside the learner's index.ts, before its first line (see entry.ts), and tells the test
 * which port it asks for. The app then gets any free port instead, so that tests can run beside
 * each other and beside the learner's own app; only WORKSHOP_TAKEN_PORT is passed on as it is.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { Server, type AddressInfo } from 'node:net';
import { BEAT_MS } from './patience.ts';

export type ProbeMessage =
  /** Its packages are loaded, and the first line of index.ts is next. */
  | { type: 'started' }
  | { type: 'asked'; port: string }
  | { type: 'listening'; port: number }
  /** The process has been idle for another {@link BEAT_MS}. */
  | { type: 'beat' };

// The app must not have the channel: it would be as if there were none.
const send = process.send?.bind(process);
process.on('disconnect', () => process.exit());
process.channel?.unref();
Object.assign(process, { send: undefined, disconnect: undefined });
tell({ type: 'started' });
setInterval(tell, BEAT_MS, { type: 'beat' }).unref();

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the right `this` below
const { listen } = Server.prototype;

Server.prototype.listen = function (this: Server, ...args: unknown[]) {
  const [first] = args;
  const port = typeof first === 'object' && first !== null && 'port' in first ? first.port : first;
  // Node itself refuses a number that is no port; a text would become a socket file.
  const isPort = Number.isInteger(port) && Number(port) >= 0 && Number(port) < 65_536;
  if (typeof port === 'number' && !isPort) {
    return listen.apply(this, args as Parameters<typeof listen>);
  }
  tell({ type: 'asked', port: String(port) });
  this.once('listening', () => {
    tell({ type: 'listening', port: (this.address() as AddressInfo).port });
  });
  const taken = String(port) === process.env.WORKSHOP_TAKEN_PORT;
  const callback = args.find((argument) => typeof argument === 'function');
  if (callback) this.once('listening', callback as () => void);
  return listen.call(this, { port: taken ? Number(port) : 0, host: hostAmong(args) });
};

// The proxy says how a request came, where there is one.
const { WORKSHOP_PROXY } = process.env;
if (WORKSHOP_PROXY) {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage };
    request.headers['x-forwarded-proto'] ??= WORKSHOP_PROXY;
  });
}

// What is set and what is not is for the test to say, and not for a .env file.
process.loadEnvFile = () => undefined;

function tell(message: ProbeMessage): void {
  if (process.connected) send?.(message);
}

/** The address on which to listen: listen(port, host, …) or listen({ port, host }, …). */
function hostAmong([first, second]: unknown[]): string | undefined {
  const host = typeof first === 'object' && first !== null && 'host' in first ? first.host : second;
  return typeof host === 'string' ? host : undefined;
}
