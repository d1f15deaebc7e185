import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a database that can fall silent, as a cable does that is cut. */
export interface Relay {
  /** The database's address, by this way. */
  readonly url: string;
  /** From now on nothing that is sent arrives. Connections stay open, and can still be made. */
  silence(): void;
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
  const ways = new Set<[from: Socket, to: Socket]>();
  let silent = false;
  const server = createServer((app) => {
    const database = connect(Number(port), host);
    for (const way of [[app, database], [database, app]] as [Socket, Socket][]) {
      const [from, to] = way;
      ways.add(way);
      if (!silent) from.pipe(to);
      from.on('error', () => to.destroy()).on('close', () => {
        to.destroy();
        ways.delete(way);
      });
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: url.replace(target, `127.0.0.1:${(server.address() as AddressInfo).port}`),
    silence() {
      silent = true;
      for (const [from, to] of ways) from.unpipe(to).pause();
    },
    recover() {
      silent = false;
      for (const [from, to] of ways) from.pipe(to);
    },
    async close() {
      server.close();
      for (const [from] of ways) from.destroy();
      await once(server, 'close');
    },
  };
}
