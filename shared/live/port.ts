import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

/**
 * Lets a server listen on 127.0.0.1: on the wanted port, or one of the nine above it, or any.
 * @param taken a port that belongs to someone else although nobody listens there yet
 * @returns the port
 * @throws {Error} when no port can be had
 */
export async function listenNear(server: Server, wanted: number, taken: number): Promise<number> {
  const near = Array.from({ length: 10 }, (_, index) => wanted + index)
    .filter((port) => port !== taken && port <= 65_535);
  for (const port of near) {
    // A browser may look for localhost at another address first, and find another server.
    const isFree = await canListen(port, '::') && await canListen(port, '::1');
    if (isFree && !await listen(server, port, '127.0.0.1')) return port;
  }
  const error = await listen(server, 0, '127.0.0.1');
  if (error) throw error;
  return (server.address() as AddressInfo).port;
}

/** Whether nobody listens there. On a machine without IPv6, nobody could. */
export async function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer();
  const error = await listen(server, port, host);
  if (error) return error.code !== 'EADDRINUSE';
  server.close();
  await once(server, 'close');
  return true;
}

/** Tries to listen. @returns what stood in the way, if anything did */
function listen(
  server: Server,
  port: number,
  host: string,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const settle = (error?: NodeJS.ErrnoException) => {
      server.off('error', settle).off('listening', settle);
      resolve(error);
    };
    server.once('error', settle).once('listening', settle).listen(port, host);
  });
}
