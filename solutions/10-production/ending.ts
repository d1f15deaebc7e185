import { once } from 'node:events';
import type { Server } from 'node:http';
import type { MongoClient } from 'mongodb';

/** No answer takes longer. What isn't finished by then, never will be. */
const FIVE_SECONDS_IN_MS = 5000;

/** Lets the process end when it's told to, once all requests under way are answered. */
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
