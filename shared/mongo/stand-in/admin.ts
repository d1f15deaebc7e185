/** The commands that describe the server and manage databases, collections and indexes. */
import { hostname } from 'node:os';

import { Int32 } from 'bson';

import { currentDate, now } from './clock.ts';
import { parseIndex } from './collection.ts';
import type { Collection, Index } from './collection.ts';
import type { Command, Context, Reply } from './commands.ts';
import type { Batch } from './cursors.ts';
import { CommandError, notImplemented } from './errors.ts';
import { command, fields, maxWriteBatchSize } from './fields.ts';
import { compileFilter } from './query.ts';
import type { Doc, Value } from './values.ts';
import { compare, field, isDoc, maxDocumentBytes, show, wholeNumber } from './values.ts';
import { maxMessageBytes } from './wire.ts';

/** The MongoDB the stand-in behaves like. */
export const version = '8.0.0';

/** Says in `buildInfo` and `serverStatus` that this is no mongod. */
const standInModule = 'workshop-stand-in';

/** MongoDB 8.0's wire protocol version. Source: src/mongo/db/wire_version.h in its repository. */
const maxWireVersion = 25;

/** Takes any field: drivers add what they please. */
const hello: Command = {
  run: ({ connectionId, command }) => ({
    helloOk: true,
    [command === 'hello' ? 'isWritablePrimary' : 'ismaster']: true,
    maxBsonObjectSize: maxDocumentBytes,
    maxMessageSizeBytes: maxMessageBytes,
    maxWriteBatchSize,
    localTime: currentDate(),
    logicalSessionTimeoutMinutes: 30,
    connectionId,
    minWireVersion: 0,
    maxWireVersion,
    readOnly: false,
  }),
};

const buildInfo = command(fields.nothing, () => ({
  version,
  gitVersion: standInModule,
  modules: [standInModule],
  versionArray: [...version.split('.').map(Number), 0],
  maxBsonObjectSize: maxDocumentBytes,
}));

/** A session is only a name here: it has nothing to end or to refresh. */
const sessions: Command = { run: () => ({}) };

export const adminCommands: Record<string, Command> = {
  // --- The server ---
  hello,
  isMaster: hello,
  ismaster: hello,
  ping: command(fields.nothing, () => ({})),
  buildInfo,
  buildinfo: buildInfo,
  endSessions: sessions,
  refreshSessions: sessions,
  serverStatus: { run: serverStatus },

  connectionStatus: command(fields.connectionStatus, () => (
    { authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] } }
  )),

  whatsmyuri: command(fields.nothing, (_args, { address }) => ({ you: address })),

  getCmdLineOpts: command(
    fields.nothing, () => ({ argv: [standInModule], parsed: {} }), { adminOnly: true },
  ),

  getLog: command(fields.getLog, ({ getLog: name }) => {
    if (name !== 'startupWarnings') throw notImplemented(`The log ${name}`);
    return { totalLinesWritten: 0, log: [] };
  }, { adminOnly: true }),

  getParameter: {
    adminOnly: true,
    run: ({ request, ttl }) => {
      const values = {
        ttlMonitorSleepSecs: ttl.sleepSecs,
        featureCompatibilityVersion: { version: '8.0' },
      };
      if (request.getParameter === '*') return values;
      const asked = Object.entries(values).filter(([name]) => Object.hasOwn(request, name));
      if (asked.length === 0) throw new CommandError('InvalidOptions', 'no option found to get');
      return Object.fromEntries(asked);
    },
  },

  setParameter: command(fields.setParameter, ({ ttlMonitorSleepSecs: seconds }, { ttl }) => {
    const was = ttl.sleepSecs;
    if (!Number.isInteger(seconds) || seconds <= 0) {
      throw new CommandError('BadValue', 'Invalid value for parameter ttlMonitorSleepSecs: '
        + `${seconds} is not greater than 0`);
    }
    ttl.sleepSecs = seconds;
    return { was };
  }, { adminOnly: true }),

  // --- Databases ---
  listDatabases: command(fields.listDatabases, ({ filter, nameOnly }, { storage }) => {
    const matches = compileFilter(filter);
    const databases = Array.from(storage.databases, ([name, collections]): Doc => nameOnly
      ? { name }
      : { name, sizeOnDisk: wholeNumber(sizeOf(collections.values())), empty: false })
      .filter(matches).sort((a, b) => compare(a.name, b.name));
    if (nameOnly) return { databases };
    return { databases, totalSize: sizeOf(storage.collections()) };
  }, { adminOnly: true }),

  dropDatabase: command(fields.nothing, (_args, { database, storage, cursors }) => {
    cursors.killAll((namespace) => namespace.startsWith(`${database}.`));
    return storage.databases.delete(database) ? { dropped: database } : {};
  }),

  dbStats: command(fields.dbStats, ({ scale }, { database, storage }) => {
    const collections = [...storage.databases.get(database)?.values() ?? []];
    const size = sizeOf(collections) / scale;
    return {
      db: database,
      collections: collections.length,
      objects: collections.reduce((sum, { docs }) => sum + docs.size, 0),
      dataSize: size,
      storageSize: size,
      indexes: collections.reduce((sum, { indexes }) => sum + indexes.size, 0),
      totalSize: size,
      scaleFactor: scale,
    };
  }),

  // --- Collections ---
  listCollections: command(fields.listCollections, (
    { filter, nameOnly, cursor }, { database, storage, cursors, session },
  ) => {
    const docs = Array.from(storage.databases.get(database) ?? [], ([name, { uuid }]): Doc => ({
      name,
      type: 'collection',
      ...nameOnly
        ? {}
        : {
            options: {},
            info: { readOnly: false, uuid },
            idIndex: { v: new Int32(2), key: { _id: new Int32(1) }, name: '_id_' },
          },
    })).filter(compileFilter(filter));
    const namespace = `${database}.$cmd.listCollections`;
    return listing(cursors.start({ namespace, session, docs }, cursor?.batchSize ?? Infinity));
  }),

  // Creating what is there already, with the same options, succeeds (since MongoDB 7.0).
  create: command(fields.create, ({ create: name }, { database, storage }) => {
    storage.open(database, name);
    return {};
  }),

  // Dropping what is not there succeeds (since MongoDB 7.0).
  drop: command(fields.drop, ({ drop: name }, { database, storage, cursors }) => {
    const collection = storage.find(database, name);
    if (collection === undefined) return {};
    storage.drop(database, name);
    cursors.killAll((namespace) => namespace === collection.namespace);
    return { nIndexesWas: collection.indexes.size, ns: collection.namespace };
  }),

  // --- Indexes ---
  createIndexes: command(fields.createIndexes, (args, { database, storage }) => {
    const { createIndexes: name, indexes: specs } = args;
    if (specs.length === 0) {
      throw new CommandError('BadValue', 'Must specify at least one index to create');
    }
    const indexes = specs.map(parseIndex);
    const created = storage.find(database, name) === undefined;
    const collection = storage.open(database, name);
    const numIndexesBefore = collection.indexes.size;
    const added = addAll(collection, indexes);
    return {
      numIndexesBefore,
      numIndexesAfter: collection.indexes.size,
      createdCollectionAutomatically: created,
      ...(added ? {} : { note: 'all indexes already exist' }),
    };
  }),

  listIndexes: command(fields.listIndexes, ({ listIndexes: name, cursor }, context) => {
    const { namespace, indexes } = needCollection(name, context);
    const docs = Array.from(indexes.values(), ({ spec }) => spec);
    const { cursors, session } = context;
    return listing(cursors.start({ namespace, session, docs }, cursor?.batchSize ?? Infinity));
  }),

  dropIndexes: command(fields.dropIndexes, ({ dropIndexes: name, index: wanted }, context) => {
    const { indexes } = needCollection(name, context);
    const nIndexesWas = indexes.size;
    for (const index of indexesToDrop([...indexes.values()], wanted)) indexes.delete(index.name);
    return { nIndexesWas };
  }),

  collMod: command(fields.collMod, ({ collMod: name, index: change }, context) => {
    const collection = needCollection(name, context);
    return change === undefined ? {} : changeExpiry(collection, change);
  }),
};

// --- Helpers -----------------------------------------------------------------------------------

function serverStatus({ stats, cursors, ttl }: Context): Reply {
  return {
    host: hostname(),
    version,
    process: standInModule,
    modules: [standInModule],
    pid: process.pid,
    uptime: Math.floor((now() - stats.startedAt.getTime()) / 1000),
    localTime: currentDate(),
    connections: { current: stats.current, totalCreated: stats.totalCreated },
    network: { numRequests: stats.requests },
    mem: { bits: 64, resident: Math.round(process.memoryUsage.rss() / 2 ** 20) },
    metrics: {
      cursor: { open: { total: cursors.size } },
      ttl: { deletedDocuments: ttl.deletedDocuments, passes: ttl.passes },
    },
    storageEngine: { name: standInModule, persistent: false },
  };
}

/** Bytes of all documents, as BSON. */
function sizeOf(collections: Iterable<Collection>): number {
  let bytes = 0;
  for (const collection of collections) bytes += collection.bytes();
  return bytes;
}

function listing({ id, ns, docs }: Batch): Reply {
  return { cursor: { id, ns, firstBatch: docs } };
}

/** The collection with this name, which must exist. */
function needCollection(name: string, { database, storage }: Context): Collection {
  const collection = storage.find(database, name);
  if (collection !== undefined) return collection;
  throw new CommandError('NamespaceNotFound', `ns does not exist: ${database}.${name}`);
}

/** Adds all indexes or, when one is refused, none. */
function addAll(collection: Collection, indexes: Index[]): boolean {
  const added: Index[] = [];
  try {
    for (const index of indexes) if (collection.addIndex(index)) added.push(index);
  } catch (error) {
    for (const { name } of added) collection.indexes.delete(name);
    throw error;
  }
  return added.length > 0;
}

function indexesToDrop(all: Index[], wanted: Value): Index[] {
  if (wanted === '*') return all.filter(({ name }) => name !== '_id_');
  return (Array.isArray(wanted) ? wanted : [wanted]).map((item) => {
    const index = findIndex(all, item);
    if (index === undefined) {
      throw new CommandError('IndexNotFound', isDoc(item)
        ? `can't find index with key: ${show(item)}`
        : `index not found with name [${typeof item === 'string' ? item : show(item)}]`);
    }
    if (index.name === '_id_') throw new CommandError('InvalidOptions', 'cannot drop _id index');
    return index;
  });
}

function findIndex(indexes: Index[], nameOrKey: Value | undefined): Index | undefined {
  return indexes.find(({ name, key }) => isDoc(nameOrKey)
    ? compare(key, nameOrKey) === 0
    : name === nameOrKey);
}

interface IndexChange {
  name: string | undefined; keyPattern: Doc | undefined; expireAfterSeconds: number | undefined;
}

/** `collMod` as far as a TTL index needs it: another `expireAfterSeconds`. */
function changeExpiry(
  collection: Collection, { name, keyPattern, expireAfterSeconds: seconds }: IndexChange,
): Reply {
  const wanted = name ?? keyPattern;
  const index = findIndex([...collection.indexes.values()], wanted);
  if (index === undefined) {
    throw new CommandError('IndexNotFound', `cannot find index ${show(wanted)} for ns `
      + collection.namespace);
  }
  if (seconds === undefined || index.expireAfterSeconds === undefined || index.unique) {
    throw notImplemented('collMod of anything but a TTL index\'s expireAfterSeconds');
  }
  const changed = parseIndex({ ...index.spec, expireAfterSeconds: wholeNumber(seconds) });
  collection.indexes.set(index.name, changed);
  return { expireAfterSeconds_old: index.expireAfterSeconds, expireAfterSeconds_new: seconds };
}
