import { Problem } from '../terminal/problem.ts';
import { startMongod, type MongodOptions } from './mongod.ts';
import { ServerFailure, startServerProcess } from './server-process.ts';

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

export interface DatabaseOptions extends Pick<MongodOptions, 'say' | 'stateFolder' | 'limits'> {
  /** The stand-in runs inside this process (tests), not in one of its own (step, solution). */
  inProcess: boolean;
  /** Whether a mongod may be downloaded where none is found. */
  mayDownload: boolean;
  env?: NodeJS.ProcessEnv;
}

/**
 * Opens the MongoDB of the workshop:
 *
 * 1. the server at MONGO_URL, and no other if that does not answer;
 * 2. a real mongod found on this machine, or downloaded;
 * 3. the stand-in.
 *
 * `WORKSHOP_MONGO=mongod` and `WORKSHOP_MONGO=stand-in` force the second and the third, even where
 * MONGO_URL is set: people who type it for one command mean that command.
 *
 * @throws {Problem} when MONGO_URL or a forced mongod cannot be had
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { env = process.env, mayDownload } = options;
  const { MONGO_URL: url, WORKSHOP_MONGO: forced } = env;
  if (forced && forced !== 'mongod' && forced !== 'stand-in') {
    throw new Problem(
      `WORKSHOP_MONGO is ${forced}, but it can only be mongod or stand-in.`,
      'correct WORKSHOP_MONGO or remove it, then run the command again',
    );
  }
  if (url && !forced) {
    // Modules are loaded here and below where they are needed: every test run waits for this one.
    const { askServer } = await import('./url.ts');
    const { version, host } = await askServer(url);
    const line = `MongoDB: server ${version} at ${host} (MONGO_URL)`;
    return { url, engine: 'MONGO_URL', version, line, close: () => Promise.resolve() };
  }

  let because = forced ? `WORKSHOP_MONGO=${forced}${url ? '; MONGO_URL is not used' : ''}` : '';
  if (forced !== 'stand-in') {
    try {
      // 700 MB are not for us to begin by ourselves.
      const download = mayDownload && process.platform !== 'win32' ? 'once a day' : 'never';
      const server = await startMongod({ ...options, env, download });
      const line = `MongoDB: mongod ${server.version} at ${server.path ?? '?'}`;
      return { ...server, engine: 'mongod', line: `${line}${because && ` (${because})`}` };
    } catch (error) {
      if (!(error instanceof ServerFailure)) throw error;
      if (forced) throw new Problem(`${because}, but: ${error.message}.`, 'npm run mongod');
      if (env['MONGOMS_SYSTEM_BINARY']) {
        throw new Problem(
          `MONGOMS_SYSTEM_BINARY names no mongod that runs: ${error.message}.`,
          'correct MONGOMS_SYSTEM_BINARY or remove it, then run the command again',
        );
      }
      because = error.message;
    }
  }
  const server = options.inProcess
    ? await import('./stand-in/server.ts').then(({ startStandIn }) => (
        startStandIn({ ttlMonitorSleepSecs: 1 })
      ))
    : await startServerProcess(standIn, { env, say: options.say });
  const line = `MongoDB: stand-in ${server.version} in memory (${because})`;
  return {
    url: server.url, engine: 'stand-in', version: server.version, line,
    close: () => server.close(),
  };
}

const standIn = new URL('./stand-in/main.ts', import.meta.url);
