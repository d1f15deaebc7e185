/** Filters (what `find` and its kin take), sort orders, and what they mean for one document. */
import { BSONRegExp, MaxKey, MinKey } from 'bson';

import { CommandError, notImplemented } from './errors.ts';
import type { Doc, Value } from './values.ts';
import {
  compare, field, findType, isDoc, isNumeric, isTruthy, keyOf, keysAt, show, toNumber, typeOf,
  typeRank, valuesAt,
} from './values.ts';

export type Predicate = (doc: Doc) => boolean;

/** A test of one value; `undefined` is a missing field. */
type ValueTest = (value: Value | undefined) => boolean;

/** How operators find the values they test; see `valuesAt`. */
type Lookup = (doc: Doc, expandLast: boolean) => (Value | undefined)[];

/** Operators of MongoDB that are refused as "not here" rather than as unknown. */
const beyondUs = new Set([
  '$expr', '$where', '$text', '$jsonSchema', '$mod', '$bitsAllSet', '$bitsAllClear', '$bitsAnySet',
  '$bitsAnyClear', '$geoWithin', '$geoIntersects', '$near', '$nearSphere',
]);

// --- Filters -----------------------------------------------------------------------------------

/** Checks a filter and turns it into a predicate. Throws BadValue and its kin. */
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
    if (beyondUs.has(operator)) throw notImplemented(`The query operator ${operator}`);
    throw new CommandError('BadValue', `unknown top level operator: ${operator}. If you have a `
      + `field name that starts with a '$' symbol, consider using $getField or $setField.`);
  }
  if (!Array.isArray(value)) throw new CommandError('BadValue', `${operator} must be an array`);
  if (value.length === 0) {
    throw new CommandError('BadValue', '$and/$or/$nor must be a nonempty array');
  }
  const parts = value.map((item) => {
    if (!isDoc(item)) {
      throw new CommandError('BadValue', '$or/$and/$nor entries need to be full objects');
    }
    return compileFilter(item);
  });
  switch (operator) {
    case '$and': return (doc) => parts.every((part) => part(doc));
    case '$or': return (doc) => parts.some((part) => part(doc));
    case '$nor': return (doc) => !parts.some((part) => part(doc));
  }
}

/** Whether a value in a filter is a document of operators, not one to be equal to. */
export function isOperators(value: Value | undefined): value is Doc {
  if (!isDoc(value)) return false;
  const [first] = Object.keys(value);
  return first?.startsWith('$') === true && !['$ref', '$id', '$db'].includes(first);
}

function compileField(name: string, value: Value): Predicate {
  const path = name.split('.');
  const lookup: Lookup = (doc, expandLast) => valuesAt(doc, path, expandLast);
  if (isOperators(value)) return compileOperators(lookup, value);
  if (value instanceof BSONRegExp) return some(lookup, regexTest(value.pattern, value.options));
  return some(lookup, equals(value));
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
    case '$eq': return some(lookup, equals(value));
    case '$ne':
      if (value instanceof BSONRegExp) {
        throw new CommandError('BadValue', 'Can\'t have regex as arg to $ne.');
      }
      return not(some(lookup, equals(value)));
    case '$gt': return some(lookup, ordered(value, (order) => order > 0));
    case '$gte': return some(lookup, ordered(value, (order) => order >= 0));
    case '$lt': return some(lookup, ordered(value, (order) => order < 0));
    case '$lte': return some(lookup, ordered(value, (order) => order <= 0));
    case '$in': return some(lookup, isOneOf('$in', value));
    case '$nin': return not(some(lookup, isOneOf('$nin', value)));
    case '$not': return not(compileNot(lookup, value));
    case '$exists': {
      const exists = some(lookup, (found) => found !== undefined);
      return isTruthy(value) ? exists : not(exists);
    }
    case '$type': return some(lookup, typeTest(value));
    case '$regex': return some(lookup, regexOperator(value, field(all, '$options')));
    case '$options': throw new CommandError('BadValue', '$options needs a $regex');
    case '$size': return compileSize(lookup, value);
    case '$all': return compileAll(lookup, value);
    case '$elemMatch': return compileElemMatch(lookup, value);
    default:
      if (beyondUs.has(operator)) throw notImplemented(`The query operator ${operator}`);
      throw new CommandError('BadValue', `unknown operator: ${operator}`);
  }
}

function compileNot(lookup: Lookup, value: Value): Predicate {
  if (value instanceof BSONRegExp) return some(lookup, regexTest(value.pattern, value.options));
  if (!isDoc(value)) throw new CommandError('BadValue', '$not needs a regex or a document');
  if (Object.keys(value).length === 0) throw new CommandError('BadValue', '$not cannot be empty');
  if (!isOperators(value)) {
    throw new CommandError('BadValue', `unknown operator: ${Object.keys(value)[0] ?? ''}`);
  }
  return compileOperators(lookup, value);
}

function compileSize(lookup: Lookup, value: Value): Predicate {
  const size = isNumeric(value) ? toNumber(value) : NaN;
  if (!Number.isInteger(size) || size < 0) {
    throw new CommandError('BadValue', 'Failed to parse $size. Expected a non-negative integer '
      + `in: $size: ${show(value)}`);
  }
  return (doc) => lookup(doc, false)
    .some((found) => Array.isArray(found) && found.length === size);
}

function compileAll(lookup: Lookup, value: Value): Predicate {
  if (!Array.isArray(value)) throw new CommandError('BadValue', '$all needs an array');
  const parts = value.map((item) => {
    if (item instanceof BSONRegExp) return some(lookup, regexTest(item.pattern, item.options));
    if (!isOperators(item)) return some(lookup, equals(item));
    const elemMatch = field(item, '$elemMatch');
    if (elemMatch === undefined) throw new CommandError('BadValue', 'no $ expressions in $all');
    return compileElemMatch(lookup, elemMatch);
  });
  return (doc) => parts.length > 0 && parts.every((part) => part(doc));
}

function compileElemMatch(lookup: Lookup, value: Value): Predicate {
  if (!isDoc(value)) throw new CommandError('BadValue', '$elemMatch needs an Object');
  const test = compileElementTest(value);
  return (doc) => lookup(doc, false)
    .some((found) => Array.isArray(found) && found.some(test));
}

/** A test of array elements: operators for the element itself, or a filter for its fields. */
export function compileElementTest(condition: Doc): (element: Value) => boolean {
  const [first = ''] = Object.keys(condition);
  if (isOperators(condition) && !['$and', '$or', '$nor'].includes(first)) {
    // An array inside an array is one element: the operators do not look into it.
    const test = compileOperators(({ element }) => [element], condition);
    return (element) => test({ element });
  }
  const matches = compileFilter(condition);
  return (element) => isDoc(element) && matches(element);
}

/**
 * The `_id`s a filter allows when it names them (`{ _id: x }`, `$eq`, `$in`), so that they can be
 * looked up instead of searched. `undefined` when it does not.
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

function equals(wanted: Value): ValueTest {
  if (wanted === null) return (value) => value === undefined || value === null;
  return (value) => value !== undefined && compare(value, wanted) === 0;
}

/** $gt and its kin compare within one type; null stands for a missing field too. */
function ordered(bound: Value, accepts: (order: number) => boolean): ValueTest {
  if (bound instanceof BSONRegExp) {
    throw new CommandError('BadValue', 'Can\'t have RegEx as arg to predicate over field.');
  }
  if (bound instanceof MinKey || bound instanceof MaxKey) {
    return (value) => accepts(compare(value, bound));
  }
  const rank = typeRank(bound);
  const boundIsNaN = isNaNValue(bound);
  return (value) => {
    if (value === undefined) return bound === null && accepts(0);
    if (typeRank(value) !== rank) return false;
    if (boundIsNaN !== isNaNValue(value)) return false;
    return accepts(compare(value, bound));
  };
}

function isNaNValue(value: Value): boolean {
  return isNumeric(value) && Number.isNaN(toNumber(value));
}

function isOneOf(operator: string, list: Value): ValueTest {
  if (!Array.isArray(list)) throw new CommandError('BadValue', `${operator} needs an array`);
  if (list.some(isOperators)) {
    throw new CommandError('BadValue', `cannot nest $ under ${operator}`);
  }
  const keys = new Set(list.map(keyOf));
  const patterns = list.filter((item) => item instanceof BSONRegExp)
    .map((item) => regexTest(item.pattern, item.options));
  return (value) => keys.has(keyOf(value ?? null)) || patterns.some((matches) => matches(value));
}

function typeTest(wanted: Value): ValueTest {
  const list = Array.isArray(wanted) ? wanted : [wanted];
  if (list.length === 0) {
    throw new CommandError('FailedToParse', 'Type set must contain at least one type');
  }
  const names = new Set<string>();
  for (const item of list) {
    const name = typeof item === 'string' ? item : isNumeric(item) ? toNumber(item) : undefined;
    if (name === undefined) {
      throw new CommandError('TypeMismatch', 'type must be represented as a number or a string');
    }
    if (name === 'number') {
      for (const numeric of ['int', 'long', 'double', 'decimal']) names.add(numeric);
      continue;
    }
    const type = findType(name);
    if (type === undefined) {
      throw new CommandError('BadValue', typeof name === 'string'
        ? `Unknown type name alias: ${name}`
        : `Invalid numerical type code: ${name}`);
    }
    names.add(type);
  }
  return (value) => value !== undefined && names.has(typeOf(value));
}

function regexOperator(value: Value, options: Value | undefined): ValueTest {
  if (options !== undefined && typeof options !== 'string') {
    throw new CommandError('BadValue', '$options has to be a string');
  }
  if (value instanceof BSONRegExp) {
    if (options !== undefined && value.options !== '') {
      throw new CommandError(51075, 'options set in both $regex and $options');
    }
    return regexTest(value.pattern, options ?? value.options);
  }
  if (typeof value !== 'string') throw new CommandError('BadValue', '$regex has to be a string');
  return regexTest(value, options ?? '');
}

function regexTest(pattern: string, options: string): ValueTest {
  const regex = toRegExp(pattern, options);
  const key = keyOf(new BSONRegExp(pattern, options));
  return (value) => typeof value === 'string'
    ? regex.test(value)
    : value instanceof BSONRegExp && keyOf(value) === key;
}

/**
 * A Perl-compatible pattern as JavaScript's. What the two read differently is translated (`$`,
 * `^`, `.`, escaped punctuation); what only Perl knows is refused by the RegExp's `u` flag.
 */
function toRegExp(pattern: string, options: string): RegExp {
  for (const option of options) {
    if (option === 'x') throw notImplemented('The regular expression option x');
    if (!'imsu'.includes(option)) {
      throw new CommandError(51108, `invalid flag in regex options: ${option}`);
    }
  }
  const lines = options.includes('m');
  let inClass = false;
  const source = pattern.replace(/\\[^]|[[\].^$]/gu, (token) => {
    if (token === '\\v') throw notImplemented('\\v in a regular expression');
    if (/^\\[^\w\s]$/u.test(token)) {
      return `\\u{${(token.codePointAt(1) ?? 0).toString(16)}}`;
    }
    if (token.startsWith('\\')) return token;
    if (inClass) {
      if (token === ']') inClass = false;
      return token;
    }
    switch (token) {
      case '[': inClass = true; return token;
      case '.': return options.includes('s') ? '[^]' : '[^\\n]';
      case '^': return lines ? '(?<![^\\n])' : '(?<![^])';
      case '$': return lines ? '(?![^\\n])' : '(?=\\n?(?![^]))';
      default: return token;
    }
  });
  try {
    return new RegExp(source, options.includes('i') ? 'iu' : 'u');
  } catch {
    throw new CommandError(51091, `Regular expression is invalid, or beyond the workshop's `
      + `stand-in for MongoDB, which knows what JavaScript knows: ${pattern}`);
  }
}

// --- Sort --------------------------------------------------------------------------------------

/** Checks a sort order and returns a function that gives the documents in that order. */
export function compileSort(sort: Doc): (docs: Iterable<Doc>) => Doc[] {
  const parts = Object.entries(sort).map(([name, value]) => {
    if (isDoc(value)) throw notImplemented('A sort by $meta or another expression');
    if (!isNumeric(value)) {
      throw new CommandError(
        15974, `Illegal key in $sort specification: ${name}: ${show(value)}`,
      );
    }
    const direction = toNumber(value);
    if (direction !== 1 && direction !== -1) {
      throw new CommandError(
        15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)',
      );
    }
    return { path: name.split('.'), direction };
  });
  return (docs) => {
    const rows = Array.from(docs, (doc) => ({
      doc,
      // An array sorts by its least element when ascending, by its greatest when descending.
      keys: parts.map(({ path, direction }) => keysAt(doc, path)
        .reduce((best, key) => compare(key, best) * direction < 0 ? key : best)),
    }));
    if (parts.length > 0) {
      rows.sort((a, b) => {
        for (const [index, { direction }] of parts.entries()) {
          const order = compare(a.keys[index], b.keys[index]) * direction;
          if (order !== 0) return order;
        }
        return 0;
      });
    }
    return rows.map(({ doc }) => doc);
  };
}
