import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a database that can fall silent, as a cable does that is cut. */
export interface Relay {
  /** The database's address, by this way. */
  readonly url: string;
  /**
   * From now on nothing that is sent arrives. Connections stay open, and can still be made.
   * @param options `exceptHello`: what the driver asks to know whether the server is well arrives
   */
  silence(options?: { exceptHello: boolean }): void;
  /** From now on everything arrives again, what was sent in the meantime first. */
  recover(): void;
  close(): Promise<void>;
}

/** Whether {@link openRelay} can stand before a database: a server on this machine, without TLS. */
export function canRelay(url: string): boolean {
  return target.test(url) && !/[?&](tls|ssl|replicaSet)=/i.test(url);
}

const target = /(?<=^mongodb:\/\/(?:[^/@]*@)?)(127\.0\.0\.1|localhost):(\d+)(?=[/?]|$)/;

/** Opens a relay before a database. */
export async function openRelay(url: string): Promise<Relay> {
  const [, host = '', port = ''] = target.exec(url) ?? [];
  const ways = new Set<{ from: Socket; to: Socket; held: Buffer[] }>();
  let holds: (data: Buffer) => boolean = () => false;
  const server = createServer((app) => {
    const database = connect(Number(port), host);
    for (const [from, to] of [[app, database], [database, app]] as [Socket, Socket][]) {
      const way = { from, to, held: [] as Buffer[] };
      ways.add(way);
      from.on('data', (data) => {
        if (way.held.length > 0 || holds(data)) way.held.push(data);
        else to.write(data);
      }).on('end', () => to.end()).on('error', () => to.destroy()).on('close', () => {
        to.destroy();
        ways.delete(way);
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: url.replace(target, `127.0.0.1:${(server.address() as AddressInfo).port}`),
    silence({ exceptHello } = { exceptHello: false }) {
      holds = (data) => !(exceptHello && isAboutHello(data));
    },
    recover() {
      holds = () => false;
      for (const { to, held } of ways) for (const data of held.splice(0)) to.write(data);
    },
    async close() {
      server.close();
      for (const { from } of ways) from.destroy();
      await once(server, 'close');
    },
  };
}

/** Whether it's the question `hello`, in its old or its new form, or the answer to it. */
function isAboutHello(data: Buffer): boolean {
  return /hello|ismaster|isWritablePrimary/i.test(data.toString('latin1', 0, 200));
}
