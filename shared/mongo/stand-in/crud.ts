/** The commands that read and write documents. */
import { Int32 } from 'bson';

import { Args } from './args.ts';
import { compilePipeline, leadingFilter, slice } from './aggregate.ts';
import type { Batch } from './cursors.ts';
import type { Collection } from './collection.ts';
import type { Commands, Context, Reply } from './commands.ts';
import { CommandError, notImplemented, toCommandError } from './errors.ts';
import { compileProjection } from './projection.ts';
import { compileFilter, compileSort } from './query.ts';
import type { Update } from './update.ts';
import { compileUpdate, upsertDocument } from './update.ts';
import type { Doc, Value } from './values.ts';
import { encode, field, isDoc, isNumeric, keyOf, toNumber, valuesAt } from './values.ts';

/** mongod's size of a first batch when the client names none. */
const firstBatchSize = 101;

/** The most statements one write command may have, as `hello` reports it. */
export const maxWriteBatchSize = 100_000;

const notHere = ['collation', 'hint', 'let', 'min', 'max'] as const;

export const crudCommands: Commands = {
  insert: {
    known: ['insert', 'documents', 'ordered', 'bypassDocumentValidation'],
    run: ({ args, database, storage }) => {
      const collection = storage.open(database, args.string('insert'));
      const docs = args.list('documents');
      return runBatch(args, docs, (statement) => {
        collection.insert(statement.doc);
        return { n: 1 };
      });
    },
  },

  update: {
    known: ['update', 'updates', 'ordered', 'bypassDocumentValidation'],
    refused: ['let'],
    run: (context) => {
      const { args } = context;
      const name = args.string('update');
      const upserted: Doc[] = [];
      const reply = runBatch(args, args.list('updates'), (statement, index) => {
        statement.check(
          ['q', 'u', 'upsert', 'multi', 'upsertSupplied', 'sampleId'],
          ['c', 'collation', 'arrayFilters', 'hint', 'sort'],
        );
        const result = update(context, name, {
          filter: statement.object('q'),
          update: compileUpdate(statement.value('u')),
          upsert: statement.boolean('upsert'),
          multi: statement.boolean('multi'),
        });
        if (result.upsertedId === undefined) return { n: result.n, nModified: result.nModified };
        upserted.push({ index: new Int32(index), _id: result.upsertedId });
        return { n: 1, nModified: 0 };
      });
      return upserted.length === 0 ? reply : { ...reply, upserted };
    },
  },

  delete: {
    known: ['delete', 'deletes', 'ordered'],
    refused: ['let'],
    run: ({ args, database, storage }) => {
      const collection = storage.find(database, args.string('delete'));
      return runBatch(args, args.list('deletes'), (statement) => {
        statement.check(['q', 'limit'], ['collation', 'hint']);
        const limit = statement.number('limit');
        if (limit !== 0 && limit !== 1) {
          throw new CommandError('FailedToParse', 'The limit field in delete objects must be 0 or '
            + `1. Got ${limit ?? 'none'}`);
        }
        const filter = statement.object('q');
        const matching = matches(collection, filter);
        const doomed = Array.from(limit === 1 ? slice(matching, 0, 1) : matching);
        for (const doc of doomed) collection?.remove(doc);
        return { n: doomed.length };
      });
    },
  },

  find: {
    known: [
      'find', 'filter', 'sort', 'projection', 'skip', 'limit', 'batchSize', 'singleBatch',
      'allowDiskUse', 'noCursorTimeout', 'allowPartialResults', 'oplogReplay',
    ],
    refused: [
      ...notHere, 'returnKey', 'showRecordId', 'tailable', 'awaitData', 'resumeAfter', 'term',
      'requestResumeToken',
    ],
    run: ({ args, database, storage, cursors }) => {
      const name = args.string('find');
      const collection = storage.find(database, name);
      const project = compileProjection(args.object('projection'));
      const skip = args.count('skip', 0);
      const limit = args.count('limit', 0) || Infinity;
      const sorted = sortMatches(matches(collection, args.object('filter')), args.object('sort'));
      const docs = Array.from(slice(sorted, skip, skip + limit), project);
      const size = args.count('batchSize', firstBatchSize);
      return firstBatch(
        cursors.start(`${database}.${name}`, docs, size, args.boolean('singleBatch')),
      );
    },
  },

  getMore: {
    known: ['getMore', 'collection', 'batchSize'],
    refused: ['term', 'lastKnownCommittedOpTime'],
    run: ({ args, database, cursors }) => {
      const size = args.count('batchSize', 0) || Infinity;
      const namespace = `${database}.${args.string('collection')}`;
      const { id, docs } = cursors.next(args.long('getMore'), namespace, size);
      return { cursor: { nextBatch: docs, id, ns: namespace } };
    },
  },

  killCursors: {
    known: ['killCursors', 'cursors'],
    run: ({ args, cursors }) => {
      const killed: Value[] = [];
      const notFound: Value[] = [];
      for (const [index, id] of args.array('cursors').entries()) {
        const long = new Args('killCursors.cursors', { [index]: id }).long(String(index));
        (cursors.kill(long) ? killed : notFound).push(id);
      }
      return {
        cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [],
      };
    },
  },

  count: {
    known: ['count', 'query', 'limit', 'skip', 'fields'],
    refused: [...notHere],
    run: ({ args, database, storage }) => {
      const collection = storage.find(database, args.string('count'));
      const skip = args.count('skip', 0);
      const limit = Math.abs(Math.trunc(args.number('limit') ?? 0)) || Infinity;
      const found = slice(matches(collection, args.object('query')), skip, skip + limit);
      return { n: Array.from(found).length };
    },
  },

  distinct: {
    known: ['distinct', 'key', 'query'],
    refused: [...notHere],
    run: ({ args, database, storage }) => {
      const collection = storage.find(database, args.string('distinct'));
      const path = args.string('key').split('.');
      const values = new Map<string, Value>();
      for (const doc of matches(collection, args.object('query'))) {
        for (const value of valuesAt(doc, path, false)) {
          for (const item of Array.isArray(value) ? value : [value]) {
            if (item !== undefined) values.set(keyOf(item), item);
          }
        }
      }
      return { values: [...values.values()] };
    },
  },

  aggregate: {
    known: ['aggregate', 'pipeline', 'cursor', 'allowDiskUse', 'bypassDocumentValidation'],
    refused: [...notHere, 'explain', 'exchange', 'needsMerge', 'fromMongos'],
    run: ({ args, database, storage, cursors }) => {
      const name = args.value('aggregate');
      if (typeof name !== 'string') throw notImplemented('An aggregation without a collection');
      if (!isDoc(args.value('cursor'))) {
        throw new CommandError('FailedToParse', 'The \'cursor\' option is required, except for '
          + 'aggregate with the explain argument');
      }
      const cursor = new Args('aggregate.cursor', args.object('cursor'));
      cursor.check(['batchSize']);
      const stages = args.array('pipeline');
      const run = compilePipeline(stages);
      const docs = run(storage.find(database, name)?.candidates(leadingFilter(stages)) ?? []);
      const size = cursor.count('batchSize', firstBatchSize);
      return firstBatch(cursors.start(`${database}.${name}`, docs, size));
    },
  },

  findAndModify: {
    known: [
      'findAndModify', 'query', 'sort', 'remove', 'update', 'new', 'fields', 'upsert',
      'bypassDocumentValidation',
    ],
    refused: ['collation', 'hint', 'let', 'arrayFilters'],
    run: (context) => findAndModify(context),
  },
};

// --- Reading -----------------------------------------------------------------------------------

function* matches(collection: Collection | undefined, filter: Doc): Iterable<Doc> {
  const isMatch = compileFilter(filter); // a wrong filter is an error, collection or not
  for (const doc of collection?.candidates(filter) ?? []) if (isMatch(doc)) yield doc;
}

function sortMatches(docs: Iterable<Doc>, order: Doc): Iterable<Doc> {
  const natural = field(order, '$natural');
  if (natural !== undefined) {
    if (!isNumeric(natural) || Object.keys(order).length > 1) {
      throw new CommandError('BadValue', '$natural sort cannot be set to a value other than -1 '
        + 'or 1, nor be combined with other fields.');
    }
    return toNumber(natural) < 0 ? Array.from(docs).reverse() : docs;
  }
  const sort = compileSort(order);
  return Object.keys(order).length === 0 ? docs : sort(docs);
}

function firstBatch({ id, namespace, docs }: Batch): Reply {
  return { cursor: { firstBatch: docs, id, ns: namespace } };
}

// --- Writing -----------------------------------------------------------------------------------

/**
 * Runs the statements of one write command. One that fails becomes an entry of `writeErrors`; the
 * rest is skipped when the command is ordered, which is the default.
 */
function runBatch(
  args: Args, statements: Args[],
  run: (statement: Args, index: number) => Record<string, number>,
): Reply {
  if (statements.length === 0 || statements.length > maxWriteBatchSize) {
    throw new CommandError('InvalidLength', 'Write batch sizes must be between 1 and '
      + `${maxWriteBatchSize}. Got ${statements.length} operations.`);
  }
  const ordered = args.value('ordered') === undefined || args.boolean('ordered');
  const totals: Record<string, number> = { n: 0 };
  const writeErrors: Reply[] = [];
  for (const [index, statement] of statements.entries()) {
    try {
      for (const [name, number] of Object.entries(run(statement, index))) {
        totals[name] = (totals[name] ?? 0) + number;
      }
    } catch (error) {
      const { code, message, details } = toCommandError(error);
      writeErrors.push({ index, code, errmsg: message, ...details });
      if (ordered) break;
    }
  }
  return writeErrors.length === 0 ? totals : { ...totals, writeErrors };
}

interface UpdateStatement { filter: Doc; update: Update; upsert: boolean; multi: boolean }

interface UpdateResult { n: number; nModified: number; upsertedId?: Value }

function update(
  { database, storage }: Context, name: string, { filter, update, upsert, multi }: UpdateStatement,
): UpdateResult {
  if (multi && update.isReplacement) {
    throw new CommandError('FailedToParse',
      'multi update is not supported for replacement-style update');
  }
  const collection = storage.find(database, name);
  const found = matches(collection, filter);
  const targets = Array.from(multi ? found : slice(found, 0, 1));
  if (targets.length === 0 && upsert) {
    const doc = upsertDocument(filter, update);
    return { n: 1, nModified: 0, upsertedId: storage.open(database, name).insert(doc) };
  }
  let nModified = 0;
  for (const doc of targets) {
    if (collection !== undefined) nModified += Number(modify(collection, doc, update).changed);
  }
  return { n: targets.length, nModified };
}

/** Updates one document in its collection, unless the update leaves every byte as it was. */
function modify(collection: Collection, doc: Doc, update: Update): { changed: boolean; next: Doc } {
  const next = update.apply(doc, { inserting: false });
  const changed = Buffer.compare(encode(doc), encode(next)) !== 0;
  if (changed) collection.replace(doc, next);
  return { changed, next };
}

function findAndModify({ args, database, storage, command }: Context): Reply {
  const name = args.string(command);
  const filter = args.object('query');
  const remove = args.boolean('remove');
  const upsert = args.boolean('upsert');
  const wantsNew = args.boolean('new');
  if (remove === args.has('update')) {
    throw new CommandError('FailedToParse', remove
      ? 'Cannot specify both an update and remove=true'
      : 'Either an update or remove=true must be specified');
  }
  if (remove && (upsert || wantsNew)) {
    throw new CommandError('FailedToParse', 'Cannot specify both '
      + `${upsert ? 'upsert' : 'new'}=true and remove=true`);
  }
  const project = compileProjection(args.object('fields'));
  const collection = storage.find(database, name);
  const [doc] = slice(sortMatches(matches(collection, filter), args.object('sort')), 0, 1);
  if (remove) {
    if (doc !== undefined) collection?.remove(doc);
    return { lastErrorObject: { n: Number(doc !== undefined) }, value: doc ? project(doc) : null };
  }
  const change = compileUpdate(args.value('update'));
  if (doc !== undefined && collection !== undefined) {
    const { next } = modify(collection, doc, change);
    return {
      lastErrorObject: { n: 1, updatedExisting: true },
      value: project(wantsNew ? next : doc),
    };
  }
  if (!upsert) return { lastErrorObject: { n: 0, updatedExisting: false }, value: null };
  const inserted = upsertDocument(filter, change);
  const upserted = storage.open(database, name).insert(inserted);
  return {
    lastErrorObject: { n: 1, updatedExisting: false, upserted },
    value: wantsNew ? project(inserted) : null,
  };
}
