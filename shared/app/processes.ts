import { canRelay, openRelay } from '../mongo/relay.ts';
import type { Step } from '../lesson/steps.ts';
import type { App } from './app.ts';
import { cause, type Process } from './outages.ts';
import { findAppPorts } from './port.ts';
import { startProxy, type Protocol } from './proxy.ts';

/** What the processes of a step's app need. */
export interface ProcessOptions {
  /** The port that people open. */
  port: number;
  /** What the proxy says about requests, in the steps that have one. */
  protocol: Protocol;
  /** The address of the app's database, in the steps that have one. */
  mongoUrl: string | undefined;
  /** Creates the app, not yet started, that listens on a port and uses a database. */
  createApp: (port: number, mongoUrl: string | undefined) => App;
}

/**
 * Creates the processes of a step's app: usually one, which listens on the port that people open.
 * In the last steps, a proxy listens there and passes requests on. With two processes, outages can
 * be caused, so there's a relay in front of the database, too.
 */
export async function createProcesses(
  step: Step,
  { port, protocol, mongoUrl, createApp }: ProcessOptions,
): Promise<{ processes: readonly Process[]; close: () => Promise<void> }> {
  const ports = step.behindProxy ? await findAppPorts(port, step.processes) : [port];
  const relay = step.processes && mongoUrl !== undefined && canRelay(mongoUrl)
    ? await openRelay(mongoUrl)
    : undefined;
  const processes = ports.map((port) => ({ port, app: createApp(port, relay?.url ?? mongoUrl) }));
  const served = new Set(ports);
  const causeOutage = step.processes && ((outage: string) => (
    cause(outage, processes, served, relay)
  ));
  try {
    const stopProxy = step.behindProxy && await startProxy(port, served, protocol, causeOutage);
    return {
      processes,
      close: async () => {
        if (stopProxy) await stopProxy();
        await relay?.close();
      },
    };
  } catch (error) {
    await relay?.close();
    throw error;
  }
}
