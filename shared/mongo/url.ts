import { inspect } from 'node:util';
import { Problem } from '../terminal/problem.ts';

/** How long the server at MONGO_URL may take to respond, in milliseconds. */
const answerMs = 3000;

const next = 'correct MONGO_URL in .env or in your shell (or remove it, and the workshop starts a '
  + 'MongoDB for you), then run the command again';

/**
 * Returns the address of another database on the same server.
 *
 * MongoDB looks a login up in the database that the address names, or in `admin` if it names none.
 * Adding an `authSource` keeps the login working.
 *
 * @param keep return an address unchanged if it already names a database
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
 * Checks that the server at MONGO_URL responds and lets us in.
 * @returns its version, and its host in a form that's safe to show
 * @throws {Problem} when the address is malformed, the server doesn't respond within 3 s, or the
 *   login is refused. Its text contains only the address's host: the rest may be secret.
 */
export async function askServer(url: string): Promise<{ version: string; host: string }> {
  const { MongoClient, MongoServerError } = await import('mongodb');
  const connect = (address: string) => new MongoClient(address, {
    serverSelectionTimeoutMS: answerMs,
    connectTimeoutMS: answerMs,
    maxPoolSize: 1,
  });
  let client;
  try {
    client = connect(url);
  } catch {
    throw new Problem(`MONGO_URL isn't a MongoDB address: ${malformed(url, connect)}.`, next);
  }
  const { srvHost, hosts, dbName } = client.options;
  const host = srvHost ?? hosts.join(',');
  let late: NodeJS.Timeout | undefined;
  try {
    const database = client.db(dbName);
    const ask = async () => {
      await database.command({ ping: 1 });
      // ping needs no login; this does, and every user is allowed to run it.
      await database.command({ listCollections: 1, nameOnly: true, authorizedCollections: true });
      return database.command({ buildInfo: 1 });
    };
    // The driver limits the search for a server, but neither mongodb+srv's DNS lookup nor a server
    // that greets us and then goes silent.
    const { version } = await Promise.race([ask(), new Promise<never>((_, reject) => {
      late = setTimeout(reject, answerMs + 300, new Error('late'));
    })]);
    return { version: String(version), host };
  } catch (error) {
    const where = `The MongoDB at ${host} (MONGO_URL)`;
    // 13 Unauthorized, 18 AuthenticationFailed, 8000 AtlasError (a login unknown to Atlas).
    if (error instanceof MongoServerError && [13, 18, 8000].includes(Number(error.code))) {
      throw new Problem(url.includes('@')
        ? `${where} refuses the login.`
        : `${where} asks for a login, and the address has none.`, next);
    }
    throw new Problem(
      `${where} doesn't answer within ${answerMs / 1000} s${reason(error)}.`, next,
    );
  } finally {
    clearTimeout(late);
    // Not awaited: closing may wait for the very server that isn't responding.
    client.close().catch(() => undefined);
  }
}

/** What's wrong with an address, without quoting any of it. */
function malformed(url: string, connect: (address: string) => unknown): string {
  if (!/^mongodb(\+srv)?:\/\//.test(url)) return 'it has to begin with mongodb:// or mongodb+srv://';
  try {
    connect(url.replace(/\?.*$/s, ''));
    return 'one of its options, after the question mark, is unknown or has a wrong value';
  } catch {
    return url.includes('@')
      ? 'characters such as @ : / % in the user name or password have to be percent-encoded (@ '
      + 'becomes %40), or another part is wrong'
      : 'it has to look like mongodb://HOST:PORT/DATABASE, or mongodb://USER:PASSWORD@HOST:PORT/DATABASE';
  }
}

/** The network error behind the driver's error, in brackets; empty if there was none. */
function reason(error: unknown): string {
  const known: Record<string, string> = {
    ECONNREFUSED: 'nothing listens there',
    ENOTFOUND: 'no host of that name is known',
    EAI_AGAIN: "the name can't be looked up: is there a network?",
    ENODATA: 'no host of that name is known',
    ETIMEDOUT: 'the connection timed out',
    ECONNRESET: 'the connection was cut',
  };
  // The driver keeps the code in the causes of its per-server errors.
  const [, code] = /code: '([A-Z_]+)'/.exec(inspect(error, { depth: 9 })) ?? [];
  return code === undefined ? '' : ` (${known[code] ?? code})`;
}
