/** The stand-in for MongoDB as an in-process server. */
import type { Socket } from 'node:net';
import { createServer } from 'node:net';

import { version } from './admin.ts';
import { currentDate } from './clock.ts';
import { Storage } from './collection.ts';
import type { ServerState } from './commands.ts';
import { errorReply, runCommand } from './commands.ts';
import { Cursors } from './cursors.ts';
import { TtlMonitor } from './ttl.ts';
import { MessageReader, toRequest } from './wire.ts';
import type { Message } from './wire.ts';

export interface StandIn {
  /** The connection string: `mongodb://127.0.0.1:PORT`. */
  readonly url: string;
  readonly port: number;
  /** The MongoDB version it reports. */
  readonly version: string;
  /** Closes every connection and the server, and drops all data. */
  close(): Promise<void>;
}

/** Lets only programs on this computer connect. */
const host = '127.0.0.1';

/**
 * Starts a server that speaks MongoDB's wire protocol and keeps its data in memory.
 *
 * @param options.port Port on 127.0.0.1; 0 (the default) picks a free one.
 * @param options.ttlMonitorSleepSecs Seconds between passes of the TTL monitor; may be a
 *   fraction. The default is 1, not mongod's 60, so that sessions expire without a long wait.
 */
export async function startStandIn(
  options: { port?: number; ttlMonitorSleepSecs?: number } = {},
): Promise<StandIn> {
  const storage = new Storage();
  const cursors = new Cursors();
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const state: ServerState = {
    storage,
    cursors,
    ttl: new TtlMonitor(storage, cursors, options.ttlMonitorSleepSecs ?? 1),
    stats: { startedAt: currentDate(), current: 0, totalCreated: 0, requests: 0 },
  };
  server.on('connection', (socket) => {
    sockets.add(socket);
    state.stats.current += 1;
    state.stats.totalCreated += 1;
    socket.once('close', () => {
      sockets.delete(socket);
      state.stats.current -= 1;
    });
    serve(socket, state, state.stats.totalCreated);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port ?? 0 : 0;
  let closing: Promise<void> | undefined;
  return {
    url: `mongodb://${host}:${port}`,
    port,
    version,
    close: () => closing ??= new Promise((resolve) => {
      state.ttl.stop();
      server.close(() => { resolve(); });
      for (const socket of sockets) socket.destroy();
    }),
  };
}

/** Answers one client until it leaves or sends invalid bytes. */
function serve(socket: Socket, state: ServerState, connectionId: number): void {
  const reader = new MessageReader();
  socket.on('error', () => { socket.destroy(); }); // the client vanished

  let messages: Iterator<Message, void> = [].values();
  function answerAll(): void {
    try {
      for (let next = messages.next(); next.done !== true; next = messages.next()) {
        const reply = answer(next.value, state, connectionId);
        // Stop until the client has read its replies, so that they don't pile up in memory.
        if (reply !== undefined && !socket.write(reply)) return void socket.pause();
      }
      socket.resume();
    } catch {
      // A FramingError: these bytes aren't a message. Like mongod, hang up, but send the replies
      // to earlier requests first.
      socket.off('data', receive).resume().destroySoon();
    }
  }
  function receive(chunk: Buffer): void {
    messages = reader.push(chunk);
    socket.cork();
    answerAll();
    socket.uncork();
  }
  socket.on('data', receive);
  socket.on('drain', answerAll);
}

function answer(message: Message, state: ServerState, connectionId: number): Buffer | undefined {
  const request = toRequest(message);
  try {
    return request.reply(runCommand(request.read(), state, connectionId));
  } catch (error) {
    return request.reply(errorReply(error)); // the command couldn't be read
  }
}
