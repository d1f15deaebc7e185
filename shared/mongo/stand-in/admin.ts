/** The commands that describe the server and manage databases, collections and indexes. */
import { RealDate } from './clock.ts';
import { idIndex, parseIndex } from './collection.ts';
import type { Collection, Index } from './collection.ts';
import type { Command, Context, Reply } from './commands.ts';
import { fail, refuseUnsupported } from './errors.ts';
import { command, fields, maxWriteBatchSize } from './fields.ts';
import { compileFilter } from './query.ts';
import type { Value } from './values.ts';
import { compare, maxDocumentBytes, show, toDoc } from './values.ts';
import { maxMessageBytes } from './wire.ts';

/** The MongoDB version that the stand-in mimics. */
export const version = '8.0.0';

/** Marks the server as no mongod in `buildInfo` and `serverStatus`. */
const standInModule = 'workshop-stand-in';

/** MongoDB 8.0's wire protocol version. Source: src/mongo/db/wire_version.h in its repository. */
const maxWireVersion = 25;

/** Accepts any field: drivers add what they please. */
const hello: Command = ({ command }) => ({
  helloOk: true,
  [command === 'hello' ? 'isWritablePrimary' : 'ismaster']: true,
  maxBsonObjectSize: maxDocumentBytes,
  maxMessageSizeBytes: maxMessageBytes,
  maxWriteBatchSize,
  localTime: new RealDate(),
  logicalSessionTimeoutMinutes: 30,
  minWireVersion: 0,
  maxWireVersion,
  readOnly: false,
});

const buildInfo = command(fields.nothing, () => ({
  version,
  gitVersion: standInModule,
  modules: [standInModule],
  versionArray: [...version.split('.').map(Number), 0],
  maxBsonObjectSize: maxDocumentBytes,
}));

/** A session is only a name here, with nothing to end or refresh. */
const sessions: Command = () => ({});

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
  serverStatus,

  connectionStatus: command(fields.connectionStatus, () => ({
    authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] },
  })),
  getLog: command(fields.getLog, ({ getLog: name }) => {
    if (name !== 'startupWarnings') refuseUnsupported(`The log ${name}`);
    return { totalLinesWritten: 0, log: [] };
  }),
  setParameter: command(fields.setParameter, ({ ttlMonitorSleepSecs }, { ttl }) => ({
    was: ttl.setSleepSecs(ttlMonitorSleepSecs),
  })),

  // --- Databases ---
  listDatabases: command(fields.listDatabases, ({ filter, nameOnly }, { storage }) => {
    const matches = compileFilter(filter);
    const databases = Array.from(storage.databases, ([name, collections]) => toDoc(nameOnly
      ? { name }
      : { name, sizeOnDisk: sizeOf(collections.values()), empty: false }))
      .filter(matches).sort((a, b) => compare(a.name, b.name));
    if (nameOnly) return { databases };
    return { databases, totalSize: sizeOf(storage.collections()) };
  }),

  dropDatabase: command(fields.nothing, (_args, { database, storage, cursors }) => {
    cursors.killAll((namespace) => namespace.startsWith(`${database}.`));
    return storage.databases.delete(database) ? { dropped: database } : {};
  }),

  // --- Collections ---
  listCollections: command(fields.listCollections, (
    { filter, nameOnly, cursor }, { database, storage, cursors, session },
  ) => {
    const docs = Array.from(storage.databases.get(database) ?? [], ([name, { uuid }]) => toDoc({
      name,
      type: 'collection',
      ...!nameOnly && { options: {}, info: { readOnly: false, uuid }, idIndex: idIndex.spec },
    })).filter(compileFilter(filter));
    const namespace = `${database}.$cmd.listCollections`;
    return cursors.start({ namespace, session, docs }, cursor?.batchSize ?? Infinity);
  }),

  // Creating an existing collection with the same options succeeds (since MongoDB 7.0).
  create: command(fields.create, ({ create: name }, { database, storage }) => {
    storage.open(database, name);
    return {};
  }),

  // Dropping a missing collection succeeds (since MongoDB 7.0).
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
    if (specs.length === 0) fail('BadValue', 'Must specify at least one index to create');
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
    return cursors.start({ namespace, session, docs }, cursor?.batchSize ?? Infinity);
  }),

  dropIndexes: command(fields.dropIndexes, ({ dropIndexes: name, index: wanted }, context) => {
    const { indexes } = needCollection(name, context);
    const nIndexesWas = indexes.size;
    for (const index of indexesToDrop([...indexes.values()], wanted)) indexes.delete(index.name);
    return { nIndexesWas };
  }),
};

// --- Helpers -----------------------------------------------------------------------------------

function serverStatus({ startedAt, sockets, ttl }: Context): Reply {
  return {
    version,
    process: standInModule,
    modules: [standInModule],
    pid: process.pid,
    uptime: Math.floor((RealDate.now() - startedAt.getTime()) / 1000),
    localTime: new RealDate(),
    connections: { current: sockets.size },
    metrics: { ttl: { passes: ttl.passes } },
  };
}

/** The total size of all documents as BSON, in bytes. */
function sizeOf(collections: Iterable<Collection>): number {
  let bytes = 0;
  for (const collection of collections) bytes += collection.bytes();
  return bytes;
}

/** The collection with this name, which must exist. */
function needCollection(name: string, { database, storage }: Context): Collection {
  const collection = storage.find(database, name);
  if (collection !== undefined) return collection;
  fail('NamespaceNotFound', `ns does not exist: ${database}.${name}`);
}

/** Adds all indexes, or none if one is refused. */
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
    const index = all.find(({ name, key }) => name === item || compare(key, item) === 0);
    if (index === undefined) fail('IndexNotFound', `can't find the index ${show(item)}`);
    if (index.name === '_id_') fail('InvalidOptions', 'cannot drop _id index');
    return index;
  });
}
