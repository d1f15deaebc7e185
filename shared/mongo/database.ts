import { Problem } from '../terminal/problem.ts';
import type { DownloadOptions } from './download.ts';
import { findMongod, startMongod, tryBinary, type Mongod } from './mongod.ts';
import { startServerProcess, type RunningServer } from './server-process.ts';

/** A MongoDB that answers. */
export interface Database {
  /** Its address, as `new MongoClient(url)` takes it, with or without the name of a database. */
  readonly url: string;
  readonly engine: 'MONGO_URL' | 'mongod' | 'stand-in';
  readonly version: string;
  /** One line for people: which MongoDB, its version, and why this one. Holds no password. */
  readonly line: string;
  /** Ends the server if it is ours. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** The stand-in runs inside this process (tests), not in one of its own (step, solution). */
  inProcess: boolean;
  /** Whether a mongod may be downloaded where none is found. */
  mayDownload: boolean;
  /** Is called with lines for people: the progress of a download, a server that died. */
  say: (line: string) => void;
  env?: NodeJS.ProcessEnv;
  stateFolder?: DownloadOptions['stateFolder'];
  limits?: DownloadOptions['limits'];
}

/**
 * Opens the MongoDB of the workshop:
 *
 * 1. the server at MONGO_URL, and no other if that does not answer;
 * 2. a real mongod found on this machine, or downloaded;
 * 3. the stand-in.
 *
 * `WORKSHOP_MONGO=mongod` and `WORKSHOP_MONGO=stand-in` force the second and the third, even where
 * MONGO_URL is set: whoever types it for one command means that command.
 *
 * @throws {Problem} when MONGO_URL or a forced mongod cannot be had
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const env = options.env ?? process.env;
  const forced = forcedEngine(env);
  if (env['MONGO_URL'] && !forced) {
    // Modules are loaded here and below where they are needed: every test run waits for this one.
    const { openUrl } = await import('./url.ts');
    return openUrl(env['MONGO_URL']);
  }

  const unused = env['MONGO_URL'] ? '; MONGO_URL is not used' : '';
  const because = forced ? `WORKSHOP_MONGO=${forced}${unused}` : '';
  if (forced === 'stand-in') return openStandIn(options, because);

  const mongod = await getMongod(options, env);
  if (typeof mongod === 'string') {
    if (!forced) return openStandIn(options, mongod);
    throw new Problem(`WORKSHOP_MONGO=mongod, but ${mongod}.`, 'npm run mongod');
  }
  try {
    const { version } = mongod;
    const server = await startMongod(mongod, env, tellDeath(options));
    const line = `MongoDB: mongod ${version} at ${mongod.path}${because && ` (${because})`}`;
    return { ...server, engine: 'mongod', version, line };
  } catch (error) {
    const why = `${mongod.path} does not start: ${error instanceof Error ? error.message : '?'}`;
    if (!forced) return openStandIn(options, why);
    throw new Problem(`WORKSHOP_MONGO=mongod, but ${why}.`, 'npm run mongod');
  }
}

function forcedEngine(env: NodeJS.ProcessEnv): 'mongod' | 'stand-in' | undefined {
  const forced = env['WORKSHOP_MONGO'];
  if (!forced) return undefined;
  if (forced === 'mongod' || forced === 'stand-in') return forced;
  throw new Problem(
    `WORKSHOP_MONGO is ${forced}, but it can only be mongod or stand-in.`,
    'correct WORKSHOP_MONGO or remove it, then run the command again',
  );
}

/** Finds or downloads a mongod; otherwise tells why there is none. */
async function getMongod(
  options: DatabaseOptions,
  env: NodeJS.ProcessEnv,
): Promise<Mongod | string> {
  const found = await findMongod(env);
  if (typeof found !== 'string') return found;
  // 700 MB are not for us to begin by ourselves.
  if (!options.mayDownload || process.platform === 'win32') {
    return `${found}; npm run mongod fetches one`;
  }
  const { DownloadFailure, downloadMongod, failedToday } = await import('./download.ts');
  const failed = await failedToday(options.stateFolder);
  if (failed) return `the download failed today: ${failed}; npm run mongod tries again`;
  options.say('No mongod on this machine. Ctrl-C ends the download of one, and the next start goes '
    + 'without.');
  try {
    const path = await downloadMongod({ ...options, env });
    return await tryBinary(path);
  } catch (error) {
    if (!(error instanceof DownloadFailure)) throw error;
    return `the download failed: ${error.message}; npm run mongod tries again`;
  }
}

async function openStandIn(options: DatabaseOptions, because: string): Promise<Database> {
  const server = options.inProcess
    ? await standInHere()
    : await startServerProcess(standIn, options.env ?? process.env, tellDeath(options));
  const line = `MongoDB: stand-in ${server.version} in memory (${because})`;
  return { ...server, engine: 'stand-in', line };
}

const standIn = new URL('./stand-in/main.ts', import.meta.url);

async function standInHere(): Promise<RunningServer> {
  const { startStandIn } = await import('./stand-in/server.ts');
  const server = await startStandIn({ ttlMonitorSleepSecs: 1 });
  return { url: server.url, version: server.version, close: () => server.close() };
}

function tellDeath({ say }: DatabaseOptions): () => void {
  return () => {
    say('The MongoDB server has ended unexpectedly. Stop with Ctrl-C and start the command again.');
  };
}
