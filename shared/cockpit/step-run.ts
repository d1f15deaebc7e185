import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadStream } from 'node:tty';
import { keepPasswords, makeAccounts } from '../app/accounts.ts';
import { App } from '../app/app.ts';
import type { Ending } from '../app/ending.ts';
import { findPort } from '../app/port.ts';
import { createProcesses } from '../app/processes.ts';
import type { Protocol } from '../app/proxy.ts';
import { watchSources } from '../app/watch.ts';
import { folderOf, steps, type Kind, type Step } from '../lesson/steps.ts';
import { observer, startLive, type Live } from '../live/live.ts';
import { openDatabase, type Database } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { messageOf, Problem } from '../terminal/problem.ts';
import { progress } from '../terminal/text.ts';
import { describeEnding, findCause } from './cause.ts';
import { listenForKeys, pressKey } from './keys.ts';
import { countTests, initialState, isGreen, reduce, timeOfDay, type Emit } from './state.ts';
import { TestLoop } from './test-loop.ts';
import type { View } from './view.ts';

/** What lives as long as the cockpit, across steps. */
export interface Session {
  /** The folder that holds steps/ and solutions/. */
  workshop: string;
  kind: Kind;
  view: View;
  /** The keyboard, if there is one. */
  stdin: ReadStream | undefined;
  /** The port for people: the app's own, or that of the proxy in front of it. */
  port: number;
  /** The protocol that the proxy reports for requests. */
  protocol: Protocol;
  /** SESSION_SECRET, or a generated one. */
  secret: string;
  /** The app's running processes. */
  apps?: App[];
  /** The live picture's last port: an open page finds the next step's picture there. */
  livePort?: number;
  /** Resolves when the whole cockpit must end. */
  end: Promise<Ending>;
  /** Ends the cockpit, as Ctrl-C does. */
  quit: () => void;
}

/** How the user left a step. */
export interface Departure {
  /** The step to go on with. */
  next: Step | undefined;
  /** How far the step is, and how to go on. */
  farewell: string;
}

/**
 * How long to delay the app's restart after the tests start, in milliseconds. The user is waiting
 * for the verdict first, and running both at once slows them down.
 */
const TESTS_FIRST_MS = 300;

/** How long tests may take to remove their databases from a server, in milliseconds. */
const TIDY_UP_MS = 3000;

/**
 * Runs a step's app and tests until the user goes on to another step or the cockpit ends. When it
 * resolves, nothing from this step is running any more.
 */
export async function runStep(session: Session, step: Step): Promise<Departure> {
  const { workshop, kind, view, stdin, port, protocol, secret, end, quit } = session;
  const folder = `${kind}/${step.folder}`;
  let state = initialState(step, folder, `http://localhost:${port}`);
  const emit: Emit = (event) => {
    const before = state;
    state = reduce(before, event);
    view.show(before, event, state);
  };
  const say = (line: string, stays = true) => { emit({ type: 'said', line, stays }); };

  let leave: (next?: Step) => void = () => undefined;
  const left = new Promise<Step | undefined>((resolve) => { leave = resolve; });
  void end.then(() => { leave(); });
  let database: Database | undefined;
  let live: Live | undefined;
  let loop: TestLoop | undefined;
  let closeProcesses: (() => Promise<void>) | undefined;
  emit({ type: 'opened' });
  const stopKeys = stdin && listenForKeys(stdin, (key) => {
    const runTests = () => loop?.run();
    const controls = { state: () => state, size: () => view.size(), emit, runTests, leave, quit };
    void pressKey(key, { ...controls, workshop });
  }, quit);

  try {
    // In step 1 the learner doesn't know yet what a secret is for.
    if (!process.env['SESSION_SECRET'] && step.number > 1) {
      say('SESSION_SECRET is not set: made one up for this run.');
    }
    if (step.needsDatabase) {
      const opening = openDatabase({
        inProcess: false,
        mayDownload: true,
        say: (line) => {
          // Once it's open, the only news left is that it has ended.
          say(line, database !== undefined);
        },
      });
      database = await Promise.race([opening, left.then(() => undefined)]);
      // A pending start or download ends with this process.
      if (!database) return { next: undefined, farewell: farewell() };
      say(database.line);
    }
    const making = database && makeAccountsOf(join(workshop, folder), workshop, database);
    if (kind === 'steps') loop = createLoop(step, database, emit);
    const { processes, close } = await createProcesses(step, {
      port,
      protocol,
      mongoUrl: database && appUrl(database),
      createApp: (port, mongoUrl) => createApp({ ...session, port }, step, mongoUrl, emit),
    });
    closeProcesses = close;
    const apps = session.apps = processes.map(({ app }) => app);
    const [app, second] = apps as [App, App?];
    if (step.behindProxy) {
      const ports = processes.map(({ port }) => port).join(' and ');
      const places = `${second ? 'ports' : 'port'} ${ports}`;
      say(`A proxy on port ${port} passes requests on to the app on ${places}, `
        + `with X-Forwarded-Proto: ${protocol}.`);
    }
    loop?.warmUp();
    live = await startLive({
      step,
      app,
      second,
      appPort: port,
      secret,
      database: database && { url: appUrl(database), line: database.line },
      port: session.livePort,
    }).catch((error: unknown) => {
      say(`There is no live picture: ${messageOf(error)}.`);
      return undefined;
    });
    if (live) session.livePort = live.port;
    if (live?.note !== undefined) say(live.note);
    const accounts = await making;
    if (accounts !== undefined) say(accounts);
    emit({
      type: 'ready',
      ...live && { live: live.url },
      ...database && { database: withoutLogin(appUrl(database)) },
    });

    let restart: NodeJS.Timeout | undefined;
    const stopWatching = await watchSources(workshop, (files) => {
      const isOurs = files.some((file) => file.startsWith(`${folder}/`));
      emit({ type: isOurs ? 'saved' : 'saved elsewhere', files });
      if (!isOurs) return;
      loop?.run();
      clearTimeout(restart);
      restart = setTimeout(() => {
        for (const app of apps) void app.restart();
      }, loop ? TESTS_FIRST_MS : 0);
    }, { say });
    await Promise.all(apps.map((app) => app.start()));
    loop?.run();

    const next = await left;
    await stopWatching();
    clearTimeout(restart);
    await loop?.close();
    const signal = next ? 'SIGTERM' : await end;
    await Promise.all(apps.map((app) => app.stop(signal)));
    return { next, farewell: farewell() };
  } finally {
    stopKeys?.();
    await live?.close();
    await closeProcesses?.();
    // Last: an app that closes its connection needs a database that still responds. And not kept
    // for the next step, which begins with an empty one.
    await database?.close();
  }

  function farewell(): string {
    const { number } = step;
    const count = countTests(state);
    let next = `npm run step:${number}`;
    if (isGreen(state)) next = number < steps.length ? 'npm start' : 'npm run progress';
    return `Step ${number}${count ? `: ${progress(count)}` : ''}. Go on with ${next}`;
  }
}

function createApp(
  { workshop, kind, port, secret }: Session,
  step: Step,
  mongoUrl: string | undefined,
  emit: Emit,
): App {
  const mongo = mongoUrl && { MONGO_URL: mongoUrl };
  const app = new App({
    entry: join(folderOf(step, kind, workshop), 'index.ts'),
    cwd: workshop,
    env: { ...process.env, ...mongo, PORT: String(port), SESSION_SECRET: secret },
    imports: [observer],
  });
  let errors: string[] = [];
  app.on('started', () => {
    errors = [];
    emit({ type: 'app started', at: timeOfDay() });
  });
  app.on('output', (line, stream) => {
    if (stream === 'stderr') errors = [...errors, line].slice(-50);
    emit({ type: 'app printed', line, stream });
  });
  app.on('crashed', (code, signal) => {
    const ending = describeEnding(code, signal);
    emit({ type: 'app ended', crashed: code !== 0, ending, cause: findCause(errors) });
    // The port was free at the start, but another cockpit's app may have taken it since.
    const command = `${kind === 'steps' ? 'step' : 'solution'}:${step.number}`;
    findPort({ PORT: String(port) }, command).catch((error: unknown) => {
      if (!(error instanceof Problem)) throw error;
      emit({ type: 'noticed', notice: `${error.message} Next: ${error.next}` });
    });
  });
  return app;
}

/** Creates the accounts of a step that needs them. @returns a line with their passwords */
async function makeAccountsOf(
  folder: string,
  workshop: string,
  database: Database,
): Promise<string | undefined> {
  const file = join(folder, 'accounts.ts');
  if (!existsSync(file)) return undefined;
  try {
    const passwords = await makeAccounts(file, appUrl(database));
    await keepPasswords(passwords, workshop);
    return `Accounts: ada, password ${passwords.ada}, and mallory, password ${passwords.mallory}`;
  } catch (error) {
    return `There are no accounts: ${messageOf(error)}.`;
  }
}

function createLoop(step: Step, database: Database | undefined, emit: Emit): TestLoop {
  // Use the app's server, whichever it is: starting another would take time.
  const env = database
    ? { ...process.env, MONGO_URL: database.url, WORKSHOP_MONGO: '' }
    : process.env;
  // On a server that isn't ours, killed tests would leave their databases behind.
  return new TestLoop(step, env, database?.engine === 'MONGO_URL' ? TIDY_UP_MS : 0, emit);
}

/** The address of the app's database. */
function appUrl({ url }: Database): string {
  return withDatabase(url, 'workshop', { keep: true });
}

/** Removes the login and the options from an address: others may see the screen. */
function withoutLogin(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/\?.*/s, '');
}
