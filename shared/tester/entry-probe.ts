/*
 * Runs inside the learner's index.ts, before its first line (see entry.ts), and tells the test
 * which port it asks for. The app then gets any free port instead, so that tests can run beside
 * each other and beside the learner's own app; only WORKSHOP_TAKEN_PORT is passed on as it is.
 */
import { Server, type AddressInfo } from 'node:net';

export type ProbeMessage =
  | { type: 'asked'; port: string }
  | { type: 'listening'; port: number };

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
