/*
 * The outages of step 10. The attack requests one from the proxy with a header; it hits the app's
 * processes or their database.
 */
import { setTimeout } from 'node:timers/promises';
import type { App } from './app.ts';
import { accepts } from './port.ts';

export const outages = ['silence', 'deploy', 'kill'] as const;

/** How long the database is silent, in milliseconds. */
const SILENCE_MS = 7000;

/** How long a process may take to end during a deploy, in milliseconds. */
const GRACE_MS = 10_000;

/** How long a process may take to answer GET /health, in milliseconds. */
const HEALTH_MS = 5000;

/** How long before a killed process is replaced, in milliseconds. */
const KILLED_MS = 2000;

/** A process of the app, and the port it listens on. */
export interface Process {
  app: App;
  port: number;
}

/**
 * Causes an outage. Resolves when it's over, with a sentence about what happened.
 * @param outage one of {@link outages}
 * @param served the ports to which the proxy passes requests
 * @param relay the relay to the database, if there is one
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
    return `The database was silent for ${SILENCE_MS / 1000} s, and it's back.`;
  }
  if (outage === 'deploy') {
    for (const { app, port } of processes) {
      // As a load balancer does: first stop new requests, then send SIGTERM. Once this request is
      // answered, all earlier ones have reached the app.
      served.delete(port);
      const signal = AbortSignal.timeout(HEALTH_MS);
      await fetch(`http://127.0.0.1:${port}/health`, { signal }).catch(() => undefined);
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

/** Waits until a process listens. @throws {Error} if it doesn't within 20 s */
export async function untilListening(port: number): Promise<void> {
  const signal = AbortSignal.timeout(20_000);
  for (;;) {
    if (await accepts(port)) return;
    signal.throwIfAborted();
    await setTimeout(50);
  }
}
