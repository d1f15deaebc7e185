/** Collections, their indexes, and the databases that hold them, all in memory. */
import { randomUUID } from 'node:crypto';

import { Int32, ObjectId, UUID, calculateObjectSize } from 'bson';

import { RealDate } from './clock.ts';
import { fail, refuseUnknown, refuseUnsupported } from './errors.ts';
import { indexFields, read } from './fields.ts';
import type { Predicate } from './query.ts';
import { wantedIds } from './query.ts';
import type { Doc, Value } from './values.ts';
import {
  checkStorable, field, isDoc, isNumeric, isTruthy, keyOf, parsePath, show, singleAt, toDoc,
  toNumber, typeOf,
} from './values.ts';
import { work } from './work.ts';

/** An index as `listIndexes` shows it, plus what a unique index needs to find duplicates. */
export interface Index {
  readonly name: string;
  readonly key: Doc;
  readonly spec: Doc;
  readonly unique: boolean;
  readonly paths: readonly (readonly string[])[];
  /** TTL: seconds after the indexed date until a document is deleted. */
  readonly expireAfterSeconds: number | undefined;
  /** For a unique index: the document that holds each value, as a key of `Collection.docs`. */
  readonly owners: Map<string, string>;
}

/** Every collection's index on `_id`, for lists: `Collection.docs` finds and tells apart `_id`s. */
export const idIndex: Index = {
  name: '_id_',
  key: toDoc({ _id: 1 }),
  spec: toDoc({ v: 2, key: { _id: 1 }, name: '_id_' }),
  unique: false,
  paths: [['_id']],
  expireAfterSeconds: undefined,
  owners: new Map(),
};

/** Source: "MongoDB Limits and Thresholds" in MongoDB's manual. */
const maxIndexes = 64;

/** Checks one element of createIndexes' `indexes`. */
export function parseIndex(spec: Value): Index {
  if (!isDoc(spec)) fail('TypeMismatch', 'The elements of \'indexes\' must be objects');
  const options = read(indexFields, spec, 'createIndexes.indexes');
  const { key, name, unique } = options;
  for (const option of Object.keys(spec)) {
    if (Object.hasOwn(indexFields, option)) continue;
    refuseUnknown('InvalidIndexSpecificationOption', `The field '${option}' is not valid for an `
    + `index specification. Specification: ${show(spec)}`);
  }
  if (name === '') fail('CannotCreateIndex', 'The index name cannot be empty');
  checkKeyPattern(key);
  return {
    name,
    key,
    spec: { v: new Int32(2), ...spec },
    unique,
    paths: Object.keys(key).map(parsePath),
    expireAfterSeconds: checkExpiry(options.expireAfterSeconds, key),
    owners: new Map(),
  };
}

function checkKeyPattern(key: Doc): void {
  const entries = Object.entries(key);
  if (entries.length === 0) fail('CannotCreateIndex', 'Index keys cannot be an empty object');
  for (const [path, direction] of entries) {
    if (typeof direction === 'string') refuseUnsupported(`An index of type '${direction}'`);
    if (!isNumeric(direction) || !isTruthy(direction) || Number.isNaN(toNumber(direction))) {
      fail('CannotCreateIndex', `An index's order must be 1 or -1, not ${show(direction)}`);
    }
    if (path === '_id' && entries.length === 1) {
      refuseUnsupported('An index on _id alone, beside the one that every collection has,');
    }
  }
}

/** Source: "TTL Indexes" in MongoDB's manual: one field, 0 to 2147483647 seconds. */
function checkExpiry(seconds: number | undefined, key: Doc): number | undefined {
  if (seconds === undefined) return undefined;
  if (!(seconds >= 0 && seconds <= 2_147_483_647)) {
    fail('CannotCreateIndex', `expireAfterSeconds must be 0 to 2147483647, not ${seconds}`);
  }
  const [path = '', another] = Object.keys(key);
  if (another !== undefined) {
    fail('CannotCreateIndex', 'TTL indexes are single-field indexes, not compound ones.');
  }
  if (path.includes('.')) refuseUnsupported('A TTL index on a field inside a document');
  return Math.trunc(seconds);
}

/** Tells indexes on the same fields apart (since MongoDB 5.0). */
function signature({ key, unique }: Index): string {
  return `${keyOf(key)} ${String(unique)}`;
}

export class Collection {
  readonly uuid = new UUID(randomUUID());
  /** The documents in insertion order, by the key of their `_id`. */
  readonly docs = new Map<string, Doc>();
  readonly indexes = new Map([[idIndex.name, idIndex]]);

  constructor(readonly namespace: string) {}

  /** The documents that match a filter, looked up by `_id` if the filter names it. */
  * matching(filter: Doc, isMatch: Predicate): Generator<Doc, void> {
    const ids = wantedIds(filter)?.map(keyOf);
    if (ids === undefined) {
      for (const doc of this.docs.values()) {
        work();
        if (isMatch(doc)) yield doc;
      }
      return;
    }
    for (const key of new Set(ids)) {
      const doc = this.docs.get(key);
      if (doc !== undefined && isMatch(doc)) yield doc;
    }
  }

  /** The size of all documents as BSON, in bytes. */
  bytes(): number {
    let bytes = 0;
    for (const doc of this.docs.values()) bytes += calculateObjectSize(doc);
    return bytes;
  }

  /** Inserts a document, with `_id` moved to the front or generated. Returns what is stored. */
  insert(doc: Doc): Doc {
    const { _id: id = newObjectId(), ...rest } = doc;
    checkId(id);
    const stored = Object.keys(doc)[0] === '_id' ? doc : { _id: id, ...rest };
    checkStorable(stored);
    const key = keyOf(id);
    if (this.docs.has(key)) this.#refuseDuplicate(idIndex.name, idIndex.key, { _id: id });
    this.#enter(key, stored);
    this.docs.set(key, stored);
    return stored;
  }

  /** Replaces a document with its changed version, which keeps its `_id`. */
  replace(old: Doc, next: Doc): void {
    checkStorable(next);
    const key = keyOf(field(old, '_id'));
    this.#enter(key, next, old);
    this.docs.set(key, next);
  }

  remove(doc: Doc): void {
    const key = keyOf(field(doc, '_id'));
    for (const index of this.indexes.values()) {
      for (const entry of uniqueEntries(index, doc)) index.owners.delete(entry);
    }
    this.docs.delete(key);
  }

  /** Adds an index. Returns false when the collection already has it. */
  addIndex(index: Index): boolean {
    for (const existing of this.indexes.values()) {
      const isNamesake = existing.name === index.name;
      const isSame = signature(existing) === signature(index);
      if (!isNamesake && !isSame) continue;
      if (isNamesake && isSame && existing.expireAfterSeconds === index.expireAfterSeconds) {
        return false;
      }
      fail(isSame ? 'IndexOptionsConflict' : 'IndexKeySpecsConflict', 'An index with the same '
      + `${isNamesake ? 'name' : 'fields'} but different options already exists. Requested index: `
      + `${show(index.spec)}, existing index: ${show(existing.spec)}`);
    }
    if (this.indexes.size >= maxIndexes) {
      fail('CannotCreateIndex', `add index fails, too many indexes for ${this.namespace}`);
    }
    for (const [key, doc] of this.docs) {
      for (const entry of this.#checkedEntries(index, key, doc)) index.owners.set(entry, key);
    }
    this.indexes.set(index.name, index);
    return true;
  }

  /** Checks a document against all indexes, then enters it in them: all or none. */
  #enter(key: string, doc: Doc, old?: Doc): void {
    const entered = Array.from(this.indexes.values(), (index) =>
      [index, this.#checkedEntries(index, key, doc)] as const);
    for (const [index, entries] of entered) {
      const gone = old === undefined ? [] : uniqueEntries(index, old);
      for (const entry of gone) index.owners.delete(entry);
      for (const entry of entries) index.owners.set(entry, key);
    }
  }

  /** A document's entries in a unique index. Throws if another document has one of them. */
  #checkedEntries(index: Index, key: string, doc: Doc): string[] {
    const entries = uniqueEntries(index, doc);
    for (const entry of entries) {
      const owner = index.owners.get(entry);
      if (owner === undefined || owner === key) continue;
      this.#refuseDuplicate(index.name, index.key, Object.fromEntries(index.paths.map((path) =>
        [path.join('.'), singleAt(doc, path)])));
    }
    return entries;
  }

  #refuseDuplicate(index: string, keyPattern: Doc, keyValue: Doc): never {
    fail('DuplicateKey', `E11000 duplicate key error collection: `
    + `${this.namespace} index: ${index} dup key: ${show(keyValue)}`, { keyPattern, keyValue });
  }
}

/** A document's entry in a unique index. Refuses arrays, in a compound index that isn't, too. */
function uniqueEntries({ unique, paths }: Index, doc: Doc): string[] {
  if (!unique && paths.length === 1) return [];
  const entry = paths.map((path) => keyOf(singleAt(doc, path))).join('|');
  return unique ? [entry] : [];
}

function newObjectId(): ObjectId {
  return new ObjectId(ObjectId.generate(Math.floor(RealDate.now() / 1000)));
}

function checkId(id: Value): void {
  const type = typeOf(id);
  if (type === 'array' || type === 'regex') {
    fail('InvalidIdField', `The '_id' value cannot be of type ${type}`);
  }
  if (isDoc(id) && Object.keys(id).some((name) => name.startsWith('$'))) {
    fail('DollarPrefixedFieldName', `_id fields may not contain '$'-prefixed fields: ${show(id)}`);
  }
}

/** All databases of the server. A database exists while it has a collection. */
export class Storage {
  readonly databases = new Map<string, Map<string, Collection>>();

  find(database: string, name: string): Collection | undefined {
    return this.databases.get(database)?.get(name);
  }

  /** The collection with this name, created if missing, as a first write does. */
  open(database: string, name: string): Collection {
    const existing = this.find(database, name);
    if (existing !== undefined) return existing;
    checkNames(database, name);
    const created = new Collection(`${database}.${name}`);
    const collections = this.databases.get(database) ?? new Map<string, Collection>();
    this.databases.set(database, collections.set(name, created));
    return created;
  }

  drop(database: string, name: string): void {
    const collections = this.databases.get(database);
    collections?.delete(name);
    if (collections?.size === 0) this.databases.delete(database);
  }

  * collections(): Generator<Collection> {
    for (const collections of this.databases.values()) yield* collections.values();
  }
}

/** Source: "Naming Restrictions" in MongoDB's "Limits and Thresholds". */
function checkNames(database: string, name: string): void {
  const namespace = `${database}.${name}`;
  if (database === '' || Buffer.byteLength(database) > 63 || /[/\\. "$\0]/.test(database)) {
    fail('InvalidNamespace', `Invalid database name: '${database}'`);
  }
  const bad = name === '' || name.startsWith('.') || name.endsWith('.') || /[$\0]/.test(name)
    || name.startsWith('system.') || Buffer.byteLength(namespace) > 255;
  if (bad) fail('InvalidNamespace', `Invalid namespace specified '${namespace}'`);
}
