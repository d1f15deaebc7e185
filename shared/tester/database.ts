import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import {
  AbstractCursor, Admin, Collection, Db, MongoClient, MongoInvalidArgumentError,
  MongoNetworkError, MongoNetworkTimeoutError, MongoServerError, type Document, type FindOptions,
  type WriteConcern,
} from 'mongodb';
import { holdUp, type Held } from './held.ts';
import { currentRun } from './run.ts';
import { openDatabase, type Database } from '../mongo/database.ts';
import { canRelay, openRelay, type Relay } from '../mongo/relay.ts';
import { withDatabase } from '../mongo/url.ts';

/** The MongoDB server of this test run, opened once, and the tests' own client. */
let server: Promise<TestServer> | undefined;

/** One that a relay can stand in front of, in case the other is at a MONGO_URL far away. */
let serverNearby: Promise<TestServer> | undefined;

type TestServer = Database & { client: MongoClient };

/** Opens the MongoDB server of this test run, if it is not open yet. */
async function openTestServer(env = process.env): Promise<TestServer> {
  const database = await openDatabase({ env, say: console.error });
  const client = new MongoClient(database.url);
  if (database.engine !== 'MONGO_URL') {
    // As by default in MongoDB, what has expired stays for up to a minute: longer than a test.
    await client.db('admin').command({ setParameter: 1, ttlMonitorSleepSecs: 60 });
  }
  return { ...database, client };
}

/** Removes the databases of tests that were interrupted, and ends the server if it's ours. */
export async function closeTestServer(): Promise<void> {
  await Promise.all([...watchers].map((database) => database.drop()));
  for (const opened of [await server, await serverNearby]) {
    await opened?.client.close();
    await opened?.close();
  }
}

/** A session's document and where it lies. */
export interface StoredSession {
  readonly database: string;
  readonly collection: Collection;
  readonly document: Document;
}

type Gate = (collection: string) => Promise<void>;

const letThrough = () => Promise.resolve();

/** A gate in front of one collection, or of all if none is named. */
function gateOf(name: string | undefined, gate: () => Promise<void>): Gate {
  return (collection) => (collection === (name ?? collection) ? gate() : letThrough());
}

/**
 * A database of a test's own, with a name that no other has. It sees what the app writes and can
 * hold up or refuse deletions, whichever client and collection the app uses.
 */
export class TestDatabase {
  readonly name = `workshop-test-${randomUUID()}`;
  /** The URL of this database, as MONGO_URL would name it. */
  readonly url: string;
  /** On the way to {@link url}, if the database can fall silent. */
  readonly relay: Relay | undefined;
  readonly #directUrl: string;
  readonly #own: MongoClient;
  readonly #clients: MongoClient[] = [];
  readonly #written = new Map<string, { collection: Collection; ids: Set<unknown> }>();
  /** Where the app opened a connection of its own, beside the client that it was given. */
  otherConnection: Error | undefined;
  /** How many times the app has created an index. A store does so once, when it is built. */
  indexCreations = 0;
  /** Whether the app removes expired sessions by itself, at intervals. */
  removesExpired = false;
  /** Whether the app writes without asking whether that worked. */
  writesBlindly = false;
  /** How many updates of the app's found no document, such as a session that it had deleted. */
  updatesOfNothing = 0;
  #pendingCommands = 0;
  /** What the database does before it reads, stores or deletes something in a collection. */
  readonly before: Record<'read' | 'write' | 'deletion', Gate> = {
    read: letThrough, write: letThrough, deletion: letThrough,
  };

  private constructor({ url, client }: TestServer, relay: Relay | undefined) {
    // As in a provider's addresses, there's an option already, so code that appends `?…` fails.
    const address = withDatabase(relay?.url ?? url, this.name);
    this.url = address.includes('?') ? address : `${address}?retryReads=true`;
    this.relay = relay;
    this.#directUrl = withDatabase(url, this.name);
    this.#own = client;
    watchers.add(this);
  }

  /** @param canFallSilent whether a relay leads to it */
  static async create(canFallSilent = false): Promise<TestDatabase> {
    let opened = await (server ??= openTestServer());
    currentRun().database = opened.line;
    if (canFallSilent && !canRelay(opened.url)) {
      const env = { ...process.env, WORKSHOP_MONGO: 'stand-in' };
      opened = await (serverNearby ??= openTestServer(env));
    }
    given.add(opened.client);
    return new TestDatabase(opened, canFallSilent ? await openRelay(opened.url) : undefined);
  }

  /** A connected client, for the app. */
  async connect(): Promise<MongoClient> {
    // Many apps set ignoreUndefined. Then a query for an undefined id finds any document.
    const client = new MongoClient(this.#directUrl, {
      monitorCommands: true, ignoreUndefined: true,
    });
    given.add(client);
    client.on('commandStarted', ({ command }: { command: Document }) => {
      this.#pendingCommands++;
      const { writeConcern }: { writeConcern?: WriteConcern } = command;
      this.writesBlindly ||= writeConcern?.w === 0;
    });
    client.on('commandSucceeded', ({ commandName, reply }) => {
      this.#pendingCommands--;
      if (commandName === 'update' && (reply as { n?: number }).n === 0) this.updatesOfNothing++;
    });
    client.on('commandFailed', () => { this.#pendingCommands--; });
    this.#clients.push(client);
    return client.connect();
  }

  /**
   * The session documents that the app has written and that still lie in a database. An app may
   * write other things beside them; a session can be told by its content and its expiry.
   */
  async sessions(): Promise<StoredSession[]> {
    const found: StoredSession[] = [];
    for (const { collection: { dbName, collectionName }, ids } of this.#written.values()) {
      found.push(...await this.#find(dbName, collectionName, { _id: { $in: [...ids] } }));
    }
    return found;
  }

  /** All documents of a collection of the app's. */
  documents(collection: string): Promise<Document[]> {
    return this.#own.db(this.name).collection(collection).find().toArray();
  }

  /** Deletes all documents of a collection of the app's, as another process may. */
  async deleteDocuments(collection: string): Promise<void> {
    await this.#own.db(this.name).command({ delete: collection, deletes: [{ q: {}, limit: 0 }] });
  }

  /**
   * A session that another process has written, such as index.ts: the one in this database that
   * was written last, or, if the app uses another database of the server's, the one with this id.
   */
  async sessionElsewhere(id: string): Promise<StoredSession | undefined> {
    const [here] = await this.#newest(this.name, {});
    if (here) return here;
    const { databases } = await this.#own.db().admin().listDatabases({ nameOnly: true });
    for (const { name } of databases) {
      if (['admin', 'config', 'local'].includes(name)) continue;
      const [there] = await this.#newest(name, { _id: id });
      if (there) this.noteWrite(there.collection, id);
      if (there) return there;
    }
    return undefined;
  }

  /** The sessions in a database, in each collection the newest first. */
  async #newest(database: string, filter: Document): Promise<StoredSession[]> {
    const found: StoredSession[] = [];
    const collections = this.#own.db(database).listCollections({}, { nameOnly: true });
    for (const { name } of await collections.toArray()) {
      found.push(...await this.#find(database, name, filter, { sort: { expires: -1 } }));
    }
    return found;
  }

  async #find(
    database: string, name: string, filter: Document, options?: FindOptions,
  ): Promise<StoredSession[]> {
    const collection = this.#own.db(database).collection(name);
    const documents = await collection.find(filter, options).toArray();
    // Other documents may expire, too, but what a store keeps of a session has a `session`.
    return documents.filter((document) => 'session' in document)
      .map((document) => ({ database, collection, document }));
  }

  /** From now on the database holds up every deletion until it is released. */
  holdDeletions(): Held {
    const { held, wait } = holdUp();
    this.before.deletion = wait;
    return held;
  }

  /**
   * The database holds up the next write or deletion until it is released.
   * @param of one collection, or all
   */
  holdNext(what: 'write' | 'deletion', of?: string): Held {
    const { held, wait } = holdUp();
    this.before[what] = gateOf(of, () => {
      this.before[what] = letThrough;
      return wait();
    });
    return held;
  }

  /**
   * From now on the database refuses every deletion.
   * @param from one collection, or all
   * @param times how often it does so
   * @returns how often it has done so
   */
  refuseDeletions(from?: string, times = Infinity): { count: number } {
    const refused = { count: 0 };
    const refusal = new Error('the database refused the deletion');
    this.before.deletion = gateOf(from, () => (
      ++refused.count > times ? letThrough() : Promise.reject(refusal)
    ));
    return refused;
  }

  /** From now on the database holds up everything that is stored until it is released. */
  holdWrites(): Held {
    const { held, wait } = holdUp();
    this.before.write = wait;
    return held;
  }

  /**
   * From now on the database refuses to store anything.
   * @param into one collection, or all
   * @param after how many times it still stores something
   * @returns what ends that
   */
  refuseWrites(into?: string, after = 0): () => void {
    const refusal = new Error('the database refused to store');
    let writes = 0;
    this.before.write = gateOf(into, () => (
      ++writes > after ? Promise.reject(refusal) : letThrough()
    ));
    return () => { this.before.write = letThrough; };
  }

  /**
   * From now on all reading and storing fails, as the driver does it.
   * @param of one collection, or all
   * @returns what ends that
   */
  async fail(how: keyof typeof errors, of?: string): Promise<() => void> {
    const error = await errors[how]();
    this.before.read = this.before.write = gateOf(of, () => Promise.reject(error));
    return () => { this.before.read = this.before.write = letThrough; };
  }

  /** Lets one more read through. The next operation fails, as in an outage, and later ones wait. */
  failAfterRead(): Held {
    const { held, wait } = holdUp();
    let operations = 0;
    this.before.read = this.before.write = () => {
      operations++;
      if (operations > 2) return wait();
      return operations === 1 ? letThrough() : Promise.reject(errors.silence());
    };
    return held;
  }

  /** From now on all reading and storing waits until it's released. */
  holdAll(): Held {
    const { held, wait } = holdUp();
    this.before.read = this.before.write = wait;
    return held;
  }

  /** Removes what the app wrote and closes all clients. */
  async close(): Promise<void> {
    watchers.delete(this);
    // A store that has just been built may still be creating its index. Closing the client under
    // it would reject a promise that nobody holds.
    do await setImmediate(); while (this.#pendingCommands > 0);
    for (const { collection, ids } of this.#written.values()) {
      if (collection.dbName === this.name) continue;
      const mine = this.#own.db(collection.dbName).collection(collection.collectionName);
      await mine.deleteMany({ _id: { $in: [...ids] } } as Document);
    }
    await this.drop();
    await Promise.all(this.#clients.map((client) => client.close()));
    await this.relay?.close();
  }

  async drop(): Promise<void> {
    await this.#own.db(this.name).dropDatabase();
  }

  noteWrite(collection: Collection, id: unknown): void {
    const entry = this.#written.get(collection.namespace) ?? { collection, ids: new Set() };
    entry.ids.add(id);
    this.#written.set(collection.namespace, entry);
  }
}

const errors = {
  silence: () => new MongoNetworkTimeoutError('connection 7 to 127.0.0.1:27017 timed out'),
  'a broken connection': () => new MongoNetworkError('connection 7 to 127.0.0.1:27017 closed'),
  'no server': async () => {
    const client = new MongoClient('mongodb://127.0.0.1:1', { serverSelectionTimeoutMS: 1 });
    given.add(client);
    const error: unknown = await client.connect().catch((error: unknown) => error);
    await client.close();
    return error instanceof Error ? error : new Error('A server answers where none can be.');
  },
  'a duplicate key': () => (
    new MongoServerError({ message: 'E11000 duplicate key', code: 11_000 })
  ),
  'a wrong argument': () => new MongoInvalidArgumentError('Argument "docs" must be an array'),
};

/*
 * The app's calls are watched where the driver is called, so that they are seen with any client,
 * any server (TLS and Atlas too), any database and collection name.
 */
const watchers = new Set<TestDatabase>();

/** The clients that are not the app's own. */
const given = new WeakSet<MongoClient>();

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with the right `this` below
const { connect } = MongoClient.prototype;
MongoClient.prototype.connect = function (this: MongoClient) {
  if (!given.has(this)) {
    for (const watcher of watchers) watcher.otherConnection ??= new Error('A client connects.');
  }
  return connect.call(this);
};

/** Calls `before` with the object and the first argument of each call of a driver's method. */
function watch<T extends object>(
  { prototype }: { prototype: T },
  name: keyof T & string,
  before: (on: T, first: Document) => void | Promise<void>,
): void {
  const original: unknown = Reflect.get(prototype, name);
  if (typeof original !== 'function') throw new Error(`The driver has no ${name}().`);
  const watched = async function (this: T, first: Document, ...rest: unknown[]) {
    await before(this, first);
    return Reflect.apply(original, this, [first, ...rest]) as unknown;
  };
  Reflect.set(prototype, name, watched);
}

/** Whose database a call is about. An app may use one that's none of the tests'. */
function watchersOf(database?: string): TestDatabase[] {
  const own = [...watchers].filter(({ name }) => name === database);
  return own.length > 0 ? own : [...watchers];
}

async function beforeRead(database?: string, collection = ''): Promise<void> {
  for (const watcher of watchersOf(database)) await watcher.before.read(collection);
}

for (const name of ['distinct', 'estimatedDocumentCount'] as const) {
  watch(Collection, name, ({ dbName, collectionName }) => beforeRead(dbName, collectionName));
}
/** Cursors that have begun to read. */
const reading = new WeakSet();
// All else that reads asks a cursor for the next document: findOne(), toArray(), countDocuments().
watch(AbstractCursor, 'next', async (cursor) => {
  if (reading.has(cursor)) return;
  reading.add(cursor);
  const { db, collection } = cursor.namespace;
  await beforeRead(db, collection);
});
// A command, such as a ping, reads as well.
watch(Db, 'command', ({ databaseName }) => beforeRead(databaseName));
watch(Admin, 'command', () => beforeRead());

async function beforeWrite(collection: Collection, id: unknown): Promise<void> {
  const concerned = watchersOf(collection.dbName);
  for (const watcher of concerned) watcher.noteWrite(collection, id);
  for (const watcher of concerned) await watcher.before.write(collection.collectionName);
}

async function beforeDeletion({ dbName, collectionName }: Collection): Promise<void> {
  for (const watcher of watchersOf(dbName)) await watcher.before.deletion(collectionName);
}

/** `{ insertOne: { document } }`, `{ updateOne: { filter, … } }`, and so on. */
type BulkOperation = Record<string, { document?: Document; filter?: Document }>;

// Their first argument is a filter or a document, and both have the _id.
for (const name of [
  'updateOne', 'updateMany', 'replaceOne', 'findOneAndUpdate', 'findOneAndReplace', 'insertOne',
] as const) {
  watch(Collection, name, (collection: Collection, { _id }) => beforeWrite(collection, _id));
}
// insertMany() calls it.
watch(Collection, 'bulkWrite', async (collection: Collection, operations) => {
  for (const operation of Object.values(operations) as BulkOperation[]) {
    for (const [name, { document, filter }] of Object.entries(operation)) {
      if (name.startsWith('delete')) await beforeDeletion(collection);
      else await beforeWrite(collection, (document ?? filter)?._id);
    }
  }
});
watch(Collection, 'createIndex', ({ dbName }) => {
  for (const watcher of watchersOf(dbName)) watcher.indexCreations++;
});
watch(Collection, 'deleteMany', (collection: Collection, filter) => {
  if (!('expires' in filter)) return beforeDeletion(collection);
  for (const watcher of watchersOf(collection.dbName)) watcher.removesExpired = true;
});
for (const name of ['deleteOne', 'findOneAndDelete'] as const) {
  watch(Collection, name, beforeDeletion);
}
