import { createServer, request, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream';

/** How a request reached the proxy. */
export type Protocol = 'https' | 'http';

/**
 * Starts a proxy in front of the app. On the web it would terminate HTTPS; this one needs no
 * certificate, because browsers treat plain HTTP to localhost as secure.
 * @param port the port to listen on, on this machine only
 * @param appPorts the ports where the app's processes currently listen; they take turns
 * @param cause causes the outage named by a request's X-Outage header, and says what happened
 * @returns a function that stops the proxy
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
 * Handles a request as a proxy: passes it on to the app, with headers that say how it arrived.
 * @param protocol the value of X-Forwarded-Proto, whatever the browser has sent
 */
export function passOn(appPorts: ReadonlySet<number>, protocol: Protocol): RequestListener {
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
          // The app may restart at any time.
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

/** Connects to the first process that listens. @throws {Error} if none does */
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
