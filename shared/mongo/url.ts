import { Problem } from '../terminal/problem.ts';
import type { Database } from './database.ts';
import type { MongoError } from 'mongodb';

/** How long a server named by MONGO_URL has to answer, in milliseconds. */
const answerMs = 3000;

const next = 'correct MONGO_URL in .env or in your shell (or remove it: the workshop then starts '
  + 'a MongoDB of its own), then run the command again';

/**
 * The same server with another database: the address that a client of that database needs.
 *
 * A login is looked up in the database that an address names, and in `admin` where it names none.
 * An `authSource` keeps it where it was.
 *
 * @param keep leave an address alone that names a database already
 */
export function withDatabase(url: string, name: string, { keep = false } = {}): string {
  const parts = /^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?([^?]*)(?:\?(.*))?$/s.exec(url);
  const [, server, path, query = ''] = parts ?? [];
  if (server === undefined || (keep && path)) return url;
  const names = new URLSearchParams(query.toLowerCase());
  const login = server.includes('@') && !names.has('authsource') && !names.has('authmechanism');
  const search = [query, login && `authSource=${path || 'admin'}`].filter(Boolean).join('&');
  return `${server}/${name}${search && `?${search}`}`;
}

/**
 * Asks the server at MONGO_URL whether it answers and lets us in.
 * @throws {Problem} when the address is malformed, nobody answers within 3 s or the login is
 *   refused. Its text holds no user name and no password.
 */
export async function openUrl(url: string): Promise<Database> {
  const { MongoClient, MongoServerError } = await import('mongodb');
  let client;
  try {
    client = new MongoClient(url, {
      serverSelectionTimeoutMS: answerMs,
      connectTimeoutMS: answerMs,
      maxPoolSize: 1,
    });
  } catch (error) {
    throw new Problem(`MONGO_URL is not a MongoDB address: ${malformed(url, error)}`, next);
  }
  const { srvHost, hosts, dbName } = client.options;
  const where = srvHost ?? hosts.join(',');
  try {
    // The driver bounds the search for a server, but neither the DNS look-up of mongodb+srv nor
    // a server that greets us and then falls silent.
    const version = await within(answerMs + 300, async () => {
      const database = client.db(dbName);
      await database.command({ ping: 1 });
      // ping needs no login; this does, and every user may do it.
      await database.command({ listCollections: 1, nameOnly: true, authorizedCollections: true });
      const { version } = await database.command({ buildInfo: 1 });
      return typeof version === 'string' ? version : 'of unknown version';
    });
    return {
      url,
      engine: 'MONGO_URL',
      version,
      line: `MongoDB: server ${version} at ${where} (MONGO_URL)`,
      close: () => Promise.resolve(),
    };
  } catch (error) {
    if (error instanceof MongoServerError && isLogin(error)) {
      const refused = url.includes('@')
        ? 'refuses its login'
        : 'asks for a login, and there is none';
      throw new Problem(`The MongoDB at ${where} (MONGO_URL) ${refused}.`, next);
    }
    const why = reason(error);
    throw new Problem(
      `The MongoDB at ${where} (MONGO_URL) does not answer within ${answerMs / 1000} s${why}.`,
      next,
    );
  } finally {
    // Not awaited: closing may wait for the very server that does not answer.
    client.close().catch(() => undefined);
  }
}

/** What is wrong with an address. The driver's words may quote the login, so not where one is. */
function malformed(url: string, error: unknown): string {
  if (!/^mongodb(\+srv)?:\/\//.test(url)) {
    return 'it has to begin with mongodb:// or mongodb+srv://.';
  }
  if (url.includes('@')) {
    return 'characters such as @ : / % in its user name or password have to be percent-encoded '
      + '(@ is %40), or one of its parts is wrong.';
  }
  return `${error instanceof Error ? error.message : String(error)}.`;
}

/** 13 Unauthorized, 18 AuthenticationFailed, 8000 AtlasError (a login that Atlas does not know). */
function isLogin(error: MongoError): boolean {
  return [13, 18, 8000].includes(Number(error.code));
}

/** The network's reason behind the driver's error, in brackets; empty if there was silence. */
function reason(error: unknown): string {
  const code = findCode(error);
  if (code === undefined) return '';
  const known: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'no machine of that name is known',
    EAI_AGAIN: 'the name cannot be looked up, perhaps without a network',
    ENODATA: 'no machine of that name is known',
    ETIMEDOUT: 'silence',
    ECONNRESET: 'the connection was cut',
  };
  return ` (${known[code] ?? code})`;
}

/** Looks for a system error's code in an error, its causes and the servers it tells about. */
function findCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  const below: unknown[] = [error.cause];
  if ('reason' in error && error.reason instanceof Object && 'servers' in error.reason
    && error.reason.servers instanceof Map) {
    const servers: unknown[] = [...error.reason.servers.values()];
    for (const server of servers) {
      if (server instanceof Object && 'error' in server) below.push(server.error);
    }
  }
  if (error instanceof AggregateError) {
    const errors: unknown[] = error.errors;
    below.push(...errors);
  }
  return below.map(findCode).find((code) => code !== undefined);
}

async function within<T>(milliseconds: number, task: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('late'));
    }, milliseconds);
  });
  try {
    return await Promise.race([task(), late]);
  } finally {
    clearTimeout(timer);
  }
}
