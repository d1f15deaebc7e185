/** The commands that read and write documents. */
import { compilePipeline, map, slice } from './aggregate.ts';
import type { Collection } from './collection.ts';
import type { Command, Reply } from './commands.ts';
import { fail, refuseUnsupported, toCommandError } from './errors.ts';
import { command, fields } from './fields.ts';
import { compileProjection } from './projection.ts';
import { compileFilter } from './query.ts';
import { compileSort } from './sort.ts';
import type { Update } from './update.ts';
import { compileUpdate, upsertDocument } from './update.ts';
import type { Doc, Value } from './values.ts';
import { encode, keyOf, parsePath, valuesAt } from './values.ts';
import { work } from './work.ts';

/** The size of mongod's first batch when the client specifies none. */
const firstBatchSize = 101;

export const crudCommands: Record<string, Command> = {
  insert: command(fields.insert, (args, { database, storage }) => {
    const collection = storage.open(database, args.insert);
    const totals = { n: 0 };
    return runBatch(args.ordered, args.documents, totals, (doc) => {
      collection.insert(doc);
      totals.n += 1;
    });
  }),

  update: command(fields.update, (args, { database, storage }) => {
    const totals = { n: 0, nModified: 0 };
    const upserted: Reply[] = [];
    const reply = runBatch(args.ordered, args.updates, totals, (statement, index) => {
      const { q, multi, upsert } = statement;
      const change = compileUpdate(statement.u);
      if (multi && change.isReplacement) {
        fail('FailedToParse', 'multi update is not supported for replacement-style update');
      }
      const collection = storage.find(database, args.update);
      const targets = Array.from(slice(matches(collection, q), 0, multi ? Infinity : 1));
      if (targets.length === 0 && upsert) {
        const { _id } = storage.open(database, args.update).insert(upsertDocument(q, change));
        upserted.push({ index, _id });
        totals.n += 1;
      }
      for (const doc of targets) {
        if (collection === undefined) break;
        totals.nModified += Number(modify(collection, doc, change).isModified);
        totals.n += 1;
      }
    });
    return upserted.length === 0 ? reply : { ...reply, upserted };
  }),

  delete: command(fields.delete, (args, { database, storage }) => {
    const collection = storage.find(database, args.delete);
    const totals = { n: 0 };
    return runBatch(args.ordered, args.deletes, totals, ({ q, limit }) => {
      for (const doc of Array.from(slice(matches(collection, q), 0, limit || Infinity))) {
        collection?.remove(doc);
        totals.n += 1;
      }
    });
  }),

  find: command(fields.find, (args, { database, storage, cursors, session }) => {
    const project = compileProjection(args.projection);
    const found = compileSort(args.sort)(matches(storage.find(database, args.find), args.filter));
    const reading = {
      namespace: `${database}.${args.find}`,
      session,
      docs: map(slice(found, args.skip, Infinity), project),
      limit: args.limit || Infinity,
    };
    return cursors.start(reading, args.batchSize ?? firstBatchSize, args.singleBatch);
  }),

  getMore: command(fields.getMore, (args, { database, cursors, session }) => cursors.next(
    args.getMore, `${database}.${args.collection}`, session, args.batchSize || Infinity,
  )),

  killCursors: command(fields.killCursors, (args, { cursors }) => {
    const killed = args.cursors.filter((id) => cursors.kill(id));
    return {
      cursorsKilled: killed,
      cursorsNotFound: args.cursors.filter((id) => !killed.includes(id)),
      cursorsAlive: [], cursorsUnknown: [],
    };
  }),

  count: command(fields.count, (args, { database, storage }) => {
    const limit = Math.abs(Math.trunc(args.limit)) || Infinity;
    const found = matches(storage.find(database, args.count), args.query);
    return { n: Array.from(slice(found, args.skip, args.skip + limit)).length };
  }),

  distinct: command(fields.distinct, (args, { database, storage }) => {
    const path = parsePath(args.key);
    const values = new Map<string, Value>();
    for (const doc of matches(storage.find(database, args.distinct), args.query)) {
      for (const value of valuesAt(doc, path, false)) {
        for (const item of Array.isArray(value) ? value : [value]) {
          work();
          const key = keyOf(item);
          // Of equal numbers, such as 1 and 1.0, the first stays.
          if (item !== undefined && !values.has(key)) values.set(key, item);
        }
      }
    }
    return { values: [...values.values()] };
  }),

  aggregate: command(fields.aggregate, (args, { database, storage, cursors, session }) => {
    const { aggregate: name } = args;
    if (typeof name !== 'string') refuseUnsupported('An aggregation without a collection');
    if (args.cursor === undefined) fail('FailedToParse', 'The \'cursor\' option is required');
    const namespace = `${database}.${name}`;
    const collection = storage.find(database, name);
    const docs = compilePipeline(args.pipeline)({ namespace, collection });
    const size = args.cursor.batchSize ?? firstBatchSize;
    return cursors.start({ namespace, session, docs }, size);
  }),

  findAndModify: command(fields.findAndModify, (
    { findAndModify: name, query, sort, remove, update, new: wantsNew, fields, upsert },
    { database, storage },
  ) => {
    if (remove === (update !== undefined)) {
      fail('FailedToParse', 'Either an update or remove=true must be specified, and not both');
    }
    if (remove && (upsert || wantsNew)) {
      fail('FailedToParse', 'Cannot specify upsert=true or new=true together with remove=true');
    }
    const project = compileProjection(fields);
    const collection = storage.find(database, name);
    const [doc] = slice(compileSort(sort)(matches(collection, query)), 0, 1);
    if (remove) {
      if (doc !== undefined) collection?.remove(doc);
      const n = Number(doc !== undefined);
      return { lastErrorObject: { n }, value: doc ? project(doc) : null };
    }
    const change = compileUpdate(update);
    if (doc !== undefined && collection !== undefined) {
      const { next } = modify(collection, doc, change);
      return {
        lastErrorObject: { n: 1, updatedExisting: true },
        value: project(wantsNew ? next : doc),
      };
    }
    if (!upsert) return { lastErrorObject: { n: 0, updatedExisting: false }, value: null };
    const inserted = storage.open(database, name).insert(upsertDocument(query, change));
    return {
      lastErrorObject: { n: 1, updatedExisting: false, upserted: inserted._id },
      value: wantsNew ? project(inserted) : null,
    };
  }),
};

// --- Reading -----------------------------------------------------------------------------------

function matches(collection: Collection | undefined, filter: Doc): Iterable<Doc> {
  const isMatch = compileFilter(filter); // an invalid filter fails even without a collection
  return collection?.matching(filter, isMatch) ?? [];
}

// --- Writing -----------------------------------------------------------------------------------

/**
 * Runs the statements of one write command, adding to `totals`. A failing statement becomes an
 * entry of `writeErrors`; if the command is ordered, the rest are skipped.
 */
function runBatch<T>(
  ordered: boolean, statements: T[], totals: Reply, run: (statement: T, index: number) => void,
): Reply {
  const writeErrors: Reply[] = [];
  for (const [index, statement] of statements.entries()) {
    try {
      run(statement, index);
    } catch (error) {
      const { code, message, details } = toCommandError(error);
      writeErrors.push({ index, code, errmsg: message, ...details });
      if (ordered) break;
    }
  }
  return writeErrors.length === 0 ? totals : { ...totals, writeErrors };
}

/** Updates one document in its collection. A replacement counts even if it changes nothing. */
function modify(
  collection: Collection, doc: Doc, change: Update,
): { isModified: boolean; next: Doc } {
  work();
  const next = change.apply(doc, { inserting: false });
  const isChanged = Buffer.compare(encode(doc), encode(next)) !== 0;
  if (isChanged) collection.replace(doc, next);
  return { isModified: isChanged || change.isReplacement, next };
}
