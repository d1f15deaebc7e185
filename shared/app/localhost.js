// Loaded into the app's process before the app, which knows nothing of it: a server that names no
// host would listen on all of them. Firewalls ask about that, and everyone on the same Wi-Fi could
// reach the app. So here it listens on this machine alone.
import { Server } from 'node:net';

const { listen } = Server.prototype;

/**
 * @this {Server}
 * @param {any} first
 * @param {any[]} more
 */
Server.prototype.listen = function (first, ...more) {
  const isPort = /^\d+$/.test(String(first));
  if (isPort && typeof more[0] !== 'string') more.unshift('127.0.0.1');
  else if (first?.port !== undefined) first = { host: '127.0.0.1', ...first };
  return listen.call(this, first, ...more);
};
