/*
 * Runs inside the learner's index.ts, before its first line (see entry.ts), and tells the test
 * which port it asks for. The app then gets any free port instead, so that tests can run beside
 * each other and beside the learner's own app; only WORKSHOP_TAKEN_PORT is passed on as it is.
 */
import { Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Server, type AddressInfo } from 'node:net';
import { HeldAnswer, holdHeader } from './held-answer.ts';

export type ProbeMessage =
  | { type: 'asked'; port: string }
  | { type: 'listening'; port: number }
  /** The signals that something listens to, and whether one function does so to both. */
  | { type: 'signals'; names: string[]; alike: boolean }
  /** The request that is held up has its answer. */
  | { type: 'ready' }
  /** A signal has come, and what listens to it has had its time. */
  | { type: 'signalled' };

/** What is closed too early has to have the time to close, in milliseconds. */
const CLOSING_MS = 50;

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

const held = new HeldAnswer();
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the right `this` below
const { emit } = HttpServer.prototype;
HttpServer.prototype.emit = function (this: HttpServer, event: string, ...args: unknown[]) {
  const [req, res] = args as [IncomingMessage, ServerResponse];
  if (event === 'request' && holdHeader in req.headers) {
    held.hold(res);
    void held.ready.then(() => { tell({ type: 'ready' }); });
  }
  return Reflect.apply(emit, this, [event, ...args]) as boolean;
};

process.on('message', (message) => {
  if (message === 'release') held.release();
  // Windows has no signals: there the test asks for one by message.
  if (message === 'SIGINT' || message === 'SIGTERM') process.emit(message);
  if (message === 'signals') {
    const [[onInt], [onTerm]] = [process.listeners('SIGINT'), process.listeners('SIGTERM')];
    const names = [...onInt ? ['SIGINT'] : [], ...onTerm ? ['SIGTERM'] : []];
    tell({ type: 'signals', names, alike: onInt === onTerm });
    for (const name of names) {
      process.once(name, () => {
        setTimeout(() => { tell({ type: 'signalled' }); }, CLOSING_MS).unref();
      });
    }
  }
});
// What is set and what is not is for the test to say, and not for a .env file.
process.loadEnvFile = () => undefined;
process.on('disconnect', () => process.exit());
process.channel?.unref();

function tell(message: ProbeMessage): void {
  if (process.connected) process.send?.(message);
}

/** The address on which to listen: listen(port, host, …) or listen({ port, host }, …). */
function hostAmong([first, second]: unknown[]): string | undefined {
  const host = typeof first === 'object' && first !== null && 'host' in first ? first.host : second;
  return typeof host === 'string' ? host : undefined;
}
