/** Updates: replacement documents and update operators, and the document an upsert starts from. */
import { BSONRegExp, ObjectId } from 'bson';

import { currentDate, now } from './clock.ts';
import { CommandError, notImplemented } from './errors.ts';
import { compileElementTest, isOperators } from './query.ts';
import type { Doc, Value } from './values.ts';
import {
  add, clone, compare, field, isArrayIndex, isDoc, isNumeric, parsePath, setField, show, toNumber,
  typeOf,
} from './values.ts';
import { work } from './work.ts';

/** What an operator makes of a field: a new value, or one of the two below. */
type Outcome = Value | typeof keep | typeof remove;
const keep = Symbol('keep');
const remove = Symbol('remove');

type Change = (current: Value | undefined, root: Doc) => Outcome;

interface Modification {
  path: string[];
  change: Change;
  /** `$rename`: the field that goes. */
  source?: string[];
  onInsert?: boolean;
}

export interface Update {
  readonly isReplacement: boolean;
  /** The new document; the given one is left as it is. */
  apply(doc: Doc, options: { inserting: boolean }): Doc;
}

/** Checks an update and makes it applicable. Throws FailedToParse and its kin. */
export function compileUpdate(update: Value | undefined): Update {
  if (Array.isArray(update)) throw notImplemented('An update given as an aggregation pipeline');
  if (!isDoc(update)) {
    throw new CommandError('FailedToParse', 'Update argument must be either an object or an array');
  }
  const [first] = Object.keys(update);
  return first?.startsWith('$') === true ? compileOperators(update) : compileReplacement(update);
}

function compileReplacement(replacement: Doc): Update {
  const dollar = Object.keys(replacement).find((name) => name.startsWith('$'));
  if (dollar !== undefined) {
    throw new CommandError('DollarPrefixedFieldName', `The dollar ($) prefixed field '${dollar}' `
      + 'is not allowed in the context of an update\'s replacement document.');
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
  throw new CommandError('ImmutableField', 'After applying the update, the (immutable) field '
    + `'_id' was found to have been altered to _id: ${show(newId)}`);
}

function compileOperators(update: Doc): Update {
  const modifications = Object.entries(update).flatMap(([operator, fields]) => {
    const compile = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
    if (compile === undefined) {
      if (beyondUs.has(operator)) throw notImplemented(`The update operator ${operator}`);
      throw new CommandError('FailedToParse', `Unknown modifier: ${operator}. Expected a valid `
        + 'update modifier or pipeline-style update specified as an array');
    }
    if (!isDoc(fields)) {
      throw new CommandError('FailedToParse', 'Modifiers operate on fields but we found type '
        + `${typeOf(fields)} instead. For example: {${operator}: {<field>: ...}}`);
    }
    return Object.entries(fields).map(([name, argument]): Modification => {
      if (operator === '$rename') return compileRename(name, argument);
      const change = compile(argument, name);
      return { path: parseUpdatePath(name), change, onInsert: operator === '$setOnInsert' };
    });
  });
  refuseConflicts(modifications);
  // mongod (since 5.0) takes the fields by name, numbers by size: new fields appear in that order.
  modifications.sort((a, b) => comparePaths(a.path, b.path));
  return {
    isReplacement: false,
    apply(doc, { inserting }) {
      const result = clone(doc);
      for (const { path, change, source, onInsert } of modifications) {
        if (onInsert === true && !inserting) continue;
        const outcome = change(path.reduce<Value | undefined>(child, result), result);
        if (outcome === keep) continue;
        if (source !== undefined) unset(result, source);
        if (outcome === remove) unset(result, path);
        else write(result, path, outcome);
      }
      refuseOtherId(field(doc, '_id'), field(result, '_id'));
      return result;
    },
  };
}

function parseUpdatePath(name: string): string[] {
  if (name.split('.').includes('')) {
    throw new CommandError('EmptyFieldName', `The update path '${name}' contains an empty field `
      + 'name, which is not allowed.');
  }
  return parsePath(name);
}

function refuseConflicts(modifications: Modification[]): void {
  const taken = modifications
    .flatMap(({ path, source }) => source === undefined ? [path] : [path, source])
    .map((path) => path.join('.'))
    .sort();
  const seen = new Set<string>();
  for (const path of taken) {
    const parts = path.split('.');
    for (let length = 1; length <= parts.length; length += 1) {
      const prefix = parts.slice(0, length).join('.');
      if (seen.has(prefix)) {
        throw new CommandError('ConflictingUpdateOperators',
          `Updating the path '${path}' would create a conflict at '${prefix}'`);
      }
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

/** Sets a field, making the documents on the way to it. */
function write(doc: Doc, path: string[], value: Value): void {
  let parent: Value = doc;
  for (const [depth, part] of path.entries()) {
    const existing = child(parent, part);
    const next: Value = depth === path.length - 1 ? value : existing === undefined ? {} : existing;
    if (isDoc(parent)) {
      setField(parent, part, next);
    } else if (Array.isArray(parent) && isArrayIndex(part)) {
      const index = Number(part);
      if (index > parent.length + 1_500_000) {
        throw new CommandError('BadValue', `can't backfill more than 1500000 elements`);
      }
      while (parent.length < index) parent.push(null);
      parent[index] = next;
    } else {
      throw new CommandError('PathNotViable', `Cannot create field '${part}' in element `
        + `{${path[depth - 1] ?? ''}: ${show(parent)}}`);
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

/** Operators of MongoDB that are refused as "not here" rather than as unknown. */
const beyondUs = new Set(['$bit', '$mul', '$pullAll']);

const operators: Record<string, (argument: Value, name: string) => Change> = {
  $set: (argument) => () => clone(argument),
  $setOnInsert: (argument) => () => clone(argument),
  $unset: () => (current) => current === undefined ? keep : remove,
  $rename: (argument, name) => compileRename(name, argument).change,
  $min: (argument) => (current) =>
    current === undefined || compare(argument, current) < 0 ? argument : keep,
  $max: (argument) => (current) =>
    current === undefined || compare(argument, current) > 0 ? argument : keep,

  $inc: (argument, name) => {
    if (!isNumeric(argument)) {
      throw new CommandError('TypeMismatch', 'Cannot increment with non-numeric argument: '
        + `{${name}: ${show(argument)}}`);
    }
    return (current, root) => {
      if (current === undefined) return argument;
      const where = `{_id: ${show(field(root, '_id'))}} has the field '${name}'`;
      if (!isNumeric(current)) {
        throw new CommandError('TypeMismatch', 'Cannot apply $inc to a value of non-numeric type. '
          + `${where} of non-numeric type ${typeOf(current)}`);
      }
      const sum = add(current, argument);
      if (sum !== undefined) return sum;
      throw new CommandError('BadValue', `Failed to apply $inc: ${where} too large for it`);
    };
  },

  $currentDate: (argument) => {
    const isDate = argument === true || argument === false
      || (isDoc(argument) && field(argument, '$type') === 'date');
    if (!isDate) throw notImplemented('$currentDate with anything but true or {$type: "date"}');
    return () => currentDate();
  },

  $push: (argument, name) => {
    const { $each, $slice, $position } = modifiers('$push', argument, ['$slice', '$position']);
    const slice = wholeModifier('$slice', $slice);
    const position = wholeModifier('$position', $position);
    return (current) => {
      const array = [...arrayAt('$push', current, name)];
      array.splice(position ?? array.length, 0, ...$each.map((item) => clone(item)));
      if (slice === undefined) return array;
      return slice >= 0 ? array.slice(0, slice) : array.slice(slice);
    };
  },

  $addToSet: (argument, name) => {
    const { $each } = modifiers('$addToSet', argument, []);
    return (current) => {
      const array = [...arrayAt('$addToSet', current, name)];
      for (const item of $each) {
        work(array.length);
        if (!array.some((existing) => compare(existing, item) === 0)) array.push(clone(item));
      }
      return array;
    };
  },

  $pull: (argument, name) => {
    const isUnwanted = argument instanceof BSONRegExp
      ? compileElementTest({ $regex: argument })
      : isDoc(argument)
        ? compileElementTest(argument)
        : (item: Value) => compare(item, argument) === 0;
    return (current) => current === undefined
      ? keep
      : arrayAt('$pull', current, name).filter((item) => !isUnwanted(item));
  },

  $pop: (argument, name) => {
    const end = isNumeric(argument) ? toNumber(argument) : NaN;
    if (end !== 1 && end !== -1) {
      throw new CommandError('FailedToParse', `$pop expects 1 or -1, found: ${show(argument)}`);
    }
    return (current) => {
      if (current === undefined) return keep;
      const array = arrayAt('$pop', current, name);
      return end === 1 ? array.slice(0, -1) : array.slice(1);
    };
  },
};

/** The argument of `$push` or `$addToSet`: one value, or `$each` with further modifiers. */
function modifiers(
  operator: string, argument: Value, known: string[],
): { $each: Value[]; $slice?: Value; $position?: Value } {
  const [first] = isDoc(argument) ? Object.keys(argument) : [];
  if (!isDoc(argument) || first?.startsWith('$') !== true) return { $each: [argument] };
  const { $each, ...others } = argument;
  const unknown = Object.keys(others).find((name) => !known.includes(name));
  if (unknown !== undefined || $each === undefined) {
    throw notImplemented(`${operator} with ${unknown ?? `${first} and without $each`}`);
  }
  if (Array.isArray($each)) return { $each, ...others };
  throw new CommandError('BadValue', `The argument to $each in ${operator} must be an array but it `
    + `was of type: ${typeOf($each)}`);
}

function wholeModifier(name: string, value: Value | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = isNumeric(value) ? toNumber(value) : NaN;
  if (Number.isInteger(number)) return number;
  throw new CommandError('BadValue', `The value for ${name} must be an integer value but was `
    + `given type: ${typeOf(value)}`);
}

function arrayAt(operator: string, current: Value | undefined, name: string): Value[] {
  if (current === undefined) return [];
  if (Array.isArray(current)) return current;
  const error = operator === '$pop' ? 'TypeMismatch' : 'BadValue';
  throw new CommandError(error, `The field '${name}' must be an array but is of type `
    + `${typeOf(current)}, so ${operator} cannot be applied`);
}

function compileRename(name: string, argument: Value): Modification {
  if (typeof argument !== 'string') {
    throw new CommandError('BadValue', `The 'to' field for $rename must be a string: ${name}: `
      + show(argument));
  }
  const [source, path] = [parseUpdatePath(name), parseUpdatePath(argument)];
  if (source.length + path.length > 2 || argument === '_id') {
    throw notImplemented('$rename inside documents and arrays, or to _id,');
  }
  if (name === argument) {
    throw new CommandError('BadValue', 'The source and target field for $rename must differ');
  }
  return {
    source,
    path,
    change: (_current, root) => {
      const value = field(root, name);
      return value === undefined ? keep : value;
    },
  };
}

// --- Upserts -----------------------------------------------------------------------------------

/**
 * The document an upsert inserts: the fields the filter sets equal to something, changed by the
 * update, with an `_id` at its front.
 */
export function upsertDocument(filter: Doc, update: Update): Doc {
  const base: Doc = {};
  const known = equalities(filter);
  const paths = known.map(([path]) => path);
  for (const [path, value] of known) {
    const clash = paths.filter((other) => other === path).length > 1
      || paths.some((other) => other.startsWith(`${path}.`));
    if (clash) {
      throw new CommandError('NotSingleValueField', 'cannot infer query fields to set, path '
        + `'${path}' is matched twice`);
    }
    if (!update.isReplacement || path === '_id') write(base, parseUpdatePath(path), clone(value));
  }
  const { _id: id = newObjectId(), ...rest } = update.apply(base, { inserting: true });
  return { _id: id, ...rest };
}

function equalities(filter: Doc): [path: string, value: Value][] {
  return Object.entries(filter).flatMap(([name, value]): [string, Value][] => {
    if (name === '$and' || name === '$or') {
      if (!Array.isArray(value) || (name === '$or' && value.length > 1)) return [];
      return value.filter(isDoc).flatMap(equalities);
    }
    if (name.startsWith('$') || value instanceof BSONRegExp) return [];
    if (!isOperators(value)) return [[name, value]];
    const exact = field(value, '$eq');
    if (exact !== undefined) return [[name, exact]];
    for (const operator of ['$in', '$all']) {
      const list = field(value, operator);
      const [only] = Array.isArray(list) && list.length === 1 ? list : [];
      if (only !== undefined && !(only instanceof BSONRegExp) && !isOperators(only)) {
        return [[name, only]];
      }
    }
    return [];
  });
}

/** A new ObjectId, by the real clock. */
export function newObjectId(): ObjectId {
  return new ObjectId(ObjectId.generate(Math.floor(now() / 1000)));
}
