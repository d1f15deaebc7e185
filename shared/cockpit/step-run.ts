import { join } from 'node:path';
import type { ReadStream } from 'node:tty';
import { openDatabase, type Database } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { observer, startLive, type Live } from '../live/live.ts';
import { App } from '../app/app.ts';
import type { Ending } from '../app/ending.ts';
import { watchFolder } from '../app/watch.ts';
import { folderOf, steps, type Kind, type Step } from '../lesson/steps.ts';
import { progress } from '../terminal/text.ts';
import { answerKey } from './answers.ts';
import { describeEnding, findCause } from './crash.ts';
import { listenForKeys } from './keys.ts';
import { after, beginning, countTests, isGreen, type Event, type State } from './state.ts';
import { TestLoop } from './test-loop.ts';
import type { View } from './view.ts';

/** What lives as long as the cockpit, from one step to the next. */
export interface Session {
  kind: Kind;
  view: View;
  /** The keyboard, where there is one. */
  stdin: ReadStream | undefined;
  port: number;
  /** SESSION_SECRET, or one that was made up. */
  secret: string;
  /** The app that runs now. */
  app?: App;
  /** Resolves when the whole cockpit has to end. */
  end: Promise<Ending>;
  /** Ends it, as Ctrl-C does. */
  quit: () => void;
}

/** How long the learner's folder has to be quiet after a save, in milliseconds. */
const QUIET_MS = 40;

/**
 * How much later than the tests the app starts again, in milliseconds. A person waits for the
 * verdict first, and both at once make each other slow.
 */
const TESTS_FIRST_MS = 300;

/** How long tests may take to remove what is theirs from somebody's server, in milliseconds. */
const TIDY_UP_MS = 3000;

/** One step in the cockpit: from its start until the person leaves it. */
export class StepRun {
  readonly #session: Session;
  readonly #step: Step;
  #state: State;
  #database: Database | undefined;
  #live: Live | undefined;

  constructor(session: Session, step: Step) {
    this.#session = session;
    this.#step = step;
    this.#state = beginning(step, `${session.kind}/${step.folder}`, `http://localhost:${session.port}`);
  }

  /** What is said to a person who leaves: how far the step is, and how to go on. */
  get farewell(): string {
    const { number } = this.#step;
    const count = countTests(this.#state);
    const so = count ? `: ${progress(count)}` : '';
    let next = `npm run step:${number}`;
    if (isGreen(this.#state)) next = number < steps.length ? 'npm start' : 'npm run progress';
    return `Step ${number}${so}. Go on with ${next}`;
  }

  /**
   * Runs the app and the tests until the person goes on to another step, or the cockpit ends.
   * Nothing of this step runs any more when it resolves.
   * @returns the step to go on with
   */
  async untilLeft(): Promise<Step | undefined> {
    const { end, stdin } = this.#session;
    this.#emit({ type: 'opened' });
    // In step 1 nobody knows yet what it is for.
    if (!process.env['SESSION_SECRET'] && this.#step.number > 1) {
      this.#say('SESSION_SECRET is not set: made one up for this run.', true);
    }

    let leave: (next: Step | undefined) => void = () => undefined;
    const left = new Promise<Step | undefined>((resolve) => {
      leave = resolve;
    });
    void end.then(() => {
      leave(undefined);
    });
    let loop: TestLoop | undefined;
    const stopKeys = stdin && listenForKeys(stdin, (key) => {
      void answerKey(key, {
        state: () => this.#state,
        size: () => this.#session.view.size(),
        emit: (event) => {
          this.#emit(event);
        },
        runTests: () => loop?.run(),
        leave,
        quit: this.#session.quit,
      });
    }, this.#session.quit);

    try {
      // What is being started or downloaded ends with this process.
      if (!await Promise.race([this.#openDatabase(), left.then(() => false)])) return undefined;
      loop = this.#session.kind === 'steps' ? this.#createLoop() : undefined;
      const app = this.#createApp();
      loop?.warmUp();
      await this.#showLive(app);
      this.#emit({
        type: 'ready',
        ...this.#live && { live: this.#live.url },
        ...this.#database && { database: addressOf(this.#database) },
      });
      let restart: NodeJS.Timeout | undefined;
      const stopWatching = await watchFolder(this.#folder, (files) => {
        this.#emit({ type: 'saved', files });
        loop?.run();
        clearTimeout(restart);
        restart = setTimeout(() => void app.restart(), loop ? TESTS_FIRST_MS : 0);
      }, QUIET_MS);
      await app.start();
      loop?.run();

      const next = await left;
      await stopWatching();
      clearTimeout(restart);
      await loop?.close();
      await app.stop(next ? 'SIGTERM' : await end);
      return next;
    } finally {
      stopKeys?.();
      await this.#live?.close();
      // Last: an app that closes its connection needs a database that still answers. And not for
      // the next step: that begins with an empty one.
      await this.#database?.close();
    }
  }

  get #folder(): string {
    return folderOf(this.#step, this.#session.kind);
  }

  #emit(event: Event): void {
    const before = this.#state;
    this.#state = after(before, event);
    this.#session.view.show(before, event, this.#state);
  }

  #say(line: string, stays: boolean): void {
    this.#emit({ type: 'said', line, stays });
  }

  /** Opens the database server, where the step needs one. */
  async #openDatabase(): Promise<true> {
    if (!this.#step.needsDatabase) return true;
    this.#database = await openDatabase({
      inProcess: false,
      mayDownload: true,
      say: (line) => {
        // Once it is open, all that it has to say is that it has ended.
        this.#say(line, this.#database !== undefined);
      },
    });
    this.#say(this.#database.line, true);
    return true;
  }

  /** The environment of everything that the learner's code runs in. */
  #env(mongoUrl: (database: Database) => string): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#database && { MONGO_URL: mongoUrl(this.#database) } };
  }

  #createApp(): App {
    const { port, secret } = this.#session;
    const env = this.#env(appUrl);
    const app = new App({
      entry: join(this.#folder, 'index.ts'),
      env: { ...env, PORT: String(port), SESSION_SECRET: secret },
      imports: [observer],
    });
    let errors: string[] = [];
    app.on('started', () => {
      errors = [];
      this.#emit({ type: 'app started' });
    });
    app.on('output', (line, stream) => {
      if (stream === 'stderr') errors = [...errors, line].slice(-50);
      this.#emit({ type: 'app printed', line, stream });
    });
    app.on('crashed', (code, signal) => {
      const ending = describeEnding(code, signal);
      this.#emit({ type: 'app crashed', ending, cause: findCause(errors) });
    });
    this.#session.app = app;
    return app;
  }

  /** Serves the live picture of the app, beside it. No step fails because that fails. */
  async #showLive(app: App): Promise<void> {
    const { port: appPort, secret } = this.#session;
    const database = this.#database;
    try {
      this.#live = await startLive({
        step: this.#step,
        app,
        appPort,
        secret,
        ...database && { database: { url: appUrl(database), line: database.line } },
      });
      if (this.#live.note !== undefined) this.#say(this.#live.note, true);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#say(`There is no live picture: ${why}.`, true);
    }
  }

  #createLoop(): TestLoop {
    // The server of the app, whichever it is: it would take time to start another.
    const env = { ...this.#env(({ url }) => url), WORKSHOP_MONGO: '' };
    // On a server that is not ours, tests that are killed would leave their databases behind.
    const graceMs = this.#database?.engine === 'MONGO_URL' ? TIDY_UP_MS : 0;
    const loop = new TestLoop(this.#step, this.#database ? env : process.env, graceMs);
    loop.on('started', () => {
      this.#emit({ type: 'tests started' });
    });
    loop.on('verdict', (verdict) => {
      this.#emit({ type: 'tests ended', verdict });
    });
    return loop;
  }
}

/** The database that the app uses. */
function appUrl({ url }: Database): string {
  return withDatabase(url, 'workshop', { keep: true });
}

/** The same for people, without a login that others could read over their shoulder. */
function addressOf(database: Database): string {
  return appUrl(database).replace(/\/\/[^/@]*@/, '//');
}
