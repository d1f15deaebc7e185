import type { Collection, Document, MongoClient } from 'mongodb';

/** A session document; connect-mongo's `_id` is the session's id. */
interface SessionDocument extends Document {
  _id: string;
  expires?: unknown;
}

/** What the database holds of one session, at one moment. */
export interface Look {
  /** Database and collection: where the session is, or was looked for first. */
  readonly namespace: string;
  readonly document: SessionDocument | undefined;
  /** When the document ends, in milliseconds since 1970. */
  readonly expires: number | undefined;
  /** Whether MongoDB deletes documents by itself: the seconds after `expires`, if so. */
  readonly ttlSeconds: number | undefined;
  /** How many documents the collection holds. */
  readonly count: number;
}

/** How long the database has to answer, in milliseconds: somebody looks at the page. */
const answerMs = 2000;
/** How often all collections are searched at most, and indexes are listed, in milliseconds. */
const searchMs = 1500;
const indexMs = 1500;

/**
 * Looks into the database in which the app keeps its sessions, with a connection of its own that is
 * opened at the first look.
 */
export class StoreWindow {
  readonly #url: string;
  #client: Promise<MongoClient> | undefined;
  /** Where sessions were found last. */
  #place: { database: string | undefined; collection: string } = {
    database: undefined,
    collection: 'sessions',
  };

  #searched = 0;
  #index: { namespace: string; at: number; seconds: number | undefined } | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * @param id the session to look for; without one, only the collection is looked at
   * @throws {Error} when the database does not answer within 2 s
   */
  async look(id: string | undefined): Promise<Look> {
    const client = await this.#connect();
    let collection = this.#collection(client);
    let document = id === undefined ? null : await collection.findOne({ _id: id }, { maxTimeMS });
    if (!document && id !== undefined && Date.now() - this.#searched >= searchMs) {
      const found = await this.#search(client, id);
      // A search of a big server's collections takes its time.
      this.#searched = Date.now();
      if (found) ({ collection, document } = found);
    }
    const count = await collection.estimatedDocumentCount({ maxTimeMS });
    return {
      namespace: collection.namespace,
      document: document ?? undefined,
      expires: endOf(document),
      ttlSeconds: await this.#ttl(collection),
      count,
    };
  }

  /** When these sessions end, in milliseconds since 1970. Missing ones are left out. */
  async ends(ids: string[]): Promise<Map<string, number>> {
    const collection = this.#collection(await this.#connect());
    const found = collection.find({ _id: { $in: ids } }, { projection: { expires: 1 }, maxTimeMS });
    const ends = new Map<string, number>();
    for await (const document of found) {
      const end = endOf(document);
      if (end !== undefined) ends.set(document._id, end);
    }
    return ends;
  }

  /**
   * Moves a session's end to a moment in the past.
   * @returns that moment in milliseconds since 1970; undefined if there is no such document
   */
  async expire(id: string): Promise<number | undefined> {
    const { document } = await this.look(id);
    if (!document) return undefined;
    const collection = this.#collection(await this.#connect());
    const expires = Date.now() - 1000;
    const { matchedCount } = await collection.updateOne(
      { _id: id },
      { $set: { expires: new Date(expires) } },
    );
    return matchedCount > 0 ? expires : undefined;
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }

  #connect(): Promise<MongoClient> {
    if (!this.#client) {
      this.#client = connect(this.#url);
      // One that failed is tried again at the next look.
      this.#client.catch(() => {
        this.#client = undefined;
      });
    }
    return this.#client;
  }

  #collection(client: MongoClient): Collection<SessionDocument> {
    const { database, collection } = this.#place;
    return client.db(database).collection<SessionDocument>(collection);
  }

  /** Looks for a session in every collection, because an app may choose other names. */
  async #search(client: MongoClient, id: string) {
    for (const database of await databaseNames(client)) {
      for (const name of await collectionNames(client, database)) {
        const collection = client.db(database).collection<SessionDocument>(name);
        const document = await collection.findOne({ _id: id }, { maxTimeMS }).catch(() => null);
        if (!document) continue;
        this.#place = { database, collection: name };
        return { collection, document };
      }
    }
    return undefined;
  }

  async #ttl(collection: Collection<SessionDocument>): Promise<number | undefined> {
    const { namespace } = collection;
    if (this.#index?.namespace === namespace && Date.now() - this.#index.at < indexMs) {
      return this.#index.seconds;
    }
    // There are no indexes before there is a collection.
    const indexes: Document[] = await collection.indexes({ maxTimeMS }).catch(() => []);
    const found = indexes.find(({ key, expireAfterSeconds }) =>
      typeof expireAfterSeconds === 'number' && key instanceof Object && 'expires' in key);
    const seconds = found && Number(found['expireAfterSeconds']);
    this.#index = { namespace, at: Date.now(), seconds };
    return seconds;
  }
}

const maxTimeMS = answerMs;
/** More than these are not searched: a server may hold thousands. */
const most = { databases: 20, collections: 50 };

async function connect(url: string): Promise<MongoClient> {
  // Loaded only now: most of the time nobody looks.
  const { MongoClient } = await import('mongodb');
  const client = new MongoClient(url, {
    appName: 'workshop live picture',
    maxPoolSize: 2,
    serverSelectionTimeoutMS: answerMs,
    connectTimeoutMS: answerMs,
    socketTimeoutMS: 2 * answerMs,
  });
  try {
    return await client.connect();
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** The URL's own database first. A login may not be allowed to list the others. */
async function databaseNames(client: MongoClient): Promise<string[]> {
  const own = client.db().databaseName;
  const listed = await client.db('admin').admin().listDatabases({ nameOnly: true, maxTimeMS })
    .catch(() => ({ databases: [] }));
  const names = listed.databases.map(({ name }) => name);
  const foreign = names.filter((name) => !['admin', 'local', 'config', own].includes(name));
  return [own, ...foreign].slice(0, most.databases);
}

async function collectionNames(client: MongoClient, database: string): Promise<string[]> {
  const listed = await client.db(database).listCollections({}, { nameOnly: true, maxTimeMS })
    .toArray().catch(() => []);
  return listed.map(({ name }) => name)
    .filter((name) => !name.startsWith('system.'))
    .slice(0, most.collections);
}

function endOf(document: SessionDocument | null): number | undefined {
  return document?.expires instanceof Date ? document.expires.getTime() : undefined;
}
