import { Problem } from '../terminal/problem.ts';
import { startMongod, type MongodOptions } from './mongod.ts';
import { ServerFailure, startServerProcess } from './server-process.ts';

/** A MongoDB server that responds. */
export interface Database {
  /** Its address, as `new MongoClient(url)` takes it, with or without the name of a database. */
  readonly url: string;
  readonly engine: 'MONGO_URL' | 'mongod' | 'stand-in';
  readonly version: string;
  /** One line for people: which MongoDB, its version, and why this one. Contains no password. */
  readonly line: string;
  /** Stops the server if we started it. */
  close(): Promise<void>;
}

export interface DatabaseOptions
  extends Pick<MongodOptions, 'say' | 'stateFolder' | 'limits' | 'platform'> {
  /** Run the stand-in inside this process, and not in one of its own; true by default. */
  inProcess?: boolean;
  /** Whether to download a mongod if none is found; false by default. */
  mayDownload?: boolean;
  env?: NodeJS.ProcessEnv;
}

/**
 * Opens the workshop's MongoDB:
 *
 * 1. the server at MONGO_URL, with no fallback if it doesn't respond;
 * 2. a real mongod found on this machine, or downloaded;
 * 3. the stand-in.
 *
 * `WORKSHOP_MONGO=mongod` and `WORKSHOP_MONGO=stand-in` force the second and the third, even if
 * MONGO_URL is set: it's typed for one command, so it wins.
 *
 * @throws {Problem} when MONGO_URL or a forced mongod isn't available
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { env = process.env, platform = process.platform, inProcess = true } = options;
  const { MONGO_URL: url, WORKSHOP_MONGO: forced } = env;
  if (forced && forced !== 'mongod' && forced !== 'stand-in') {
    throw new Problem(
      `WORKSHOP_MONGO is ${forced}, but it can only be mongod or stand-in.`,
      'correct WORKSHOP_MONGO or remove it, then run the command again',
    );
  }
  if (url && !forced) {
    // Import modules here and below, only where they're needed: every test run waits for this one.
    const { askServer } = await import('./url.ts');
    const { version, host } = await askServer(url);
    const line = `MongoDB: server ${version} at ${host} (MONGO_URL)`;
    return { url, engine: 'MONGO_URL', version, line, close: () => Promise.resolve() };
  }

  let because = forced ? `WORKSHOP_MONGO=${forced}${url ? '; MONGO_URL is not used' : ''}` : '';
  if (forced !== 'stand-in') {
    try {
      // Windows would download 700 MB, too much to start unasked.
      const download = options.mayDownload && platform !== 'win32' ? 'once a day' : 'never';
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
  const server = inProcess
    ? await import('./stand-in/server.ts').then(({ startStandIn }) => startStandIn())
    : await startServerProcess(new URL('stand-in/main.ts', import.meta.url), {
        env, say: options.say,
      });
  const line = `MongoDB: stand-in ${server.version} in memory (${because})`;
  return { ...server, engine: 'stand-in', line };
}
