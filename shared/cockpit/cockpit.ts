import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { ReadStream, WriteStream } from 'node:tty';
import { untilEnd, type Ending } from '../app/ending.ts';
import { findPort } from '../app/port.ts';
import { loadEnvFile } from '../app/settings.ts';
import { root, type Kind, type Step } from '../lesson/steps.ts';
import { runStep, type Session } from './step-run.ts';
import { plainView, screenView } from './view.ts';

/** How to run a step. */
export interface CockpitOptions {
  /** Whose app to run. A solution has no tests and no screen. */
  kind: Kind;
  /** Print lines instead of a screen, and use no keys. Always so without a suitable terminal. */
  plain: boolean;
  /** Whether the proxy reports that requests came over plain HTTP. */
  http?: boolean;
  /** The folder that holds steps/ and solutions/. */
  workshop?: string;
}

/**
 * Runs a step: restarts its app and reruns its tests on every save, until the user ends it or goes
 * on to the next step. Sets the exit code.
 * @throws {Problem} when the port is taken or the database isn't available
 */
export async function runCockpit(
  first: Step,
  { kind, plain, http = false, workshop = root }: CockpitOptions,
): Promise<void> {
  loadEnvFile(process.env, workshop);
  const port = await findPort(
    process.env, `${kind === 'steps' ? 'step' : 'solution'}:${first.number}`,
  );
  const { stdin, stdout } = process;
  const isScreen = !plain && kind === 'steps' && process.env['TERM'] !== 'dumb'
    && stdin instanceof ReadStream && stdout instanceof WriteStream;

  let quit: (ending: Ending) => void = () => undefined;
  const end = new Promise<Ending>((resolve) => { quit = resolve; });
  const session: Session = {
    workshop,
    kind,
    view: isScreen ? screenView(stdout) : plainView(),
    stdin: isScreen ? stdin : undefined,
    port,
    protocol: http ? 'http' : 'https',
    secret: process.env['SESSION_SECRET'] || randomBytes(32).toString('hex'),
    end,
    quit: () => { quit('SIGINT'); },
  };
  void untilEnd(() => {
    for (const app of session.apps ?? []) app.kill();
    process.exit(1);
  }).then(quit);

  let farewell = '';
  try {
    let next: Step | undefined = first;
    while (next) ({ next, farewell } = await runStep(session, next));
  } finally {
    session.view.close();
  }
  if (isScreen) console.log(farewell);
  // Ctrl-C is the normal way to end this command; only other endings set an exit code.
  const ending = await end;
  process.exitCode = ending === 'SIGINT' ? 0 : 128 + constants.signals[ending];
}
