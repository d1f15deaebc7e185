/**
 * BSON values: decoding, MongoDB's order and equality, and dotted paths.
 *
 * Documents keep their original BSON types: a number is an Int32, Long or Double, never a
 * JavaScript number. A stored document is never changed in place; an update clones it.
 * `undefined` means "no such field".
 */
import { types } from 'node:util';

import {
  BSONError, BSONRegExp, Binary, Double, EJSON, Int32, Long, ObjectId, Timestamp,
  calculateObjectSize, deserialize, serialize,
} from 'bson';

import { fail, refuseUnsupported } from './errors.ts';

export type Numeric = Int32 | Double | Long;

export type Value =
  | null | boolean | string | Date | Numeric | ObjectId | Binary | BSONRegExp | Value[] | Doc;

export interface Doc { [field: string]: Value }

/** The maximum size of a document, in bytes. Source: MongoDB's "Limits and Thresholds". */
export const maxDocumentBytes = 16 * 1024 * 1024;

const maxDepth = 200;

// --- Decoding and encoding ---------------------------------------------------------------------

/** Reads one BSON document. Throws InvalidBSON, Overflow or NotImplemented. */
export function decode(bytes: Uint8Array): Doc {
  let decoded: unknown;
  try {
    decoded = deserialize(bytes, { promoteValues: false, bsonRegExp: true });
  } catch (error) {
    if (BSONError.isBSONError(error)) fail('InvalidBSON', error.message);
    throw error;
  }
  const seen = { oddOrder: false };
  const value = adopt(decoded, 0, seen);
  if (!isDoc(value)) fail('InvalidBSON', 'the message is not a document');
  if (seen.oddOrder && Buffer.compare(encode(value), bytes) !== 0) {
    refuseUnsupported('A document that mixes names such as 0 with other names');
  }
  return value;
}

/** Makes the BSON parser's output fit to store, and refuses what can't be stored. */
function adopt(value: unknown, depth: number, seen: { oddOrder: boolean }): Value {
  refuseDepth(depth);
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((item: unknown) => adopt(item, depth + 1, seen));
  if (types.isDate(value)) {
    if (Number.isNaN(value.getTime())) refuseUnsupported('A date beyond the year 275760');
    return value;
  }
  // A Binary is a view of its message. Copying it lets the message be freed.
  if (value instanceof Binary && value.sub_type !== 2) {
    return new Binary(Buffer.from(value.value()), value.sub_type);
  }
  if (isNumeric(value) || value instanceof ObjectId || value instanceof BSONRegExp) return value;
  if (!isDoc(value) || Object.hasOwn(value, '_bsontype')) {
    refuseUnsupported('A Decimal128, Timestamp, MinKey, MaxKey, DBRef, or an old BSON type');
  }
  const entries = Object.entries(value);
  // JavaScript puts such names first.
  if (entries.some(([name]) => isArrayIndex(name))) seen.oddOrder = true;
  return Object.fromEntries(entries.map(([name, item]) => [name, adopt(item, depth + 1, seen)]));
}

/** Encodes one document as BSON. */
export function encode(doc: Doc | Record<string, unknown>): Uint8Array {
  return serialize(doc, { ignoreUndefined: true });
}

/** Makes a document from JavaScript values: whole numbers become ints while they fit. */
export function toDoc(plain: Record<string, unknown>): Doc {
  return decode(encode(plain));
}

/** Refuses a document that's too large or too deep to store. */
export function checkStorable(doc: Doc): void {
  const bytes = calculateObjectSize(doc);
  if (bytes > maxDocumentBytes) {
    fail('BSONObjectTooLarge', `BSONObj size: ${bytes} is invalid. Size must be between 0 and `
    + `${maxDocumentBytes} (16 MB)`);
  }
  checkDepth(doc);
}

function refuseDepth(depth: number): void {
  if (depth <= maxDepth) return;
  fail('Overflow', `BSONObj exceeds maximum nested object depth: ${maxDepth}`);
}

function checkDepth(value: Value, depth = 0): void {
  refuseDepth(depth);
  if (Array.isArray(value)) for (const item of value) checkDepth(item, depth + 1);
  else if (isDoc(value)) for (const item of Object.values(value)) checkDepth(item, depth + 1);
}

// --- Types -------------------------------------------------------------------------------------

/** Whether a value is an embedded document. */
export function isDoc(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null
    && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether a value is one of the number types kept here. */
export function isNumeric(value: unknown): value is Numeric {
  return value instanceof Int32 || value instanceof Double
    || (value instanceof Long && !(value instanceof Timestamp));
}

/** BSON's types: the number in `$type`, and the place in MongoDB's sort order. */
const bsonTypes = {
  minKey: [-1, -1], undefined: [6, 0], null: [10, 5], double: [1, 10], int: [16, 10],
  long: [18, 10], decimal: [19, 10], string: [2, 15], symbol: [14, 15], object: [3, 20],
  array: [4, 25], binData: [5, 30], objectId: [7, 35], bool: [8, 40], date: [9, 45],
  timestamp: [17, 47], regex: [11, 50], javascript: [13, 60], javascriptWithScope: [15, 65],
  maxKey: [127, 127],
} as const;

export type TypeName = keyof typeof bsonTypes;

/** The name of the type with this name or number, if there is one. */
export function findType(nameOrNumber: string | number): string | undefined {
  return Object.entries(bsonTypes).find(([name, [number]]) =>
    name === nameOrNumber || number === nameOrNumber)?.[0];
}

/** The name of a value's BSON type, as `$type` and mongod's error messages use it. */
export function typeOf(value: Value | undefined): TypeName {
  if (value === undefined) return 'undefined';
  if (value === null) return 'null';
  if (typeof value === 'string') return 'string';
  if (typeof value === 'boolean') return 'bool';
  if (Array.isArray(value)) return 'array';
  if (types.isDate(value)) return 'date';
  if (value instanceof Int32) return 'int';
  if (value instanceof Double) return 'double';
  if (value instanceof Long) return 'long';
  if (value instanceof ObjectId) return 'objectId';
  if (value instanceof Binary) return 'binData';
  return value instanceof BSONRegExp ? 'regex' : 'object';
}

/** The place of a value's type in MongoDB's sort order. Equal ranks compare by value. */
export function typeRank(value: Value | undefined): number {
  return bsonTypes[typeOf(value)][1];
}

/** Whether a value counts as true where MongoDB accepts numbers as flags. */
export function isTruthy(value: Value | undefined): boolean {
  if (isNumeric(value)) return toNumber(value) !== 0;
  return value !== undefined && value !== null && value !== false;
}

/** A value as shown in error messages. */
export function show(value: Value | undefined): string {
  return value === undefined ? 'missing' : EJSON.stringify(value);
}

// --- Numbers -----------------------------------------------------------------------------------

/** A BSON number as the nearest JavaScript number. */
export function toNumber(value: Numeric): number {
  return value instanceof Long ? value.toNumber() : value.value;
}

// JavaScript compares a bigint with a number exactly.
function compareNumbers(left: Numeric, right: Numeric): number {
  const a = left instanceof Long ? left.toBigInt() : left.value;
  const b = right instanceof Long ? right.toBigInt() : right.value;
  // NaN sorts before all numbers.
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return a < b ? -1 : Number(a > b);
}

/**
 * Adds as MongoDB does: int stays int while it fits, then becomes long; with a double the result is
 * a double. `undefined` if a long overflows.
 */
export function add(left: Numeric, right: Numeric): Numeric | undefined {
  if (left instanceof Double || right instanceof Double) {
    return new Double(toNumber(left) + toNumber(right));
  }
  const sum = BigInt(left.toString()) + BigInt(right.toString());
  if (left instanceof Int32 && right instanceof Int32 && BigInt.asIntN(32, sum) === sum) {
    return new Int32(Number(sum));
  }
  return BigInt.asIntN(64, sum) === sum ? Long.fromBigInt(sum) : undefined;
}

// --- Order and equality ------------------------------------------------------------------------

/** MongoDB's order across all values: by type, then by value. Negative, zero or positive. */
export function compare(a: Value | undefined, b: Value | undefined): number {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b);
  const byType = typeRank(a) - typeRank(b);
  if (byType !== 0) return byType;
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (types.isDate(a) && types.isDate(b)) return a.getTime() - b.getTime();
  if (a instanceof ObjectId && b instanceof ObjectId) return Buffer.compare(a.id, b.id);
  if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b, compare);
  if (a instanceof Binary && b instanceof Binary) {
    return a.length() - b.length() || a.sub_type - b.sub_type
      || Buffer.compare(a.value(), b.value());
  }
  if (a instanceof BSONRegExp && b instanceof BSONRegExp) {
    return compareStrings(a.pattern, b.pattern) || compareStrings(a.options, b.options);
  }
  if (isDoc(a) && isDoc(b)) {
    return compareLists(Object.entries(a), Object.entries(b), ([name, value], [other, right]) =>
      typeRank(value) - typeRank(right) || compareStrings(name, other) || compare(value, right));
  }
  return 0;
}

// MongoDB compares UTF-8 bytes. JavaScript's < compares UTF-16 units, which order differently.
function compareStrings(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function compareLists<T>(a: T[], b: T[], compareItems: (a: T, b: T) => number): number {
  for (const [index, item] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const order = compareItems(item, other);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** A Map key that two values share exactly when `compare` finds them equal. */
export function keyOf(value: Value | undefined): string {
  if (isNumeric(value)) {
    const isWhole = !(value instanceof Long) && Number.isInteger(value.value);
    return `n${isWhole ? BigInt(value.value).toString() : value.toString()}`;
  }
  if (typeof value === 'string') return JSON.stringify(value);
  if (types.isDate(value)) return `d${value.getTime()}`;
  if (value instanceof ObjectId) return `o${value.toHexString()}`;
  if (value instanceof Binary) return `b${value.sub_type}:${value.toString('hex')}`;
  if (value instanceof BSONRegExp) return `r${JSON.stringify(value.pattern)}${value.options}`;
  if (Array.isArray(value)) return `[${value.map(keyOf).join(',')}]`;
  if (isDoc(value)) {
    const fields = Object.entries(value).map(([name, item]) => JSON.stringify(name) + keyOf(item));
    return `{${fields.join(',')}}`;
  }
  return typeof value === 'boolean' ? String(value) : typeOf(value);
}

// --- Fields and paths --------------------------------------------------------------------------

/** Reads an own field: `constructor` and the like don't exist unless a client set them. */
export function field(doc: Doc, name: string): Value | undefined {
  return Object.hasOwn(doc, name) ? doc[name] : undefined;
}

/** Whether a part of a path can be an array index. */
export function isArrayIndex(part: string): boolean {
  return /^(0|[1-9]\d*)$/.test(part);
}

/** Splits a dotted path. Refuses empty parts and names that start with a dollar. */
export function parsePath(name: string): string[] {
  const path = name.split('.');
  refuseDepth(path.length);
  if (path.some((part) => part === '' || part.startsWith('$'))) {
    refuseUnsupported(`'${name}', a path with an empty part or a dollar sign,`);
  }
  return path;
}

/**
 * All values at a dotted path, as a query sees them: the path goes through every document of an
 * array, a number in it may also be an array index, and an array at its end stands for its
 * elements and for itself. A document without the field yields `undefined`.
 *
 * @param expandLast false: an array at the end stands only for itself (`$size`, `$elemMatch`).
 */
export function valuesAt(
  doc: Doc, path: readonly string[], expandLast = true,
): (Value | undefined)[] {
  const found: (Value | undefined)[] = [];
  const last = path.length - 1;

  function visit(parent: Doc, depth: number): void {
    const value = field(parent, path[depth] ?? '');
    if (depth < last) {
      if (isDoc(value)) visit(value, depth + 1);
      else if (Array.isArray(value)) visitArray(value, depth + 1);
      else found.push(undefined);
    } else {
      if (Array.isArray(value) && expandLast) for (const item of value) found.push(item);
      found.push(value);
    }
  }

  function visitArray(array: Value[], depth: number): void {
    for (const [index, item] of array.entries()) {
      if (isDoc(item)) visit(item, depth);
      if (String(index) !== path[depth]) continue;
      if (depth === last) found.push(item);
      else if (Array.isArray(item)) visitArray(item, depth + 1);
      else if (isDoc(item)) visit(item, depth + 1);
    }
  }

  visit(doc, 0);
  return found;
}

/**
 * The value at a path, for a sort, a group or an index: null if it's missing. Refuses arrays, which
 * stand for several values.
 */
export function singleAt(doc: Doc, path: readonly string[]): Value {
  let value: Value = doc;
  for (const part of path) {
    value = isDoc(value) ? field(value, part) ?? null : null;
    if (!Array.isArray(value)) continue;
    refuseUnsupported(`A sort, a group or an index by '${path.join('.')}', with an array there,`);
  }
  return value;
}
