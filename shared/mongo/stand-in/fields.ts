/**
 * The table of all commands' fields: which are required, and their types. Any other field is
 * refused.
 */
import { Long } from 'bson';

import type { Command, Context, Reply } from './commands.ts';
import { fail, refuseUnknown } from './errors.ts';
import type { Doc, TypeName, Value } from './values.ts';
import { field, isDoc, isNumeric, isTruthy, toNumber, typeOf } from './values.ts';

/** The maximum number of statements in a write command, as `hello` reports it. */
export const maxWriteBatchSize = 100_000;

/** Checks one field and returns the value for the command. `path` is its name in errors. */
type Reader<T> = (value: Value | undefined, path: string) => T;

/** The reader for each field of a document. */
export type Table<T> = { readonly [Name in keyof T]: Reader<T[Name]> };

/** Defines a command whose fields are in the table. */
export function command<T>(table: Table<T>, run: (args: T, context: Context) => Reply): Command {
  const known = { ...table, ...genericFields };
  return (context) => {
    refuseOthers(known, context.request, context.command);
    return run(read(table, context.request, context.command), context);
  };
}

/** Throws IDLUnknownField for a field that is not in the table. */
function refuseOthers<T>(table: Table<T>, doc: Doc, name: string): void {
  for (const unknown of Object.keys(doc)) {
    if (Object.hasOwn(table, unknown) || unknown === name) continue;
    refuseUnknown('IDLUnknownField', `BSON field '${name}.${unknown}' is an unknown field`);
  }
}

/**
 * Reads the fields that a table names. Throws the same errors as mongod: IDLFailedToParse for a
 * missing field, TypeMismatch for a wrong type.
 */
export function read<T>(table: Table<T>, doc: Doc, name: string): T {
  const result: Partial<T> = {};
  for (const key in table) result[key] = table[key](field(doc, key), `${name}.${key}`);
  return result as T; // the loop has read every field of the table
}

// --- The types ---------------------------------------------------------------------------------

function reader<T>(expected: TypeName, accept: (value: Value) => T | undefined): Reader<T> {
  return (value, path) => {
    if (value === undefined || value === null) {
      fail('IDLFailedToParse', `BSON field '${path}' is missing but a required field`);
    }
    return accept(value) ?? fail('TypeMismatch', `BSON field '${path}' is the wrong type `
      + `'${typeOf(value)}', expected type '${expected}'`);
  };
}

const any = reader('object', (value) => value);
const string = reader('string', (value) => typeof value === 'string' ? value : undefined);
const object = reader('object', (value) => isDoc(value) ? value : undefined);
const array = reader('array', (value) => Array.isArray(value) ? value : undefined);
const long = reader('long', (value) => value instanceof Long ? value.toBigInt() : undefined);
const bool = reader('bool', (value) =>
  typeof value === 'boolean' || isNumeric(value) ? isTruthy(value) : undefined);
const number = reader('long', (value) => isNumeric(value) ? toNumber(value) : undefined);

/** A whole number, zero or more. */
const count: Reader<number> = (value, path) => {
  const whole = Math.trunc(number(value, path));
  if (whole >= 0) return whole;
  fail(51024, `BSON field '${path}' value must be >= 0, actual value '${whole}'`);
};

/** A time longer than zero. */
const seconds: Reader<number> = (value, path) => {
  const given = number(value, path);
  if (given > 0) return given;
  fail('BadValue', `Invalid value for parameter ${path}: ${given} is not greater than 0`);
};

/** A field that may be missing or null. */
function optional<T>(type: Reader<T>): Reader<T | undefined>;
function optional<T>(type: Reader<T>, otherwise: T): Reader<T>;
function optional<T>(type: Reader<T>, otherwise?: T): Reader<T | undefined> {
  return (value, path) => value === undefined || value === null ? otherwise : type(value, path);
}

const document = optional(object, {});
const flag = optional(bool, false);
const ignored = optional(any);

/** A nested document with its own fields. */
function part<T>(table: Table<T>): Reader<T> {
  return (value, path) => {
    const doc = object(value, path);
    refuseOthers(table, doc, path);
    return read(table, doc, path);
  };
}

/** An array with elements of one type. */
function list<T>(type: Reader<T>): Reader<T[]> {
  return (value, path) => array(value, path).map((item, index) => type(item, `${path}.${index}`));
}

/** The statements of a write command. */
function statements<T>(type: Reader<T>): Reader<T[]> {
  return (value, path) => {
    checkBatchSize(array(value, path).length);
    return list(type)(value, path);
  };
}

/** Throws InvalidLength. Runs before the statements are even read. */
export function checkBatchSize(length: number): void {
  if (length > 0 && length <= maxWriteBatchSize) return;
  fail('InvalidLength', `Write batch sizes must be between 1 and ${maxWriteBatchSize}. Got `
  + `${length} operations.`);
}

/** How many documents a delete may remove: all (0) or one. */
const deleteLimit: Reader<number> = (value, path) => {
  const limit = number(value, path);
  if (limit === 0 || limit === 1) return limit;
  fail('FailedToParse', `The limit field in delete objects must be 0 or 1. Got ${limit}`);
};

// --- The table ---------------------------------------------------------------------------------

/** Fields that a driver may send with any command. */
export const genericFields = {
  $db: string, lsid: optional(object), maxTimeMS: optional(count, 0),
  $readPreference: ignored, comment: ignored,
  apiVersion: optional(string, '1'), apiDeprecationErrors: flag,
  readConcern: optional(part({ level: optional(string, 'local') })),
  writeConcern: optional(part({ w: optional(any), j: flag, wtimeout: optional(number) })),
};

const cursor = optional(part({ batchSize: optional(count) }));
const ordered = optional(bool, true);
const skip = optional(count, 0);

export const fields = {
  insert: {
    insert: string, documents: statements(object), ordered, bypassDocumentValidation: flag,
  },
  update: {
    update: string, ordered, bypassDocumentValidation: flag,
    updates: statements(part({ q: object, u: any, upsert: flag, multi: flag })),
  },
  delete: {
    delete: string, ordered, deletes: statements(part({ q: object, limit: deleteLimit })),
  },
  find: {
    find: string, filter: document, sort: document, projection: document, skip,
    limit: optional(count, 0), batchSize: optional(count), singleBatch: flag, allowDiskUse: flag,
    noCursorTimeout: flag, allowPartialResults: flag,
  },
  getMore: { getMore: long, collection: string, batchSize: optional(count, 0) },
  killCursors: { killCursors: string, cursors: list(long) },
  count: { count: string, query: document, limit: optional(number, 0), skip },
  distinct: { distinct: string, key: string, query: document },
  aggregate: {
    aggregate: any, pipeline: array, cursor, allowDiskUse: flag, bypassDocumentValidation: flag,
  },
  findAndModify: {
    findAndModify: string, query: document, sort: document, remove: flag, update: optional(any),
    new: flag, fields: document, upsert: flag, bypassDocumentValidation: flag,
  },
  listDatabases: { filter: document, nameOnly: flag, authorizedDatabases: flag },
  listCollections: {
    filter: document, nameOnly: flag, authorizedCollections: flag, cursor,
  },
  create: { create: string },
  drop: { drop: string },
  createIndexes: { createIndexes: string, indexes: array, commitQuorum: ignored },
  listIndexes: { listIndexes: string, cursor },
  dropIndexes: { dropIndexes: string, index: any },
  getLog: { getLog: string },
  setParameter: { setParameter: any, ttlMonitorSleepSecs: seconds },
  connectionStatus: { showPrivileges: flag },
  /** Only the command's own name. */
  nothing: {},
};

/** One element of createIndexes' `indexes`. */
export const indexFields = {
  key: object, name: string, v: ignored, unique: flag, background: flag,
  expireAfterSeconds: optional(number),
};
