/** Collections, their indexes, and the databases that hold them. All of it lives in memory. */
import { randomUUID } from 'node:crypto';

import { Int32, UUID, calculateObjectSize } from 'bson';

import { CommandError, notImplemented } from './errors.ts';
import type { Predicate } from './query.ts';
import { compileFilter, wantedIds } from './query.ts';
import { newObjectId } from './update.ts';
import type { Doc, Value } from './values.ts';
import {
  compare, field, isDoc, isNumeric, isTruthy, keyOf, keysAt, maxDocumentBytes, show,
  toNumber, typeOf,
} from './values.ts';

/** An index as `listIndexes` shows it, and what a unique one needs to find duplicates. */
export interface Index {
  readonly name: string;
  readonly key: Doc;
  readonly spec: Doc;
  readonly unique: boolean;
  readonly sparse: boolean;
  readonly paths: readonly (readonly string[])[];
  /** The index leaves out documents that do not match (`partialFilterExpression`). */
  readonly covers: Predicate | undefined;
  /** TTL: seconds after the indexed date at which a document is deleted. */
  readonly expireAfterSeconds: number | undefined;
  /** For a unique index: which document holds which value. Keys of `Collection.docs`. */
  readonly owners: Map<string, string>;
}

const indexOptions = new Set([
  'key', 'name', 'v', 'ns', 'unique', 'sparse', 'background', 'hidden', 'expireAfterSeconds',
  'partialFilterExpression',
]);

/** Options of mongod's that would change what an index does, and which the stand-in has not. */
const refusedIndexOptions = new Set([
  'collation', 'wildcardProjection', 'weights', 'default_language', 'language_override',
  'textIndexVersion', '2dsphereIndexVersion', 'bits', 'min', 'max', 'storageEngine', 'clustered',
  'prepareUnique',
]);

/** Checks one element of createIndexes' `indexes`. */
export function parseIndex(spec: Value): Index {
  if (!isDoc(spec)) {
    throw new CommandError('TypeMismatch', 'The elements of \'indexes\' must be objects');
  }
  const key = field(spec, 'key');
  const name = field(spec, 'name');
  if (!isDoc(key)) throw missingProperty('key');
  if (typeof name !== 'string' || name === '') throw missingProperty('name');
  for (const option of Object.keys(spec)) {
    if (refusedIndexOptions.has(option)) throw notImplemented(`The index option ${option}`);
    const isKnown = compare(key, idKey) === 0 ? isIdIndexOption(option) : indexOptions.has(option);
    if (!isKnown) {
      throw new CommandError('InvalidIndexSpecificationOption', `The field '${option}' is not `
        + `valid for an index specification. Specification: ${show(spec)}`);
    }
  }
  checkKeyPattern(key);
  const partial = field(spec, 'partialFilterExpression');
  if (partial !== undefined && !isDoc(partial)) {
    throw new CommandError('TypeMismatch', '\'partialFilterExpression\' must be an object');
  }
  const shown = Object.entries(spec).filter(([option]) => !unshownOptions.has(option));
  return {
    name,
    key,
    spec: { v: new Int32(2), ...Object.fromEntries(shown) },
    unique: isTruthy(field(spec, 'unique')),
    sparse: isTruthy(field(spec, 'sparse')),
    paths: Object.keys(key).map((path) => path.split('.')),
    covers: partial === undefined ? undefined : compileFilter(partial),
    expireAfterSeconds: parseExpiry(spec, key),
    owners: new Map(),
  };
}

function missingProperty(name: string): CommandError {
  return new CommandError(
    'FailedToParse', `The '${name}' field is a required property of an index specification`,
  );
}

function isIdIndexOption(option: string): boolean {
  return ['key', 'name', 'background'].includes(option) || unshownOptions.has(option);
}

/** Options that say nothing about the index: `listIndexes` leaves them out or has its own. */
const unshownOptions = new Set(['ns', 'v']);

const idKey: Doc = { _id: new Int32(1) };

function checkKeyPattern(key: Doc): void {
  const entries = Object.entries(key);
  if (entries.length === 0) {
    throw new CommandError('CannotCreateIndex', 'Index keys cannot be an empty object');
  }
  for (const [path, direction] of entries) {
    if (path.split('.').some((part) => part === '' || part.startsWith('$'))) {
      if (path.includes('$**')) throw notImplemented('A wildcard index');
      throw new CommandError('CannotCreateIndex', `The index key path '${path}' is not valid`);
    }
    if (typeof direction === 'string') throw notImplemented(`An index of type '${direction}'`);
    if (!isNumeric(direction) || !isTruthy(direction) || Number.isNaN(toNumber(direction))) {
      throw new CommandError('CannotCreateIndex', 'Values in v:2 index key pattern must be a '
        + `nonzero number or a string, not ${show(direction)}`);
    }
  }
}

/** Source: "TTL Indexes" in MongoDB's manual: one field, 0 to 2147483647 seconds. */
function parseExpiry(spec: Doc, key: Doc): number | undefined {
  const value = field(spec, 'expireAfterSeconds');
  if (value === undefined) return undefined;
  if (!isNumeric(value)) {
    throw new CommandError('TypeMismatch', 'The field \'expireAfterSeconds\' must be a number, but '
      + `got ${typeOf(value)}`);
  }
  const seconds = toNumber(value);
  if (!(seconds >= 0 && seconds <= 2_147_483_647)) {
    throw new CommandError('CannotCreateIndex', 'TTL index \'expireAfterSeconds\' option must be '
      + `within an acceptable range, try a different number than ${seconds}`);
  }
  if (Object.keys(key).length > 1) {
    throw new CommandError('CannotCreateIndex', 'TTL indexes are single-field indexes, compound '
      + 'indexes do not support TTL.');
  }
  return Math.trunc(seconds);
}

/** What makes two indexes on the same fields different indexes (since MongoDB 5.0). */
function signature({ spec, key, unique, sparse }: Index): string {
  const order = Object.entries(key).map(([path, value]) => `${path}:${keyOf(value)}`).join();
  return `${order} ${String(unique)} ${String(sparse)} `
    + keyOf(field(spec, 'partialFilterExpression'));
}

export class Collection {
  readonly namespace: string;
  readonly uuid = new UUID(randomUUID());
  /** The documents in the order they came, by the key of their `_id`. */
  readonly docs = new Map<string, Doc>();
  readonly indexes = new Map<string, Index>();

  constructor(namespace: string) {
    this.namespace = namespace;
    this.indexes.set('_id_', parseIndex({ key: idKey, name: '_id_' }));
  }

  /** The documents a filter may match, found by `_id` where the filter gives it. */
  candidates(filter: Doc): Iterable<Doc> {
    const ids = wantedIds(filter);
    if (ids === undefined) return this.docs.values();
    const found = new Map<string, Doc>();
    for (const id of ids) {
      const key = keyOf(id);
      const doc = this.docs.get(key);
      if (doc !== undefined) found.set(key, doc);
    }
    return found.values();
  }

  /** Inserts a document, with `_id` made first or made up. Returns its `_id`. */
  insert(doc: Doc): Value {
    const { _id: id = newObjectId(), ...rest } = doc;
    checkId(id);
    const stored = Object.keys(doc)[0] === '_id' ? doc : { _id: id, ...rest };
    checkSize(stored);
    const key = keyOf(id);
    if (this.docs.has(key)) throw this.#duplicate('_id_', idKey, { _id: id });
    this.#enter(key, stored);
    this.docs.set(key, stored);
    return id;
  }

  /** Puts a changed document in the place of the one with the same `_id`. */
  replace(old: Doc, next: Doc): void {
    checkSize(next);
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

  /** Adds an index. Returns false when the collection has it already. */
  addIndex(index: Index): boolean {
    if (compare(index.key, idKey) === 0) return false;
    const namesake = this.indexes.get(index.name);
    if (namesake !== undefined) {
      const both = `Requested index: ${show(index.spec)}, existing index: ${show(namesake.spec)}`;
      if (signature(namesake) !== signature(index)) {
        throw new CommandError('IndexKeySpecsConflict', 'An existing index has the same name as '
          + `the requested index. When index names are not specified, they are auto generated and `
          + `can cause conflicts. Please refer to our documentation. ${both}`);
      }
      if (
        namesake.expireAfterSeconds !== index.expireAfterSeconds
        || isTruthy(field(namesake.spec, 'hidden')) !== isTruthy(field(index.spec, 'hidden'))
      ) {
        throw new CommandError('IndexOptionsConflict', 'An equivalent index already exists with '
          + `the same name but different options. ${both}`);
      }
      return false;
    }
    for (const existing of this.indexes.values()) {
      if (signature(existing) === signature(index)) {
        throw new CommandError('IndexOptionsConflict', 'Index already exists with a different '
          + `name: ${existing.name}`);
      }
    }
    for (const [key, doc] of this.docs) this.#enterIndex(index, key, doc);
    this.indexes.set(index.name, index);
    return true;
  }

  /** Checks a document against the indexes, then notes it in them: all or none. */
  #enter(key: string, doc: Doc, old?: Doc): void {
    const unique = [...this.indexes.values()].filter((index) => needsKeys(index));
    for (const index of unique) {
      for (const entry of uniqueEntries(index, doc)) this.#refuseDuplicate(index, entry, key, doc);
    }
    for (const index of unique) {
      if (old !== undefined) {
        for (const entry of uniqueEntries(index, old)) index.owners.delete(entry);
      }
      for (const entry of uniqueEntries(index, doc)) index.owners.set(entry, key);
    }
  }

  #enterIndex(index: Index, key: string, doc: Doc): void {
    for (const entry of uniqueEntries(index, doc)) {
      this.#refuseDuplicate(index, entry, key, doc);
      index.owners.set(entry, key);
    }
  }

  #refuseDuplicate(index: Index, entry: string, key: string, doc: Doc): void {
    const owner = index.owners.get(entry);
    if (owner === undefined || owner === key) return;
    const value: Doc = {};
    for (const path of index.paths) {
      value[path.join('.')] = keysAt(doc, path).find((part) => part !== undefined) ?? null;
    }
    throw this.#duplicate(index.name, index.key, value);
  }

  #duplicate(index: string, keyPattern: Doc, keyValue: Doc): CommandError {
    return new CommandError('DuplicateKey', `E11000 duplicate key error collection: `
      + `${this.namespace} index: ${index} dup key: ${show(keyValue)}`, { keyPattern, keyValue });
  }
}

/** Only unique indexes hold entries; compound ones are asked because arrays may be refused. */
function needsKeys(index: Index): boolean {
  return index.unique || index.paths.length > 1;
}

/** A document's entries in a unique index: one for each element of an array. */
function uniqueEntries(index: Index, doc: Doc): string[] {
  if (!needsKeys(index) || index.covers?.(doc) === false) return [];
  const columns = index.paths.map((path) => [...new Set(keysAt(doc, path).map(keyOf))]);
  const arrays = index.paths.filter((_path, column) => (columns[column]?.length ?? 0) > 1);
  if (arrays.length > 1) {
    const names = arrays.map((path) => `[${path.join('.')}]`).reverse().join(' ');
    throw new CommandError('CannotIndexParallelArrays', `cannot index parallel arrays ${names}`);
  }
  if (!index.unique) return [];
  const missing = index.paths.every((path) => keysAt(doc, path).every((key) => key === null)
    && !hasField(doc, path));
  if (index.sparse && missing) return [];
  return columns.reduce<string[]>(
    (rows, column) => rows.flatMap((row) => column.map((part) => `${row}|${part}`)), [''],
  );
}

function hasField(doc: Doc, path: readonly string[]): boolean {
  let value: Value | undefined = doc;
  for (const part of path) value = isDoc(value) ? field(value, part) : undefined;
  return value !== undefined;
}

function checkId(id: Value): void {
  const type = typeOf(id);
  if (type === 'array' || type === 'regex') {
    throw new CommandError('InvalidIdField', `The '_id' value cannot be of type ${type}`);
  }
  if (isDoc(id) && Object.keys(id).some((name) => name.startsWith('$'))) {
    throw new CommandError('DollarPrefixedFieldName', '_id fields may not contain '
      + `'$'-prefixed fields: ${show(id)}`);
  }
}

function checkSize(doc: Doc): void {
  const bytes = calculateObjectSize(doc);
  if (bytes > maxDocumentBytes) {
    throw new CommandError('BSONObjectTooLarge', `BSONObj size: ${bytes} is invalid. Size must be `
      + `between 0 and ${maxDocumentBytes} (16 MB)`);
  }
}

/** All databases of the server. One exists while it has a collection. */
export class Storage {
  readonly databases = new Map<string, Map<string, Collection>>();

  find(database: string, name: string): Collection | undefined {
    return this.databases.get(database)?.get(name);
  }

  /** The collection with this name, made if there is none, as a first write makes it. */
  open(database: string, name: string): Collection {
    const existing = this.find(database, name);
    if (existing !== undefined) return existing;
    checkNames(database, name);
    const created = new Collection(`${database}.${name}`);
    const collections = this.databases.get(database) ?? new Map<string, Collection>();
    this.databases.set(database, collections.set(name, created));
    return created;
  }

  drop(database: string, name: string): boolean {
    const collections = this.databases.get(database);
    const dropped = collections?.delete(name) ?? false;
    if (collections?.size === 0) this.databases.delete(database);
    return dropped;
  }

  * collections(): Generator<Collection> {
    for (const collections of this.databases.values()) yield* collections.values();
  }
}

/** Source: "Naming Restrictions" in MongoDB's "Limits and Thresholds". */
function checkNames(database: string, name: string): void {
  const namespace = `${database}.${name}`;
  if (database === '' || Buffer.byteLength(database) > 63 || /[/\\. "$\0]/.test(database)) {
    throw new CommandError('InvalidNamespace', `Invalid database name: '${database}'`);
  }
  const bad = name === '' || name.startsWith('.') || name.endsWith('.') || /[$\0]/.test(name)
    || name.startsWith('system.') || Buffer.byteLength(namespace) > 255;
  if (bad) {
    throw new CommandError('InvalidNamespace', `Invalid namespace specified '${namespace}'`);
  }
}
