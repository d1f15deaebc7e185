/*
 * Runs an app and its live picture for tests and screenshots.
 */
import { join } from 'node:path';
import { openDatabase, type Database } from '../mongo/database.ts';
import { withDatabase } from '../mongo/url.ts';
import { App } from '../app/app.ts';
import { freePort } from '../app/port.ts';
import { findStep, root } from '../lesson/steps.ts';
import { observer, startLive, type Live } from '../live/live.ts';

/** A running app and its live picture, on free ports. */
export interface Stage {
  readonly app: App;
  readonly appPort: number;
  readonly appUrl: string;
  readonly live: Live;
  close(): Promise<void>;
}

export interface StageOptions {
  /** The step's number. */
  number: number;
  secret: string;
  /** Where the app keeps its sessions, in steps that use MongoDB. */
  mongo?: { url: string; line: string };
  /** The app's entry file; the solution's by default. */
  entry?: string;
  appPort?: number;
  /** Whether the app's process reports its requests to the live picture; true by default. */
  observed?: boolean;
}

/** Starts an app and its live picture; resolves once the app has printed something. */
export async function startStage(options: StageOptions): Promise<Stage> {
  const { number, mongo, secret } = options;
  const step = findStep(number);
  const appPort = options.appPort ?? await freePort();
  const app = new App({
    entry: options.entry ?? join(root, 'solutions', step.folder, 'index.ts'),
    env: {
      ...process.env,
      NODE_TEST_CONTEXT: undefined,
      PORT: String(appPort),
      SESSION_SECRET: secret,
      MONGO_URL: mongo?.url,
    },
    imports: options.observed === false ? [] : [observer],
  });
  const live = await startLive({
    step, app, appPort, secret, port: await freePort(), ...mongo && { database: mongo },
  });
  const speaks = new Promise<void>((resolve, reject) => {
    let output = '';
    app.on('output', (line, stream) => {
      output += `${line}\n`;
      if (stream === 'stdout') resolve();
    });
    app.once('crashed', () => {
      reject(new Error(`The app of step ${number} has ended:\n${output}`));
    });
  });
  await app.start();
  await speaks;
  return {
    app, appPort, appUrl: `http://localhost:${appPort}/`, live,
    close: async () => {
      await live.close();
      await app.stop();
    },
  };
}

/**
 * Opens a MongoDB for the stage; `of` gives the address of the database with that name.
 * @param env may force the engine
 */
export async function openStageDatabase(env: NodeJS.ProcessEnv = process.env): Promise<{
  database: Database;
  of: (name: string) => { url: string; line: string };
}> {
  const database = await openDatabase({ say: console.log, env });
  const { url, line } = database;
  return { database, of: (name) => ({ url: withDatabase(url, name), line }) };
}
