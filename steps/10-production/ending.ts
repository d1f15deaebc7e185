import type { Server } from 'node:http';
import type { MongoClient } from 'mongodb';

// TODO Move 3: at SIGTERM and at SIGINT, take no new connections, let the requests under way be
// answered, and close the connections that are left after five seconds. Then close the client.

/** Lets the process end when it's told to, once all requests under way are answered. */
export function endGently(server: Server, client: MongoClient): void {
}
