/**
 * BSON values: decoding, MongoDB's order and equality, and dotted paths.
 *
 * Documents keep the BSON types they came with: a number is an Int32, Long, Double or Decimal128,
 * never a JavaScript number. A stored document is never changed in place; an update clones it.
 * `undefined` stands for "no such field".
 */
import { types } from 'node:util';

import {
  BSONError, BSONRegExp, BSONSymbol, Binary, Code, DBRef, Decimal128, Double, Int32, Long, MaxKey,
  MinKey, ObjectId, Timestamp, UUID, deserialize, serialize,
} from 'bson';

import { CommandError } from './errors.ts';

export type Numeric = Int32 | Double | Long | Decimal128;

export type Value =
  | null | boolean | string | Date | Numeric | ObjectId | Binary | BSONRegExp | BSONSymbol
  | Timestamp | Code | MinKey | MaxKey | Value[] | Doc;

export interface Doc { [field: string]: Value }

/** The most bytes a document may have. Source: MongoDB's "Limits and Thresholds". */
export const maxDocumentBytes = 16 * 1024 * 1024;

const maxDepth = 200;

// --- Decoding and encoding ---------------------------------------------------------------------

/** Reads one BSON document. Throws InvalidBSON, Overflow or BadValue. */
export function decode(bytes: Uint8Array): Doc {
  let decoded: unknown;
  try {
    decoded = deserialize(bytes, { promoteValues: false, bsonRegExp: true });
  } catch (error) {
    if (BSONError.isBSONError(error)) throw new CommandError('InvalidBSON', error.message);
    throw error;
  }
  const value = adopt(decoded, 0);
  if (!isDoc(value)) throw new CommandError('InvalidBSON', 'the message is not a document');
  return value;
}

/** Makes what the BSON parser returned fit to be kept, and checks what it does not check. */
function adopt(value: unknown, depth: number): Value {
  if (value === undefined) return null; // BSON's deprecated "undefined" type
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (depth > maxDepth) {
    throw new CommandError('Overflow', `BSONObj exceeds maximum nested object depth: ${maxDepth}`);
  }
  if (Array.isArray(value)) {
    return value.map((item: unknown) => adopt(item, depth + 1));
  }
  if (types.isDate(value)) {
    if (Number.isNaN(value.getTime())) {
      throw new CommandError('BadValue', 'a date beyond the year 275760 cannot be kept here');
    }
    return value;
  }
  // The parser makes a DBRef of every { $ref, $id }: to a server it is a document like any other.
  if (value instanceof DBRef) return adopt({ ...value.toJSON() }, depth);
  // A Binary is a view of the message it came in. A copy lets the message go.
  if (value instanceof UUID) return new UUID(Buffer.from(value.buffer));
  if (value instanceof Binary) {
    return new Binary(Buffer.from(value.buffer.subarray(0, value.position)), value.sub_type);
  }
  if (
    value instanceof Int32 || value instanceof Double || value instanceof Timestamp
    || value instanceof Long || value instanceof Decimal128 || value instanceof ObjectId
    || value instanceof BSONRegExp || value instanceof BSONSymbol || value instanceof Code
    || value instanceof MinKey || value instanceof MaxKey
  ) return value;
  const doc: Doc = {};
  for (const [name, item] of Object.entries(value)) {
    if (name === '_bsontype') {
      throw new CommandError('BadValue', `a field named '_bsontype' cannot be kept here`);
    }
    setField(doc, name, adopt(item, depth + 1));
  }
  return doc;
}

/** One document as BSON. */
export function encode(doc: Doc | Record<string, unknown>): Uint8Array {
  return serialize(doc, { ignoreUndefined: true });
}

/** A copy whose documents and arrays may be changed. Other values are shared. */
export function clone(value: Doc): Doc;
export function clone(value: Value): Value;
export function clone(value: Value): Value {
  if (Array.isArray(value)) return value.map((item) => clone(item));
  if (!isDoc(value)) return value;
  const copy: Doc = {};
  for (const [name, item] of Object.entries(value)) setField(copy, name, clone(item));
  return copy;
}

// --- Types -------------------------------------------------------------------------------------

/** Whether a value is an embedded document. */
export function isDoc(value: unknown): value is Doc {
  return typeof value === 'object' && value !== null
    && Object.getPrototypeOf(value) === Object.prototype;
}

/** Whether a value is one of BSON's four kinds of number. */
export function isNumeric(value: Value | undefined): value is Numeric {
  return value instanceof Int32 || value instanceof Double || value instanceof Decimal128
    || (value instanceof Long && !(value instanceof Timestamp));
}

/** BSON's types: the number and the name `$type` knows, and the place in MongoDB's sort order. */
const bsonTypes = {
  minKey: { number: -1, rank: -1 },
  undefined: { number: 6, rank: 0 },
  null: { number: 10, rank: 5 },
  double: { number: 1, rank: 10 },
  int: { number: 16, rank: 10 },
  long: { number: 18, rank: 10 },
  decimal: { number: 19, rank: 10 },
  string: { number: 2, rank: 15 },
  symbol: { number: 14, rank: 15 },
  object: { number: 3, rank: 20 },
  array: { number: 4, rank: 25 },
  binData: { number: 5, rank: 30 },
  objectId: { number: 7, rank: 35 },
  bool: { number: 8, rank: 40 },
  date: { number: 9, rank: 45 },
  timestamp: { number: 17, rank: 47 },
  regex: { number: 11, rank: 50 },
  javascript: { number: 13, rank: 60 },
  javascriptWithScope: { number: 15, rank: 65 },
  maxKey: { number: 127, rank: 127 },
} as const;

export type TypeName = keyof typeof bsonTypes;

/** The type with this name or number, if there is one. */
export function findType(nameOrNumber: string | number): TypeName | undefined {
  return Object.keys(bsonTypes).filter(isTypeName).find((name) =>
    name === nameOrNumber || bsonTypes[name].number === nameOrNumber,
  );
}

function isTypeName(name: string): name is TypeName {
  return Object.hasOwn(bsonTypes, name);
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
  if (value instanceof Timestamp) return 'timestamp';
  if (value instanceof Long) return 'long';
  if (value instanceof Decimal128) return 'decimal';
  if (value instanceof ObjectId) return 'objectId';
  if (value instanceof Binary) return 'binData';
  if (value instanceof BSONRegExp) return 'regex';
  if (value instanceof BSONSymbol) return 'symbol';
  if (value instanceof Code) return value.scope === null ? 'javascript' : 'javascriptWithScope';
  if (value instanceof MinKey) return 'minKey';
  if (value instanceof MaxKey) return 'maxKey';
  return 'object';
}

/** The place of a value's type in MongoDB's sort order. Types of one rank compare by value. */
export function typeRank(value: Value | undefined): number {
  return bsonTypes[typeOf(value)].rank;
}

/** Whether a value counts as true where MongoDB takes numbers for flags. */
export function isTruthy(value: Value | undefined): boolean {
  if (isNumeric(value)) return compare(value, new Int32(0)) !== 0;
  return value !== undefined && value !== null && value !== false;
}

/** A value as mongod writes it in an error message. */
export function show(value: Value | undefined): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return JSON.stringify(value);
  if (isNumeric(value)) return value.toString();
  if (Array.isArray(value)) return `[ ${value.map(show).join(', ')} ]`;
  if (types.isDate(value)) return `new Date(${value.getTime()})`;
  if (value instanceof ObjectId) return `ObjectId('${value.toHexString()}')`;
  if (value instanceof Binary) return `BinData(${value.sub_type}, ${value.toString('hex')})`;
  if (value instanceof BSONRegExp) return `/${value.pattern}/${value.options}`;
  if (value instanceof BSONSymbol) return JSON.stringify(value.value);
  if (value instanceof Code) return value.code;
  if (value instanceof MinKey || value instanceof MaxKey) return value._bsontype;
  if (isDoc(value)) {
    return `{ ${Object.entries(value).map(([name, v]) => `${name}: ${show(v)}`).join(', ')} }`;
  }
  if (value instanceof Timestamp) return `Timestamp(${String(value.toBigInt())})`;
  return typeof value === 'boolean' ? String(value) : 'null';
}

// --- Numbers -----------------------------------------------------------------------------------

/** A finite number as digits × 10^exponent, without trailing zeros. */
interface Exact { digits: bigint; exponent: number }

/** A number that JavaScript compares exactly, or a decimal that it cannot. */
function toComparable(value: Numeric): number | bigint | Exact {
  if (value instanceof Long) return value.toBigInt();
  if (!(value instanceof Decimal128)) return value.value;
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:E([+-]?\d+))?$/.exec(value.toString()) ?? [];
  const [, sign = '', whole = '', fraction = '', power = '0'] = parts;
  if (whole === '') return Number(value.toString()); // NaN and the infinities
  return strip(BigInt(sign + whole + fraction), Number(power) - fraction.length);
}

function strip(digits: bigint, exponent: number): Exact {
  if (digits === 0n) return { digits, exponent: 0 };
  while (digits % 10n === 0n) {
    digits /= 10n;
    exponent += 1;
  }
  return { digits, exponent };
}

function toExact(value: number | bigint | Exact): Exact {
  if (typeof value === 'object') return value;
  if (typeof value === 'bigint') return strip(value, 0);
  let halvings = 0;
  while (!Number.isInteger(value)) {
    value *= 2;
    halvings += 1;
  }
  // x / 2^n = x × 5^n / 10^n
  return strip(BigInt(value) * 5n ** BigInt(halvings), -halvings);
}

function isFiniteNumber(value: number | bigint | Exact): boolean {
  return typeof value !== 'number' || Number.isFinite(value);
}

function toApproximate(value: number | bigint | Exact): number {
  if (typeof value !== 'object') return Number(value);
  return value.digits < 0n ? -1 : 1; // only its sign matters beside an infinity
}

function compareNumbers(left: Numeric, right: Numeric): number {
  let a = toComparable(left);
  let b = toComparable(right);
  const aIsNaN = Number.isNaN(a);
  const bIsNaN = Number.isNaN(b);
  if (aIsNaN || bIsNaN) return Number(bIsNaN) - Number(aIsNaN); // NaN sorts before all numbers
  if (typeof a === 'object' || typeof b === 'object') {
    if (isFiniteNumber(a) && isFiniteNumber(b)) {
      const x = toExact(a);
      const y = toExact(b);
      const shift = x.exponent - y.exponent;
      a = shift > 0 ? x.digits * 10n ** BigInt(shift) : x.digits;
      b = shift < 0 ? y.digits * 10n ** BigInt(-shift) : y.digits;
    } else {
      a = toApproximate(a);
      b = toApproximate(b);
    }
  }
  return a < b ? -1 : Number(a > b);
}

function numberKey(value: Numeric): string {
  const comparable = toComparable(value);
  // A plain number that is its own key: a safe integer, an infinity or NaN.
  if (typeof comparable === 'number') {
    if (Number.isSafeInteger(comparable) || !Number.isFinite(comparable)) return String(comparable);
  }
  const { digits, exponent } = toExact(comparable);
  return exponent >= 0 && exponent < 40
    ? String(digits * 10n ** BigInt(exponent))
    : `${String(digits)}e${exponent}`;
}

/**
 * Adds or multiplies as MongoDB does: int stays int while it fits, then becomes long; a double
 * makes the result a double. `undefined` when a long would overflow.
 */
export function arithmetic(
  left: Numeric, operator: '+' | '*', right: Numeric,
): Numeric | undefined {
  if (left instanceof Decimal128 || right instanceof Decimal128) {
    throw new CommandError(
      'NotImplemented', 'Arithmetic with decimals is beyond the workshop\'s stand-in for MongoDB.',
    );
  }
  if (left instanceof Double || right instanceof Double) {
    const [a, b] = [toNumber(left), toNumber(right)];
    return new Double(operator === '+' ? a + b : a * b);
  }
  const [a, b] = [BigInt(left.toString()), BigInt(right.toString())];
  const result = operator === '+' ? a + b : a * b;
  if (left instanceof Int32 && right instanceof Int32 && BigInt.asIntN(32, result) === result) {
    return new Int32(Number(result));
  }
  return BigInt.asIntN(64, result) === result ? Long.fromBigInt(result) : undefined;
}

/** A BSON number as the nearest JavaScript number. */
export function toNumber(value: Numeric): number {
  return value instanceof Long ? value.toNumber() : Number(value.toString());
}

/** The BSON number for a whole JavaScript number. */
export function wholeNumber(value: number): Numeric {
  return new Int32(value).value === value ? new Int32(value) : new Double(value);
}

// --- Order and equality ------------------------------------------------------------------------

/** MongoDB's order over all values: by type first, then by value. Negative, zero or positive. */
export function compare(a: Value | undefined, b: Value | undefined): number {
  if (isNumeric(a) && isNumeric(b)) return compareNumbers(a, b);
  const byType = typeRank(a) - typeRank(b);
  if (byType !== 0) return byType;
  if (isStringLike(a) && isStringLike(b)) return compareStrings(textOf(a), textOf(b));
  if (typeof a === 'boolean' && typeof b === 'boolean') return Number(a) - Number(b);
  if (types.isDate(a) && types.isDate(b)) return a.getTime() - b.getTime();
  if (a instanceof ObjectId && b instanceof ObjectId) return Buffer.compare(a.id, b.id);
  if (Array.isArray(a) && Array.isArray(b)) return compareLists(a, b);
  if (a instanceof Binary && b instanceof Binary) {
    return a.length() - b.length() || a.sub_type - b.sub_type
      || Buffer.compare(a.value(), b.value());
  }
  if (a instanceof Timestamp && b instanceof Timestamp) return a.compare(b);
  if (a instanceof BSONRegExp && b instanceof BSONRegExp) {
    return compareStrings(a.pattern, b.pattern) || compareStrings(a.options, b.options);
  }
  if (a instanceof Code && b instanceof Code) {
    return compareStrings(a.code, b.code)
      || Buffer.compare(encode(a.scope ?? {}), encode(b.scope ?? {}));
  }
  if (isDoc(a) && isDoc(b)) return compareDocs(a, b);
  return 0;
}

function isStringLike(value: Value | undefined): value is string | BSONSymbol {
  return typeof value === 'string' || value instanceof BSONSymbol;
}

function textOf(value: string | BSONSymbol): string {
  return typeof value === 'string' ? value : value.value;
}

// MongoDB compares the UTF-8 bytes. JavaScript's < compares UTF-16 units, another order.
function compareStrings(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function compareLists(a: Value[], b: Value[]): number {
  for (const [index, item] of a.entries()) {
    if (index >= b.length) return 1;
    const order = compare(item, b[index]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareDocs(a: Doc, b: Doc): number {
  const right = Object.entries(b);
  const left = Object.entries(a);
  for (const [index, [name, value]] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = typeRank(value) - typeRank(other[1])
      || compareStrings(name, other[0])
      || compare(value, other[1]);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** A string that two values share exactly when `compare` finds them equal: a key for a Map. */
export function keyOf(value: Value | undefined): string {
  if (isNumeric(value)) return `n${numberKey(value)}`;
  if (isStringLike(value)) return quote(textOf(value));
  if (types.isDate(value)) return `d${value.getTime()}`;
  if (value instanceof ObjectId) return `o${value.toHexString()}`;
  if (value instanceof Binary) return `b${value.sub_type}:${value.toString('hex')}`;
  if (value instanceof Timestamp) return `t${String(value.toBigInt())}`;
  if (value instanceof BSONRegExp) return `r${quote(value.pattern)}${value.options}`;
  if (value instanceof Code) {
    const scope = value.scope === null ? '' : Buffer.from(encode(value.scope)).toString('hex');
    return `c${quote(value.code)}${scope}`;
  }
  if (Array.isArray(value)) return `[${value.map(keyOf).join(',')}]`;
  if (isDoc(value)) {
    return `{${Object.entries(value).map(([name, v]) => quote(name) + keyOf(v)).join(',')}}`;
  }
  return typeof value === 'boolean' ? String(value) : typeOf(value);
}

// The length in front keeps two strings in a row apart from one that contains both.
function quote(text: string): string {
  return `s${text.length}:${text}`;
}

// --- Fields and paths --------------------------------------------------------------------------

/** A document's own field: `constructor` and its like are not there unless a client put them. */
export function field(doc: Doc, name: string): Value | undefined {
  return Object.hasOwn(doc, name) ? doc[name] : undefined;
}

/** Sets a document's own field, `__proto__` included. */
export function setField(doc: Doc, name: string, value: Value): void {
  if (name === '__proto__') {
    Object.defineProperty(doc, name, {
      value, writable: true, enumerable: true, configurable: true,
    });
  } else {
    doc[name] = value;
  }
}

/**
 * All values a dotted path leads to, as a query sees them: a path goes through every document of
 * an array, a number in it may also be a place in an array, and an array at its end stands for
 * its elements and for itself. A document without the field gives `undefined`.
 *
 * @param expandLast false: an array at the end stands for itself only (`$size`, `$elemMatch`).
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
 * The values an index holds for a path and a sort looks at: an array stands for its elements, an
 * empty one for `undefined` (before null), a missing field for null.
 */
export function keysAt(doc: Doc, path: readonly string[]): (Value | undefined)[] {
  const keys: (Value | undefined)[] = [];
  for (const value of valuesAt(doc, path, false)) {
    if (!Array.isArray(value)) keys.push(value ?? null);
    else if (value.length === 0) keys.push(undefined);
    else for (const item of value) keys.push(item);
  }
  return keys.length === 0 ? [null] : keys;
}
