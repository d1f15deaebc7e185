import { createServer, request, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { pipeline } from 'node:stream';

/** How a request came to the proxy. */
export type Protocol = 'https' | 'http';

/**
 * Starts a proxy in front of the app. On the web it would end HTTPS; this one needs no certificate,
 * because browsers treat plain HTTP to localhost as secure.
 * @param port where it listens, on this machine only
 * @param appPort where the app listens
 * @returns a function that ends it
 * @throws {Error} when the port can't be used
 */
export async function startProxy(
  port: number,
  appPort: number,
  protocol: Protocol = 'https',
): Promise<() => Promise<void>> {
  const server = createServer(passOn(appPort, protocol)).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
}

/**
 * What a proxy does with a request: it passes it on to the app, and says how it came.
 * @param protocol what X-Forwarded-Proto says then, whatever the browser has sent there
 */
export function passOn(appPort: number, protocol: Protocol): RequestListener {
  return (incoming, outgoing) => {
    const { method, url, headers, socket } = incoming;
    const onward = request({
      host: '127.0.0.1',
      port: appPort,
      method,
      path: url,
      headers: {
        ...headers,
        // The app may be restarted at any time.
        connection: 'close',
        'x-forwarded-proto': protocol,
        'x-forwarded-for': socket.remoteAddress,
      },
      agent: false,
    }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      pipeline(answer, outgoing, () => undefined);
    });
    incoming.pipe(onward).on('error', () => {
      if (outgoing.headersSent) return;
      outgoing.writeHead(502, { 'Content-Type': 'text/plain' })
        .end(`The app doesn't answer on port ${appPort}. Is it running?\n`);
    });
    outgoing.once('close', () => onward.destroy());
  };
}
