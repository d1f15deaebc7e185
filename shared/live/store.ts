import type { Collection, Db, Document, MongoClient } from 'mongodb';

/** A document as MongoDB returns it; connect-mongo's `_id` is the session's id. */
interface Stored extends Document {
  _id: string;
}

/** What the database holds of one session and around it, at one moment. */
export interface Look {
  /** Database and collection where the session is, or would be looked for first. */
  readonly namespace: string;
  readonly document: Stored | undefined;
  /** When the document expires, in ms since 1970. */
  readonly expires: number | undefined;
  /** If MongoDB deletes documents by itself: how many seconds after `expires`. */
  readonly ttlSeconds: number | undefined;
  /** The number of documents in the collection. */
  readonly count: number;
  /** The names in the collection `accounts`. */
  readonly accounts: string[];
  /** The collection `logins`, newest first, each with the id of the session that names it. */
  readonly logins: { id: string; user: string; since?: number; session?: string }[];
}

/** How long the database may take to respond, in ms: a person is waiting for the page. */
const maxTimeMS = 2000;
/** The minimum interval between searches of all collections for the same session, in ms. */
const searchMs = 1500;
/** The most documents of a kind to show, and the most collections to search. */
const limit = 20;
/** How long the stand-in keeps an expired document, in seconds. */
const pauseSecs = 5;

/**
 * Looks into the app's session database, and no other, over its own connection, which opens at
 * the first look.
 */
export class StoreWindow {
  readonly #url: string;
  #client: MongoClient | undefined;
  #isClosed = false;
  /** The collection where a session was last found. */
  #name = 'sessions';
  #missed = { id: '', at: 0 };
  #pause: NodeJS.Timeout | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * @param id the session to look for; without one, only the collections are examined
   * @throws {Error} when the database doesn't respond within 2 s
   */
  async look(id: string | undefined): Promise<Look> {
    const db = await this.#connect();
    const document = id === undefined ? undefined : await this.#find(db, id);
    const sessions = db.collection<Stored>(this.#name);
    const [count, indexes, accounts, logins] = await Promise.all([
      sessions.estimatedDocumentCount({ maxTimeMS }),
      // Before the collection exists, there are no indexes.
      sessions.indexes({ maxTimeMS }).catch((): Document[] => []),
      // Only the names: the hashes are private.
      db.collection('accounts').find({}, { projection: { name: 1 }, limit, maxTimeMS }).toArray(),
      lookAtLogins(db, sessions),
    ]);
    const ttl = indexes.find(({ key, expireAfterSeconds }) =>
      typeof expireAfterSeconds === 'number' && key instanceof Object && 'expires' in key);
    return {
      namespace: sessions.namespace,
      document,
      expires: endOf(document),
      ttlSeconds: ttl && Number(ttl['expireAfterSeconds']),
      count,
      accounts: accounts.map(({ _id, name }) => String(name ?? _id)),
      logins,
    };
  }

  /** When these sessions expire, in ms since 1970. Leaves out missing ones. */
  async ends(ids: string[]): Promise<Map<string, number>> {
    const sessions = (await this.#connect()).collection<Stored>(this.#name);
    const found = sessions.find({ _id: { $in: ids } }, { projection: { expires: 1 }, maxTimeMS });
    const ends = new Map<string, number>();
    for await (const document of found) {
      const end = endOf(document);
      if (end !== undefined) ends.set(document._id, end);
    }
    return ends;
  }

  /**
   * Moves a session's expiry into the past.
   * @returns that moment in ms since 1970; undefined if there's no such document
   */
  async expire(id: string): Promise<number | undefined> {
    const db = await this.#connect();
    if (!await this.#find(db, id)) return undefined;
    await this.#pauseStandIn(db);
    const expires = Date.now() - 1000;
    const { matchedCount } = await db.collection<Stored>(this.#name)
      .updateOne({ _id: id }, { $set: { expires: new Date(expires) } });
    return matchedCount > 0 ? expires : undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#pause);
    await this.#client?.close();
  }

  async #connect(): Promise<Db> {
    // Loaded only now: most of the time no page is open.
    const { MongoClient } = await import('mongodb');
    // A request that is still being answered mustn't open it again.
    if (this.#isClosed) throw new Error('The window is closed.');
    this.#client ??= new MongoClient(this.#url, {
      appName: 'workshop live picture',
      maxPoolSize: 2,
      serverSelectionTimeoutMS: maxTimeMS,
      connectTimeoutMS: maxTimeMS,
      socketTimeoutMS: 2 * maxTimeMS,
    });
    // Does nothing while it's connected; otherwise each look tries again.
    await this.#client.connect();
    return this.#client.db();
  }

  /** Finds a session, in any collection if need be, because an app may choose another name. */
  async #find(db: Db, id: string): Promise<Stored | undefined> {
    const find = (name: string) => db.collection<Stored>(name).findOne({ _id: id }, { maxTimeMS });
    const document = await find(this.#name);
    if (document) return document;
    const { id: missed, at } = this.#missed;
    if (missed === id && performance.now() - at < searchMs) return undefined;
    const all = await db.listCollections({}, { nameOnly: true, maxTimeMS }).toArray();
    const names = all.map(({ name }) => name).filter((name) => !name.startsWith('system.'));
    for (const name of names.slice(0, limit)) {
      const found = await find(name).catch(() => null);
      if (!found) continue;
      this.#name = name;
      return found;
    }
    // Timed from here, because a search may take a while on a busy server.
    this.#missed = { id, at: performance.now() };
    return undefined;
  }

  /**
   * A mongod deletes expired documents about once a minute, the stand-in every second: too fast to
   * see one. So the stand-in pauses, then goes on as before.
   */
  async #pauseStandIn(db: Db): Promise<void> {
    const admin = db.client.db('admin');
    const { modules } = await admin.command({ buildInfo: 1 });
    if (!Array.isArray(modules) || !modules.includes('workshop-stand-in')) return;
    const wait = (ttlMonitorSleepSecs: number) =>
      admin.command({ setParameter: 1, ttlMonitorSleepSecs });
    await wait(pauseSecs);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => void wait(1).catch(() => undefined), pauseSecs * 1000 + 500);
    this.#pause.unref();
  }
}

/** The logins, and for each the session that names it in one of its fields. */
async function lookAtLogins(db: Db, sessions: Collection<Stored>): Promise<Look['logins']> {
  const logins = await db.collection('logins')
    .find({}, { sort: { since: -1 }, limit, maxTimeMS }).toArray();
  if (logins.length === 0) return [];
  const owners = new Map<string, string>();
  for await (const { _id, session } of sessions.find({}, { limit: 10 * limit, maxTimeMS })) {
    const data: unknown = parse(session) ?? session;
    if (!(data instanceof Object)) continue;
    for (const value of Object.values(data)) owners.set(String(value), _id);
  }
  return logins.map(({ _id, user, since }) => {
    const id = String(_id);
    const session = owners.get(id);
    return {
      id,
      user: String(user),
      ...since instanceof Date && { since: since.getTime() },
      ...session !== undefined && { session },
    };
  });
}

function endOf(document: Document | undefined): number | undefined {
  const end: unknown = document?.['expires'];
  return end instanceof Date ? end.getTime() : undefined;
}

/** Parses a string of JSON. @returns undefined if it isn't JSON: the app may encrypt it */
export function parse(text: unknown): unknown {
  try {
    return typeof text === 'string' ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}
