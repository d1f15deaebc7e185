/** Filters (for `find` and the like), and how they match one document. */
import { BSONRegExp } from 'bson';

import { fail, refuseUnknown, refuseUnsupported } from './errors.ts';
import type { Doc, Value } from './values.ts';
import {
  compare, field, findType, isDoc, isNumeric, isTruthy, keyOf, parsePath, show, toNumber, typeOf,
  typeRank, valuesAt,
} from './values.ts';
import { testInTime, work } from './work.ts';

export type Predicate = (doc: Doc) => boolean;

/** A test of one value; `undefined` means a missing field. */
type ValueTest = (value: Value | undefined) => boolean;

/** How operators find the values they test; see `valuesAt`. */
type Lookup = (doc: Doc, expandLast: boolean) => (Value | undefined)[];

function bad(message: string): never {
  fail('BadValue', message);
}

/** Checks a filter and compiles it to a predicate. Throws BadValue and the like. */
export function compileFilter(filter: Doc): Predicate {
  const parts = Object.entries(filter)
    .filter(([name]) => name !== '$comment')
    .map(([name, value]) => name.startsWith('$')
      ? compileLogical(name, value)
      : compileField(name, value));
  return (doc) => parts.every((part) => part(doc));
}

function compileLogical(operator: string, value: Value): Predicate {
  if (operator !== '$and' && operator !== '$or' && operator !== '$nor') {
    refuseUnknown('BadValue', `unknown top level operator: ${operator}`);
  }
  if (!Array.isArray(value) || value.length === 0) bad(`${operator} must be a nonempty array`);
  const parts = value.map((item) => {
    if (!isDoc(item)) bad('$or/$and/$nor entries need to be full objects');
    return compileFilter(item);
  });
  if (operator === '$and') return (doc) => parts.every((part) => part(doc));
  const isAny: Predicate = (doc) => parts.some((part) => part(doc));
  return operator === '$or' ? isAny : not(isAny);
}

/** Whether a value in a filter is a document of operators, not a value to equal. */
export function isOperators(value: Value | undefined): value is Doc {
  if (!isDoc(value)) return false;
  const [first] = Object.keys(value);
  return first?.startsWith('$') === true;
}

function compileField(name: string, value: Value): Predicate {
  const path = parsePath(name);
  const lookup: Lookup = (doc, expandLast) => {
    const values = valuesAt(doc, path, expandLast);
    work(values.length);
    return values;
  };
  return isOperators(value) ? compileOperators(lookup, value) : some(lookup, equals(value));
}

function some(lookup: Lookup, test: ValueTest): Predicate {
  return (doc) => lookup(doc, true).some(test);
}

function not(predicate: Predicate): Predicate {
  return (doc) => !predicate(doc);
}

function compileOperators(lookup: Lookup, operators: Doc): Predicate {
  const parts = Object.entries(operators)
    .filter(([operator]) => operator !== '$options' || !Object.hasOwn(operators, '$regex'))
    .map(([operator, value]) => compileOperator(lookup, operator, value, operators));
  return (doc) => parts.every((part) => part(doc));
}

function compileOperator(lookup: Lookup, operator: string, value: Value, all: Doc): Predicate {
  switch (operator) {
    case '$eq': return some(lookup, equals(value, false));
    case '$ne':
      if (value instanceof BSONRegExp) bad('Can\'t have regex as arg to $ne.');
      return not(some(lookup, equals(value)));
    case '$gt': return some(lookup, ordered(value, (order) => order > 0));
    case '$gte': return some(lookup, ordered(value, (order) => order >= 0));
    case '$lt': return some(lookup, ordered(value, (order) => order < 0));
    case '$lte': return some(lookup, ordered(value, (order) => order <= 0));
    case '$in': return some(lookup, isOneOf(operator, value));
    case '$nin': return not(some(lookup, isOneOf(operator, value)));
    case '$not':
      if (value instanceof BSONRegExp) return not(some(lookup, equals(value)));
      if (!isOperators(value)) bad('$not needs a regex or a document of operators');
      return not(compileOperators(lookup, value));
    case '$exists': {
      const exists = some(lookup, (found) => found !== undefined);
      return isTruthy(value) ? exists : not(exists);
    }
    case '$type': return some(lookup, typeTest(value));
    case '$regex': return some(lookup, regexOperator(value, field(all, '$options')));
    case '$options': bad('$options needs a $regex');
    case '$size': return compileSize(lookup, value);
    case '$all': return compileAll(lookup, value);
    case '$elemMatch': return compileElemMatch(lookup, value);
    default:
      refuseUnknown('BadValue', `unknown operator: ${operator}`);
  }
}

function compileSize(lookup: Lookup, value: Value): Predicate {
  const size = isNumeric(value) ? toNumber(value) : NaN;
  if (!Number.isInteger(size) || size < 0) {
    bad(`Failed to parse $size. Expected a non-negative integer in: $size: ${show(value)}`);
  }
  return (doc) => lookup(doc, false)
    .some((found) => Array.isArray(found) && found.length === size);
}

function compileAll(lookup: Lookup, value: Value): Predicate {
  if (!Array.isArray(value)) bad('$all needs an array');
  if (value.some(isOperators)) refuseUnsupported('An operator such as $elemMatch inside $all');
  const parts = value.map((item) => some(lookup, equals(item)));
  return (doc) => parts.length > 0 && parts.every((part) => part(doc));
}

function compileElemMatch(lookup: Lookup, value: Value): Predicate {
  if (!isDoc(value)) bad('$elemMatch needs an Object');
  const test = compileElementTest(value);
  return (doc) => lookup(doc, false)
    .some((found) => Array.isArray(found) && found.some(test));
}

/** A test of array elements: operators for the element itself, or a filter for its fields. */
function compileElementTest(condition: Doc): (element: Value) => boolean {
  if (testsElement(condition)) {
    // A nested array is one element: the operators don't look inside it.
    const test = compileOperators(({ element }) => [element], condition);
    return (element) => test({ element });
  }
  const matches = compileFilter(condition);
  // mongod treats a nested array as a document with the fields 0, 1 and so on.
  return (element) => Array.isArray(element)
    ? refuseUnsupported('$elemMatch by fields over arrays in an array')
    : isDoc(element) && matches(element);
}

/** `$pull`'s test of elements, which looks inside arrays but doesn't treat them as documents. */
export function compilePullTest(condition: Value): (element: Value) => boolean {
  if (condition instanceof BSONRegExp || (isDoc(condition) && testsElement(condition))) {
    const matches = compileFilter({ element: condition });
    return (element) => matches({ element });
  }
  if (!isDoc(condition)) return (element) => compare(element, condition) === 0;
  const matches = compileFilter(condition);
  return (element) => isDoc(element) && matches(element);
}

function testsElement(condition: Doc): boolean {
  return isOperators(condition) && !/^\$(and|or|nor)$/.test(Object.keys(condition)[0] ?? '');
}

/**
 * The `_id`s that a filter names (`{ _id: x }`, `$eq`, `$in`), for a lookup instead of a search.
 * `undefined` if it names none.
 */
export function wantedIds(filter: Doc): Value[] | undefined {
  const id = field(filter, '_id');
  if (id === undefined || id instanceof BSONRegExp) return undefined;
  if (!isOperators(id)) return [id];
  const exact = field(id, '$eq');
  if (exact !== undefined) return [exact];
  const list = field(id, '$in');
  return Array.isArray(list) && !list.some((item) => item instanceof BSONRegExp) ? list : undefined;
}

// --- Tests of one value ------------------------------------------------------------------------

/** Equality; a regular expression also matches text, except in `$eq`. */
function equals(wanted: Value, matchesText = true): ValueTest {
  if (wanted === null) return (value) => value === undefined || value === null;
  if (wanted instanceof BSONRegExp && matchesText) {
    return regexTest(wanted.pattern, wanted.options);
  }
  return (value) => value !== undefined && compare(value, wanted) === 0;
}

/** $gt and the like compare within one type; null also means a missing field. */
function ordered(bound: Value, accepts: (order: number) => boolean): ValueTest {
  if (bound instanceof BSONRegExp) bad('Can\'t have RegEx as arg to predicate over field.');
  const rank = typeRank(bound);
  const boundIsNaN = isNaNValue(bound);
  return (value) => {
    if (value === undefined) return bound === null && accepts(0);
    if (typeRank(value) !== rank || boundIsNaN !== isNaNValue(value)) return false;
    return accepts(compare(value, bound));
  };
}

function isNaNValue(value: Value): boolean {
  return isNumeric(value) && Number.isNaN(toNumber(value));
}

function isOneOf(operator: string, list: Value): ValueTest {
  if (!Array.isArray(list)) bad(`${operator} needs an array`);
  if (list.some(isOperators)) bad(`cannot nest $ under ${operator}`);
  const keys = new Set(list.map(keyOf));
  const patterns = list.filter((item) => item instanceof BSONRegExp).map((item) => equals(item));
  return (value) => keys.has(keyOf(value ?? null)) || patterns.some((matches) => matches(value));
}

function typeTest(wanted: Value): ValueTest {
  const list = Array.isArray(wanted) ? wanted : [wanted];
  if (list.length === 0) fail('FailedToParse', 'Type set must contain at least one type');
  const names = new Set(list.flatMap((item) => {
    const name = typeof item === 'string' ? item : isNumeric(item) ? toNumber(item) : undefined;
    if (name === undefined) {
      fail('TypeMismatch', 'type must be represented as a number or a string');
    }
    if (name === 'number') return ['int', 'long', 'double'];
    return findType(name) ?? bad(`Unknown type name alias or numerical type code: ${name}`);
  }));
  return (value) => value !== undefined && names.has(typeOf(value));
}

function regexOperator(value: Value, options: Value | undefined): ValueTest {
  if (options !== undefined && typeof options !== 'string') {
    bad('$options has to be a string');
  }
  if (typeof value === 'string') return regexTest(value, options ?? '');
  if (!(value instanceof BSONRegExp)) bad('$regex has to be a string');
  if (options !== undefined && value.options !== '') {
    fail(51075, 'options set in both $regex and $options');
  }
  return regexTest(value.pattern, options ?? value.options);
}

function regexTest(pattern: string, options: string): ValueTest {
  const regex = toRegExp(pattern, options);
  const key = keyOf(new BSONRegExp(pattern, options));
  return (value) => typeof value === 'string'
    ? testInTime(regex, value)
    : value instanceof BSONRegExp && keyOf(value) === key;
}

/**
 * Converts a Perl-compatible pattern to a JavaScript RegExp. Syntax that differs between them is
 * translated (`$`, `^`, `.`, escaped punctuation) or refused; the RegExp's `u` flag refuses
 * Perl-only syntax.
 */
function toRegExp(pattern: string, options: string): RegExp {
  const odd = /[^imsu]/.exec(options)?.[0];
  if (odd === 'x') refuseUnsupported('The regular expression option x');
  if (odd !== undefined) fail(51108, `invalid flag in regex options: ${odd}`);
  const perlOnly = /^(?:[^\\]|\\[^])*?(\\[sSvuk1-9]|\(\?<[=!])/.exec(pattern)?.[1];
  if (perlOnly !== undefined) refuseUnsupported(`${perlOnly} in a regular expression`);
  const lines = options.includes('m');
  let inClass = false;
  const source = pattern.replace(/\\[^]|[[\].^$]/gu, (token) => {
    if (/^\\[^\w\s]$/u.test(token)) return `\\u{${(token.codePointAt(1) ?? 0).toString(16)}}`;
    if (inClass) inClass = token !== ']';
    else if (token === '[') inClass = true;
    else if (token === '.') return options.includes('s') ? '[^]' : '[^\\n]';
    else if (token === '^') return lines ? '(?<![^\\n])' : '(?<![^])';
    else if (token === '$') return lines ? '(?![^\\n])' : '(?=\\n?(?![^]))';
    return token;
  });
  try {
    return new RegExp(source, options.includes('i') ? 'iu' : 'u');
  } catch {
    fail(51091, 'Regular expression is invalid, or beyond the workshop\'s stand-in for MongoDB, '
    + `which knows what JavaScript knows: ${pattern}`);
  }
}
