/** Updates: replacement documents, update operators, and the starting document of an upsert. */
import { BSONRegExp } from 'bson';

import { RealDate } from './clock.ts';
import { fail, refuseUnknown, refuseUnsupported } from './errors.ts';
import { compilePullTest, isOperators } from './query.ts';
import type { Doc, Value } from './values.ts';
import {
  add, compare, field, isArrayIndex, isDoc, isNumeric, parsePath, show, typeOf,
} from './values.ts';
import { work } from './work.ts';

/** What an operator does to a field: a new value, `keep` or `remove`. */
type Outcome = Value | typeof keep | typeof remove;
const keep = Symbol('keep');
const remove = Symbol('remove');

type Change = (current: Value | undefined) => Outcome;

interface Modification { path: string[]; change: Change; onInsert: boolean }

export interface Update {
  readonly isReplacement: boolean;
  /** Returns the new document; the given one stays unchanged. */
  apply(doc: Doc, options: { inserting: boolean }): Doc;
}

/** Checks an update and compiles it. Throws FailedToParse and the like. */
export function compileUpdate(update: Value | undefined): Update {
  if (Array.isArray(update)) refuseUnsupported('An update given as an aggregation pipeline');
  if (!isDoc(update)) fail('FailedToParse', 'Update argument must be either an object or an array');
  const [first] = Object.keys(update);
  return first?.startsWith('$') === true ? compileOperators(update) : compileReplacement(update);
}

function compileReplacement(replacement: Doc): Update {
  const dollar = Object.keys(replacement).find((name) => name.startsWith('$'));
  if (dollar !== undefined) {
    fail('DollarPrefixedFieldName', `'${dollar}' is not allowed in a replacement document.`);
  }
  return {
    isReplacement: true,
    apply(doc) {
      const [oldId, newId] = [field(doc, '_id'), field(replacement, '_id')];
      if (oldId === undefined) return replacement;
      if (newId === undefined) return { _id: oldId, ...replacement };
      refuseOtherId(oldId, newId);
      return { _id: newId, ...replacement };
    },
  };
}

function refuseOtherId(oldId: Value | undefined, newId: Value | undefined): void {
  if (oldId === undefined || compare(oldId, newId) === 0) return;
  fail('ImmutableField', `The (immutable) field '_id' would be altered to _id: ${show(newId)}`);
}

function compileOperators(update: Doc): Update {
  const modifications = Object.entries(update).flatMap(([operator, fields]) => {
    const compile = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
    if (compile === undefined) refuseUnknown('FailedToParse', `Unknown modifier: ${operator}`);
    if (!isDoc(fields)) {
      fail('FailedToParse', `Modifiers operate on fields, as in {${operator}: {<field>: ...}}`);
    }
    return Object.entries(fields).map(([name, argument]): Modification => {
      const change = compile(argument, name);
      return { path: parseUpdatePath(name), change, onInsert: operator === '$setOnInsert' };
    });
  });
  refuseConflicts(modifications);
  // mongod (since 5.0) updates fields by name, numbers by value: new fields get that order.
  modifications.sort((a, b) => comparePaths(a.path, b.path));
  return {
    isReplacement: false,
    apply(doc, { inserting }) {
      const result = clone(doc);
      for (const { path, change, onInsert } of modifications) {
        if (onInsert && !inserting) continue;
        const outcome = change(path.reduce<Value | undefined>(child, result));
        if (outcome === keep) continue;
        if (outcome === remove) unset(result, path);
        else write(result, path, outcome);
      }
      refuseOtherId(field(doc, '_id'), field(result, '_id'));
      return result;
    },
  };
}

/** Copies a document with the documents and arrays in it, so that all of them may be changed. */
function clone(doc: Doc): Doc {
  return Object.fromEntries(Object.entries(doc).map(([name, value]) => [name, cloneValue(value)]));
}

function cloneValue(value: Value): Value {
  if (Array.isArray(value)) return value.map(cloneValue);
  return isDoc(value) ? clone(value) : value;
}

function parseUpdatePath(name: string): string[] {
  if (!name.split('.').includes('')) return parsePath(name);
  fail('EmptyFieldName', `The update path '${name}' contains an empty field name.`);
}

function refuseConflicts(modifications: Modification[]): void {
  const seen = new Set<string>();
  for (const path of modifications.map(({ path }) => path.join('.')).sort()) {
    const parts = path.split('.');
    for (let length = 1; length <= parts.length; length += 1) {
      const prefix = parts.slice(0, length).join('.');
      if (!seen.has(prefix)) continue;
      fail('ConflictingUpdateOperators', `Updating '${path}' would conflict with '${prefix}'`);
    }
    seen.add(path);
  }
}

function comparePaths(a: string[], b: string[]): number {
  for (const [index, part] of a.entries()) {
    const other = b[index] ?? '';
    if (part === other) continue;
    if (isArrayIndex(part) && isArrayIndex(other)) return Number(part) - Number(other);
    return part < other ? -1 : 1;
  }
  return a.length - b.length;
}

// --- Reading and writing a dotted path ---------------------------------------------------------

function child(parent: Value | undefined, part: string): Value | undefined {
  if (isDoc(parent)) return field(parent, part);
  return Array.isArray(parent) && isArrayIndex(part) ? parent[Number(part)] : undefined;
}

/** Sets a field, creating the documents on its path. */
function write(doc: Doc, path: string[], value: Value): void {
  let parent: Value = doc;
  for (const [depth, part] of path.entries()) {
    const existing = child(parent, part);
    const next: Value = depth === path.length - 1 ? value : existing === undefined ? {} : existing;
    if (isDoc(parent)) {
      // Unlike an assignment, this can set even `__proto__`.
      Object.defineProperty(parent, part, {
        value: next, writable: true, enumerable: true, configurable: true,
      });
    } else if (Array.isArray(parent) && isArrayIndex(part)) {
      const index = Number(part);
      if (index > parent.length + 1_500_000) {
        fail('BadValue', `can't backfill more than 1500000 elements`);
      }
      while (parent.length < index) parent.push(null);
      parent[index] = next;
    } else {
      fail('PathNotViable', `Cannot create field '${part}' in element {${path[depth - 1] ?? ''}: `
      + `${show(parent)}}`);
    }
    parent = next;
  }
}

function unset(doc: Doc, path: string[]): void {
  const parent = path.slice(0, -1).reduce<Value | undefined>(child, doc);
  const name = path.at(-1) ?? '';
  if (Array.isArray(parent)) {
    if (child(parent, name) !== undefined) parent[Number(name)] = null;
  } else if (isDoc(parent)) {
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a document, not a record
    delete parent[name];
  }
}

// --- The operators -----------------------------------------------------------------------------

const operators: Record<string, (argument: Value, name: string) => Change> = {
  $set: (argument) => () => argument,
  $setOnInsert: (argument) => () => argument,
  $unset: () => (current) => current === undefined ? keep : remove,
  $min: (argument) => (current) =>
    current === undefined || compare(argument, current) < 0 ? argument : keep,
  $max: (argument) => (current) =>
    current === undefined || compare(argument, current) > 0 ? argument : keep,

  $inc: (argument, name) => {
    if (!isNumeric(argument)) {
      fail('TypeMismatch', `Cannot increment with non-numeric argument: ${show(argument)}`);
    }
    return (current) => {
      if (current === undefined) return argument;
      if (!isNumeric(current)) {
        fail('TypeMismatch', `Cannot apply $inc to '${name}' of type ${typeOf(current)}`);
      }
      return add(current, argument) ?? fail('BadValue', `$inc of '${name}' would overflow`);
    };
  },

  $currentDate: (argument) => {
    const isDate = typeof argument === 'boolean' || (isDoc(argument) && argument.$type === 'date');
    if (!isDate) refuseUnsupported('$currentDate with anything but true or {$type: "date"}');
    return () => new RealDate();
  },

  $push: (argument, name) => {
    const items = itemsOf('$push', argument);
    return (current) => [...arrayAt('$push', current, name), ...items];
  },

  $addToSet: (argument, name) => {
    const items = itemsOf('$addToSet', argument);
    return (current) => {
      const array = [...arrayAt('$addToSet', current, name)];
      for (const item of items) {
        work(array.length);
        if (!array.some((existing) => compare(existing, item) === 0)) array.push(item);
      }
      return array;
    };
  },

  $pull: (argument, name) => {
    const isUnwanted = compilePullTest(argument);
    return (current) => current === undefined
      ? keep
      : arrayAt('$pull', current, name).filter((item) => !isUnwanted(item));
  },
};

/** What `$push` or `$addToSet` adds: its argument, or every element of `$each`. */
function itemsOf(operator: string, argument: Value): Value[] {
  if (!isDoc(argument)) return [argument];
  const { $each: each, ...others } = argument;
  const modifier = Object.keys(others).find((name) => each !== undefined || name.startsWith('$'));
  if (modifier !== undefined) refuseUnsupported(`${operator} with ${modifier}`);
  if (each === undefined) return [argument];
  if (Array.isArray(each)) return each;
  fail('BadValue', `The argument to $each in ${operator} must be an array`);
}

function arrayAt(operator: string, current: Value | undefined, name: string): Value[] {
  if (current === undefined) return [];
  if (Array.isArray(current)) return current;
  fail('BadValue', `${operator} needs an array at '${name}', which is of type ${typeOf(current)}`);
}

// --- Upserts -----------------------------------------------------------------------------------

/** The document that an upsert inserts: the filter's equalities, changed by the update. */
export function upsertDocument(filter: Doc, update: Update): Doc {
  const base: Doc = {};
  const known = equalities(filter);
  const paths = known.map(([path]) => path);
  for (const [path, value] of known) {
    const clash = paths.filter((other) => other === path).length > 1
      || paths.some((other) => other.startsWith(`${path}.`));
    if (clash) fail('NotSingleValueField', `cannot infer query fields to set, '${path}' twice`);
    if (!update.isReplacement || path === '_id') write(base, parseUpdatePath(path), value);
  }
  return update.apply(base, { inserting: true });
}

function equalities(filter: Doc): [path: string, value: Value][] {
  return Object.entries(filter).flatMap(([name, value]): [string, Value][] => {
    if (name === '$and' || name === '$or') {
      if (!Array.isArray(value) || (name === '$or' && value.length > 1)) return [];
      return value.filter(isDoc).flatMap(equalities);
    }
    if (name.startsWith('$') || value instanceof BSONRegExp) return [];
    if (!isOperators(value)) return [[name, value]];
    if (value.$eq !== undefined) return [[name, value.$eq]];
    const lists = [value.$in, value.$all].filter((list) => Array.isArray(list));
    return lists.filter(({ length }) => length === 1).flat()
      .filter((only) => !(only instanceof BSONRegExp)).slice(0, 1).map((only) => [name, only]);
  });
}
