import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A relay to a database that can go silent, like a cut cable. */
export interface Relay {
  /** The database's address through the relay. */
  readonly url: string;
  /**
   * Stops delivering data. Connections stay open, and new ones can still be made.
   * @param options `exceptHello`: still deliver `hello`, the driver's health check
   */
  silence(options?: { exceptHello: boolean }): void;
  /** Whether it has ever been. */
  readonly wasSilent: boolean;
  /** Delivers data again, starting with what was sent in the meantime. */
  recover(): void;
  close(): Promise<void>;
}

/** Whether {@link openRelay} works with a database: a server on this machine, without TLS. */
export function canRelay(url: string): boolean {
  return target.test(url) && !/[?&](tls|ssl|replicaSet)=/i.test(url);
}

const target = /(?<=^mongodb:\/\/(?:[^/@]*@)?)(127\.0\.0\.1|localhost):(\d+)(?=[/?]|$)/;

/** Opens a relay in front of a database. */
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
  let wasSilent = false;
  return {
    url: url.replace(target, `127.0.0.1:${(server.address() as AddressInfo).port}`),
    silence({ exceptHello } = { exceptHello: false }) {
      wasSilent = true;
      holds = (data) => !(exceptHello && isAboutHello(data));
    },
    get wasSilent() { return wasSilent; },
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

/** Whether the data is a `hello` request, in its old or new form, or a reply to one. */
function isAboutHello(data: Buffer): boolean {
  return /hello|ismaster|isWritablePrimary/i.test(data.toString('latin1', 0, 200));
}
