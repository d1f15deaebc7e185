/*
 * The outages of step 10. Its attack asks the proxy for one, with a header, which then happens to
 * the app's processes or to their database.
 */
import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { App } from './app.ts';

export const outages = ['silence', 'deploy', 'kill'] as const;

/** How long the database is silent, in milliseconds. */
const SILENCE_MS = 7000;

/** How long a process may take to end when another version takes its place, in milliseconds. */
const GRACE_MS = 10_000;

/** How long it takes until the place of a killed process is filled, in milliseconds. */
const KILLED_MS = 2000;

/** A process of the app, and the port it listens on. */
export interface Process {
  app: App;
  port: number;
}

/**
 * Causes an outage. Resolves when it's over, with what happened, in a sentence.
 * @param outage one of {@link outages}
 * @param served the ports that the proxy passes requests on to
 * @param relay the way to the database, if it's one that can fall silent
 */
export async function cause(
  outage: string,
  processes: readonly Process[],
  served: Set<number>,
  relay?: { silence: () => void; recover: () => void },
): Promise<string> {
  if (outage === 'silence') {
    if (!relay) {
      return 'The database is one of your own: silence it where it runs. With Docker, that is '
        + 'docker compose pause, and later docker compose unpause.';
    }
    relay.silence();
    await setTimeout(SILENCE_MS);
    relay.recover();
    return `The database was silent for ${SILENCE_MS / 1000} s, and is back.`;
  }
  if (outage === 'deploy') {
    for (const { app, port } of processes) {
      // As a load balancer does it: first no new requests, then SIGTERM. Once one more is answered,
      // no earlier one is left outside the door.
      served.delete(port);
      await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
      await app.stop('SIGTERM', GRACE_MS);
      await app.start();
      await untilListening(port);
      served.add(port);
    }
    return 'Both processes got SIGTERM and were replaced, one after the other.';
  }
  const [first] = processes;
  first?.app.kill();
  await setTimeout(KILLED_MS);
  await first?.app.start();
  return `One of two processes was killed, and replaced after ${KILLED_MS / 1000} s.`;
}

/** Waits until a process listens. @throws {Error} when it doesn't within 20 s */
export async function untilListening(port: number): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const listens = await once(socket, 'connect').then(() => true, () => false);
    socket.destroy();
    if (listens) return;
    signal.throwIfAborted();
    await setTimeout(50);
  }
}
