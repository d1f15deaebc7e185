import { once } from 'node:events';
import type { Server } from 'node:http';
import type { MongoClient } from 'mongodb';

/** How long the requests in progress may take. */
const FIVE_SECONDS_IN_MS = 5000;

/** Lets the process end when it's told to, once all requests in progress are answered. */
export function endGently(server: Server, client: MongoClient): void {
  process.once('SIGTERM', () => void end());
  process.once('SIGINT', () => void end());

  async function end() {
    // Connections that are kept alive may bring one more request each.
    server.prependListener('request', (req, res) => res.setHeader('Connection', 'close'));
    server.close();
    const deadline = setTimeout(() => { server.closeAllConnections(); }, FIVE_SECONDS_IN_MS);
    await once(server, 'close');
    clearTimeout(deadline);
    // Nothing keeps the process running any more.
    await client.close();
  }
}
