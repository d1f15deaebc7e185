import type { Server } from 'node:http';
import type { MongoClient } from 'mongodb';

// TODO Move 3: on SIGTERM and on SIGINT, take no new connections, let the requests in progress
// finish, and close the connections that are left after five seconds. Then close the client.

/** Lets the process end when it's told to, once all requests in progress are answered. */
export function endGently(server: Server, client: MongoClient): void {
}
