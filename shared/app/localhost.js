// Loaded into the app's process before the app, which doesn't know about it. A server that names
// no host would listen on every interface: firewalls would ask, and everyone on the same Wi-Fi
// could reach the app. So it listens on this machine only.
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
  else if (first?.port !== undefined) first = { ...first, host: first.host ?? '127.0.0.1' };
  return listen.call(this, first, ...more);
};
