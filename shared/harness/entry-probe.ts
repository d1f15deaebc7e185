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
  tell({ type: 'asked', port: String(port) });
  this.once('listening', () => {
    tell({ type: 'listening', port: (this.address() as AddressInfo).port });
  });
  const taken = String(port) === process.env.WORKSHOP_TAKEN_PORT;
  const callback = args.find((argument) => typeof argument === 'function');
  if (callback) this.once('listening', callback as () => void);
  return listen.call(this, taken ? Number(port) : 0);
};

process.on('message', (message) => {
  // Windows has no signals: there the test asks for one by message.
  if (message === 'SIGTERM') process.emit('SIGTERM');
});
process.on('disconnect', () => process.exit());
process.channel?.unref();

function tell(message: ProbeMessage): void {
  process.send?.(message);
}
