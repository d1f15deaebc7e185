import { createServer, request, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** How a request came to the proxy. */
export type Protocol = 'https' | 'http';

/**
 * Starts a proxy in front of the app. On the web it would end HTTPS; this one needs no certificate,
 * because browsers treat plain HTTP to localhost as secure.
 * @param port where it listens, on this machine only
 * @param appPorts where the app's processes listen now; they take turns
 * @param cause causes the outage that a request's header X-Outage names, and tells what happened
 * @returns a function that ends it
 * @throws {Error} when the port can't be used
 */
export async function startProxy(
  port: number,
  appPorts: ReadonlySet<number>,
  protocol: Protocol = 'https',
  cause?: (outage: string) => Promise<string>,
): Promise<() => Promise<void>> {
  const pass = passOn(appPorts, protocol);
  const server = createServer((incoming, outgoing) => {
    const outage = incoming.headers['x-outage'];
    if (cause && typeof outage === 'string') {
      void cause(outage).then((story) => outgoing.end(story), () => outgoing.destroy());
    } else {
      pass(incoming, outgoing);
    }
  }).listen(port, '127.0.0.1');
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
export function passOn(
  appPorts: ReadonlySet<number>,
  protocol: Protocol,
): RequestListener {
  let turn = 0;
  return (incoming, outgoing) => {
    const { method, url, headers, socket } = incoming;
    const all = [...appPorts];
    const first = turn++ % all.length;
    const ports = [...all.slice(first), ...all.slice(0, first)];
    const refuse = () => {
      if (outgoing.headersSent) return void outgoing.destroy();
      outgoing.writeHead(502, { 'Content-Type': 'text/plain' })
        .end(`The app doesn't answer on port ${all.join(' or ')}. Is it running?\n`);
    };
    void connectToFirst(ports).then((connection) => {
      const onward = request({
        createConnection: () => connection,
        method,
        path: url,
        headers: {
          ...headers,
          // The app may be restarted at any time.
          connection: 'close',
          'x-forwarded-proto': protocol,
          'x-forwarded-for': socket.remoteAddress,
        },
      }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        pipeline(answer, outgoing, () => undefined);
      });
      incoming.pipe(onward).on('error', refuse);
      outgoing.once('close', () => onward.destroy());
    }, refuse);
  };
}

/** Connects to the first process that listens. @throws {Error} when none does */
async function connectToFirst([port, ...others]: readonly number[]): Promise<Socket> {
  const connection = connect(port ?? 0, '127.0.0.1');
  try {
    await once(connection, 'connect');
    return connection;
  } catch (error) {
    if (others.length === 0) throw error;
    return connectToFirst(others);
  }
}
