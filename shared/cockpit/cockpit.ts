import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { ReadStream, WriteStream } from 'node:tty';
import { untilEnd, type Ending } from '../app/ending.ts';
import { findPort, loadEnvFile } from '../app/settings.ts';
import type { Kind, Step } from '../lesson/steps.ts';
import { claimPort } from './claim.ts';
import { StepRun, type Session } from './step-run.ts';
import { plainView, screenView } from './view.ts';

/** How a step is run. */
export interface CockpitOptions {
  /** Whose app runs. A solution has no tests and no screen. */
  kind: Kind;
  /** Lines instead of a screen, and no keys. Always so where there is no terminal. */
  plain: boolean;
}

/**
 * Runs a step: its app, started again at every save, and its tests, run again at every save, until
 * the person ends it or goes on to the next step. Sets the exit code.
 * @throws {Problem} when the port is taken or the database cannot be had
 */
export async function runCockpit(first: Step, { kind, plain }: CockpitOptions): Promise<void> {
  loadEnvFile();
  const command = `${kind === 'steps' ? 'step' : 'solution'}:${first.number}`;
  const port = await findPort(process.env, command);
  const release = claimPort(port, first, command);
  const { stdin, stdout } = process;
  const isScreen = !plain && kind === 'steps'
    && stdin instanceof ReadStream && stdout instanceof WriteStream;

  let quit: (ending: Ending) => void = () => undefined;
  const end = new Promise<Ending>((resolve) => {
    quit = resolve;
  });
  const session: Session = {
    kind,
    view: isScreen ? screenView(stdout) : plainView(),
    stdin: isScreen ? stdin : undefined,
    port,
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
    while (next) {
      const run: StepRun = new StepRun(session, next);
      next = await run.untilLeft();
      farewell = run.farewell;
    }
  } finally {
    session.view.close();
    release();
  }
  if (isScreen) console.log(farewell);
  setExitCode(await end);
}

/** Ctrl-C is how this command normally ends; only other endings are worth an exit code. */
function setExitCode(ending: Ending): void {
  process.exitCode = ending === 'SIGINT' ? 0 : 128 + constants.signals[ending];
}
