/** The commands that describe the server and manage databases, collections and indexes. */
import { arch, cpus, hostname, platform, totalmem } from 'node:os';

import { Int32, calculateObjectSize } from 'bson';

import { Args } from './args.ts';
import { currentDate, now } from './clock.ts';
import { parseIndex } from './collection.ts';
import type { Collection, Index } from './collection.ts';
import type { Command, Commands, Context, Reply } from './commands.ts';
import { maxWriteBatchSize } from './crud.ts';
import { CommandError, notImplemented } from './errors.ts';
import { compileFilter } from './query.ts';
import type { Doc, Value } from './values.ts';
import {
  compare, field, isDoc, isNumeric, isTruthy, maxDocumentBytes, show, wholeNumber,
} from './values.ts';
import { maxMessageBytes } from './wire.ts';

/** The MongoDB the stand-in behaves like. */
export const version = '8.0.0';

/** Says in `buildInfo` and `serverStatus` that this is no mongod. */
const standInModule = 'workshop-stand-in';

/** MongoDB 8.0's wire protocol version. Source: src/mongo/db/wire_version.h in its repository. */
const maxWireVersion = 25;

const hello: Command = {
  known: [],
  anyField: true,
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

const buildInfo: Command = {
  known: ['buildInfo', 'buildinfo'],
  run: () => ({
    version,
    gitVersion: standInModule,
    modules: [standInModule],
    versionArray: [...version.split('.').map(Number), 0],
    javascriptEngine: 'none',
    storageEngines: [standInModule],
    bits: 64,
    debug: false,
    maxBsonObjectSize: maxDocumentBytes,
    openssl: { running: 'none' },
  }),
};

export const adminCommands: Commands = {
  // --- The server ---
  hello,
  isMaster: hello,
  ismaster: hello,
  ping: { known: ['ping'], run: () => ({}) },
  buildInfo,
  buildinfo: buildInfo,

  hostInfo: {
    known: ['hostInfo'],
    run: () => ({
      system: {
        currentTime: currentDate(),
        hostname: hostname(),
        numCores: cpus().length,
        memSizeMB: Math.round(totalmem() / 2 ** 20),
        cpuArch: arch(),
      },
      os: { type: platform(), name: `Node.js ${process.version}`, version: process.version },
    }),
  },

  serverStatus: { known: [], anyField: true, run: serverStatus },

  connectionStatus: {
    known: ['connectionStatus', 'showPrivileges'],
    run: () => ({ authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] } }),
  },

  whatsmyuri: { known: ['whatsmyuri'], run: ({ address }) => ({ you: address }) },

  getCmdLineOpts: {
    known: ['getCmdLineOpts'], adminOnly: true, run: () => ({ argv: [standInModule], parsed: {} }),
  },

  getLog: {
    known: ['getLog'],
    adminOnly: true,
    run: ({ args }) => {
      const name = args.string('getLog');
      if (name === '*') return { names: ['global', 'startupWarnings'] };
      if (name !== 'global' && name !== 'startupWarnings') {
        throw new CommandError('BadValue', `No log named '${name}'`);
      }
      return { totalLinesWritten: 0, log: [] };
    },
  },

  getParameter: {
    known: [],
    anyField: true,
    adminOnly: true,
    run: ({ args, ttl }) => {
      const values: Reply = {
        ttlMonitorSleepSecs: ttl.sleepSecs,
        ttlMonitorEnabled: ttl.enabled,
        featureCompatibilityVersion: { version: '8.0' },
      };
      if (args.value('getParameter') === '*') return values;
      const asked = Object.entries(values).filter(([name]) => args.has(name));
      if (asked.length === 0) throw new CommandError('InvalidOptions', 'no option found to get');
      return Object.fromEntries(asked);
    },
  },

  setParameter: {
    known: ['setParameter', 'ttlMonitorSleepSecs', 'ttlMonitorEnabled'],
    adminOnly: true,
    run: ({ args, ttl }) => {
      if (args.has('ttlMonitorSleepSecs')) {
        const was = ttl.sleepSecs;
        const seconds = args.number('ttlMonitorSleepSecs') ?? 0;
        if (!(Number.isInteger(seconds) && seconds > 0)) {
          throw new CommandError('BadValue', 'Invalid value for parameter ttlMonitorSleepSecs: '
            + `${seconds} is not greater than 0`);
        }
        ttl.sleepSecs = seconds;
        return { was };
      }
      if (args.has('ttlMonitorEnabled')) {
        const was = ttl.enabled;
        ttl.enabled = args.boolean('ttlMonitorEnabled');
        return { was };
      }
      throw new CommandError('InvalidOptions', 'no option found to set, use setParameter: 1 and a '
        + 'parameter such as ttlMonitorSleepSecs');
    },
  },

  // A session is only a name here: it has nothing to end.
  endSessions: { known: ['endSessions'], run: () => ({}) },
  refreshSessions: { known: ['refreshSessions'], run: () => ({}) },

  // --- Databases ---
  listDatabases: {
    known: ['listDatabases', 'filter', 'nameOnly', 'authorizedDatabases'],
    adminOnly: true,
    run: ({ args, storage }) => {
      const matches = compileFilter(args.object('filter'));
      const databases = Array.from(storage.databases, ([name, collections]): Doc => ({
        name,
        sizeOnDisk: wholeNumber(sizeOf(collections.values())),
        empty: false,
      })).filter(matches).sort((a, b) => compare(a.name, b.name));
      if (args.boolean('nameOnly')) return { databases: databases.map(({ name }) => ({ name })) };
      const totalSize = sizeOf(storage.collections());
      return { databases, totalSize, totalSizeMb: Math.floor(totalSize / 2 ** 20) };
    },
  },

  dropDatabase: {
    known: ['dropDatabase'],
    run: ({ database, storage, cursors }) => {
      cursors.killAll((namespace) => namespace.startsWith(`${database}.`));
      return storage.databases.delete(database) ? { dropped: database } : {};
    },
  },

  dbStats: {
    known: ['dbStats', 'scale', 'freeStorage'],
    run: ({ args, database, storage }) => {
      const collections = [...storage.databases.get(database)?.values() ?? []];
      const scale = args.number('scale') ?? 1;
      const size = sizeOf(collections);
      const objects = collections.reduce((sum, { docs }) => sum + docs.size, 0);
      return {
        db: database,
        collections: collections.length,
        views: 0,
        objects,
        avgObjSize: objects === 0 ? 0 : size / objects,
        dataSize: size / scale,
        storageSize: size / scale,
        indexes: collections.reduce((sum, { indexes }) => sum + indexes.size, 0),
        indexSize: 0,
        totalSize: size / scale,
        scaleFactor: scale,
      };
    },
  },

  // --- Collections ---
  listCollections: {
    known: ['listCollections', 'filter', 'nameOnly', 'authorizedCollections', 'cursor'],
    run: ({ args, database, storage, cursors }) => {
      const matches = compileFilter(args.object('filter'));
      const docs = Array.from(storage.databases.get(database) ?? [], describe).filter(matches);
      const names = docs.map(({ name = '', type = '' }) => ({ name, type }));
      const listed = args.boolean('nameOnly') ? names : docs;
      return listing(
        cursors.start(`${database}.$cmd.listCollections`, listed, batchSize(args)),
      );
    },
  },

  create: {
    known: ['create', 'autoIndexId', 'idIndex'],
    refused: [
      'capped', 'size', 'max', 'validator', 'validationLevel', 'validationAction', 'viewOn',
      'pipeline', 'collation', 'timeseries', 'expireAfterSeconds', 'clusteredIndex',
      'storageEngine', 'indexOptionDefaults', 'changeStreamPreAndPostImages', 'encryptedFields',
    ],
    // Creating what is there already, with the same options, succeeds (since MongoDB 7.0).
    run: ({ args, database, storage }) => {
      storage.open(database, args.string('create'));
      return {};
    },
  },

  drop: {
    known: ['drop'],
    // Dropping what is not there succeeds (since MongoDB 7.0).
    run: ({ args, database, storage, cursors }) => {
      const name = args.string('drop');
      const collection = storage.find(database, name);
      if (collection === undefined) return {};
      storage.drop(database, name);
      cursors.killAll((namespace) => namespace === collection.namespace);
      return { nIndexesWas: collection.indexes.size, ns: collection.namespace };
    },
  },

  // --- Indexes ---
  createIndexes: {
    known: ['createIndexes', 'indexes', 'commitQuorum', 'ignoreUnknownIndexOptions'],
    run: ({ args, database, storage }) => {
      const name = args.string('createIndexes');
      const specs = args.array('indexes');
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
    },
  },

  listIndexes: {
    known: ['listIndexes', 'cursor'],
    refused: ['includeBuildUUIDs', 'includeIndexBuildInfo'],
    run: (context) => {
      const collection = needCollection(context);
      const { args, cursors } = context;
      const specs = Array.from(collection.indexes.values(), ({ spec }) => spec);
      return listing(cursors.start(collection.namespace, specs, batchSize(args)));
    },
  },

  dropIndexes: {
    known: ['dropIndexes', 'index'],
    run: (context) => {
      const collection = needCollection(context);
      const nIndexesWas = collection.indexes.size;
      for (const index of indexesToDrop(collection, context.args.value('index'))) {
        collection.indexes.delete(index.name);
      }
      return { nIndexesWas };
    },
  },

  collMod: {
    known: ['collMod', 'index'],
    refused: ['validator', 'validationLevel', 'validationAction', 'viewOn', 'pipeline'],
    run: (context) => {
      const collection = needCollection(context);
      const { args } = context;
      return args.has('index') ? changeExpiry(collection, args.object('index')) : {};
    },
  },
};

// --- Helpers -----------------------------------------------------------------------------------

function serverStatus({ stats, storage, cursors, ttl }: Context): Reply {
  const uptimeMillis = now() - stats.startedAt.getTime();
  return {
    host: hostname(),
    version,
    process: standInModule,
    modules: [standInModule],
    pid: process.pid,
    uptime: Math.floor(uptimeMillis / 1000),
    uptimeMillis,
    uptimeEstimate: Math.floor(uptimeMillis / 1000),
    localTime: currentDate(),
    connections: {
      current: stats.current,
      available: 1_000_000 - stats.current,
      totalCreated: stats.totalCreated,
    },
    network: { numRequests: stats.requests },
    mem: { bits: 64, resident: Math.round(process.memoryUsage.rss() / 2 ** 20) },
    metrics: {
      cursor: { open: { total: cursors.size } },
      ttl: { deletedDocuments: ttl.deletedDocuments, passes: ttl.passes },
    },
    catalogStats: { collections: Array.from(storage.collections()).length },
    storageEngine: { name: standInModule, persistent: false },
  };
}

/** Bytes of all documents, as BSON. */
function sizeOf(collections: Iterable<Collection>): number {
  let bytes = 0;
  for (const { docs } of collections) {
    for (const doc of docs.values()) bytes += calculateObjectSize(doc);
  }
  return bytes;
}

function describe([name, collection]: [string, Collection]): Doc {
  return {
    name,
    type: 'collection',
    options: {},
    info: { readOnly: false, uuid: collection.uuid },
    idIndex: { v: new Int32(2), key: { _id: new Int32(1) }, name: '_id_' },
  };
}

function batchSize(args: Args): number {
  const cursor = new Args('cursor', args.object('cursor'));
  cursor.check(['batchSize']);
  return cursor.count('batchSize', Infinity);
}

function listing({ id, namespace, docs }: { id: unknown; namespace: string; docs: Doc[] }): Reply {
  return { cursor: { id, ns: namespace, firstBatch: docs } };
}

/** The collection the command names in its first field, which must exist. */
function needCollection({ args, command, database, storage }: Context): Collection {
  const name = args.string(command);
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

function indexesToDrop(collection: Collection, wanted: Value | undefined): Index[] {
  const all = [...collection.indexes.values()];
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

/** `collMod` as far as a TTL index needs it: another `expireAfterSeconds`. */
function changeExpiry(collection: Collection, change: Doc): Reply {
  const args = new Args('collMod.index', change);
  args.check(['name', 'keyPattern', 'expireAfterSeconds']);
  const seconds = args.value('expireAfterSeconds');
  const wanted = args.value('name') ?? args.value('keyPattern');
  const index = findIndex([...collection.indexes.values()], wanted);
  if (index === undefined) {
    throw new CommandError('IndexNotFound', `cannot find index ${show(wanted)} for ns `
      + collection.namespace);
  }
  if (seconds === undefined || !isNumeric(seconds) || isTruthy(field(index.spec, 'unique'))) {
    throw notImplemented('collMod of anything but a TTL index\'s expireAfterSeconds');
  }
  const changed = parseIndex({ ...index.spec, expireAfterSeconds: seconds });
  collection.indexes.set(index.name, changed);
  return {
    ...(index.expireAfterSeconds === undefined
      ? {}
      : { expireAfterSeconds_old: wholeNumber(index.expireAfterSeconds) }),
    expireAfterSeconds_new: seconds,
  };
}
