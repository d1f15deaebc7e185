import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { ReadStream, WriteStream } from 'node:tty';
import { untilEnd, type Ending } from '../app/ending.ts';
import { findPort } from '../app/port.ts';
import { loadEnvFile } from '../app/settings.ts';
import { root, type Kind, type Step } from '../lesson/steps.ts';
import { runStep, type Session } from './step-run.ts';
import { plainView, screenView } from './view.ts';

/** How a step is run. */
export interface CockpitOptions {
  /** Whose app runs. A solution has no tests and no screen. */
  kind: Kind;
  /** Lines instead of a screen, and no keys. Always so where there is no terminal for them. */
  plain: boolean;
  /** Whether the proxy says that requests came over plain HTTP. */
  http?: boolean;
  /** The folder that holds steps/ and solutions/. */
  workshop?: string;
}

/**
 * Runs a step: its app, started again at every save, and its tests, run again at every save, until
 * the person ends it or goes on to the next step. Sets the exit code.
 * @throws {Problem} when the port is taken or the database can't be had
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
  const end = new Promise<Ending>((resolve) => {
    quit = resolve;
  });
  const session: Session = {
    workshop,
    kind,
    view: isScreen ? screenView(stdout) : plainView(),
    stdin: isScreen ? stdin : undefined,
    port,
    protocol: http ? 'http' : 'https',
    secret: process.env['SESSION_SECRET'] || randomBytes(32).toString('hex'),
    end,
    quit: () => {
      quit('SIGINT');
    },
  };
  void untilEnd(() => {
    session.app?.kill();
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
  // Ctrl-C is how this command normally ends; only other endings are worth an exit code.
  const ending = await end;
  process.exitCode = ending === 'SIGINT' ? 0 : 128 + constants.signals[ending];
}
