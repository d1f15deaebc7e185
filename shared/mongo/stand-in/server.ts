/** The stand-in for MongoDB as an in-process server. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';

import type { RunningServer } from '../server-process.ts';
import { version } from './admin.ts';
import { RealDate } from './clock.ts';
import { Storage } from './collection.ts';
import type { ServerState } from './commands.ts';
import { errorReply, runCommand } from './commands.ts';
import { Cursors } from './cursors.ts';
import { TtlMonitor } from './ttl.ts';
import { MessageReader, toRequest } from './wire.ts';

/** Lets only programs on this computer connect. */
const host = '127.0.0.1';

/**
 * Starts a server that speaks MongoDB's wire protocol and keeps its data in memory. `close` drops
 * all data.
 */
export async function startStandIn(): Promise<RunningServer> {
  const storage = new Storage();
  const cursors = new Cursors();
  const sockets = new Set<Socket>();
  const ttl = new TtlMonitor(storage, cursors);
  const state: ServerState = { storage, cursors, ttl, sockets, startedAt: new RealDate() };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    serve(socket, state);
  }).listen(0, host);
  await once(server, 'listening');
  return {
    url: `mongodb://${host}:${(server.address() as AddressInfo).port}`,
    version,
    async close() {
      ttl.stop();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Answers one client until it leaves or sends invalid bytes. */
function serve(socket: Socket, state: ServerState): void {
  const reader = new MessageReader();
  socket.on('error', () => { socket.destroy(); }); // the client vanished

  let messages: Iterator<Buffer, void> = [].values();
  function answerAll(): void {
    try {
      for (let next = messages.next(); next.done !== true; next = messages.next()) {
        const reply = answer(next.value, state);
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

function answer(message: Buffer, state: ServerState): Buffer | undefined {
  const request = toRequest(message);
  try {
    return request.reply(runCommand(request.read(), state));
  } catch (error) {
    return request.reply(errorReply(error));
  }
}
