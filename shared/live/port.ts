import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/**
 * Lets a server listen on 127.0.0.1: on the wanted port, or one of the nine above it, or any.
 * @param taken a port that is somebody else's although nobody listens there yet
 * @returns the port
 */
export async function listenNear(server: Server, wanted: number, taken: number): Promise<number> {
  const near = Array.from({ length: 10 }, (_, index) => wanted + index)
    .filter((port) => port !== taken && port <= 65_535);
  for (const port of [...near, 0]) {
    // The browser may look for localhost at another address first, and find somebody else's server.
    const free = port === 0 || (await canListen(port, '::') && await canListen(port, '::1'));
    if (!free || !await tryListen(server, port, '127.0.0.1')) continue;
    const address = server.address();
    if (address !== null && typeof address === 'object') return address.port;
  }
  throw new Error('no port of 127.0.0.1 is free');
}

/** Whether nobody listens there. A machine without IPv6 has nobody who could. */
export async function canListen(port: number, host: string): Promise<boolean> {
  const server = createServer();
  const error = await listen(server, port, host);
  if (error) return error.code !== 'EADDRINUSE';
  server.close();
  await once(server, 'close');
  return true;
}

async function tryListen(server: Server, port: number, host: string): Promise<boolean> {
  const error = await listen(server, port, host);
  if (!error) return true;
  if (error.code === 'EADDRINUSE' || error.code === 'EACCES') return false;
  throw error;
}

function listen(
  server: Server,
  port: number,
  host: string,
): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const onError = (error: NodeJS.ErrnoException) => {
      server.off('listening', onListening);
      resolve(error);
    };
    const onListening = () => {
      server.off('error', onError);
      resolve(undefined);
    };
    server.once('error', onError).once('listening', onListening).listen(port, host);
  });
}
