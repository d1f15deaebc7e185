/** Updates: replacement documents and update operators, and the document an upsert starts from. */
import { BSONRegExp, Int32, Long, ObjectId, Timestamp } from 'bson';

import { currentDate, now } from './clock.ts';
import { CommandError, notImplemented } from './errors.ts';
import { compileElementTest, isOperators } from './query.ts';
import type { Doc, Numeric, Value } from './values.ts';
import {
  arithmetic, clone, compare, field, isDoc, isNumeric, setField, show, toNumber, typeOf,
} from './values.ts';

/** What an operator makes of a field: a new value, or one of the two below. */
type Outcome = Value | typeof keep | typeof remove;
const keep = Symbol('keep');
const remove = Symbol('remove');

type Change = (current: Value | undefined, root: Doc) => Outcome;

interface Modification { path: string[]; change: Change; source?: string[]; onInsert: boolean }

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
      + `in '${dollar}' is not allowed in the context of an update's replacement document.`);
  }
  return {
    isReplacement: true,
    apply(doc) {
      const oldId = field(doc, '_id');
      const id = field(replacement, '_id') ?? oldId;
      if (oldId !== undefined && compare(oldId, id) !== 0) {
        throw new CommandError('ImmutableField', 'After applying the update, the (immutable) field '
          + `'_id' was found to have been altered to _id: ${show(id)}`);
      }
      return id === undefined ? replacement : { _id: id, ...replacement };
    },
  };
}

function compileOperators(update: Doc): Update {
  const modifications: Modification[] = [];
  for (const [operator, fields] of Object.entries(update)) {
    const compile = findOperator(operator);
    if (!isDoc(fields)) {
      throw new CommandError('FailedToParse', 'Modifiers operate on fields but we found type '
        + `${typeOf(fields)} instead. For example: {$mod: {<field>: ...}} not `
        + `{${operator}: ${show(fields)}}`);
    }
    for (const [name, argument] of Object.entries(fields)) {
      modifications.push(compile(name, argument));
    }
  }
  refuseConflicts(modifications);
  // mongod (since 5.0) takes the fields by name, numbers by size: new fields appear in that order.
  modifications.sort((a, b) => comparePaths(a.path, b.path));
  return {
    isReplacement: false,
    apply(doc, { inserting }) {
      const result = clone(doc);
      for (const { path, change, source, onInsert } of modifications) {
        if (onInsert && !inserting) continue;
        const outcome = change(read(result, path), result);
        if (outcome === keep) continue;
        if (source !== undefined) unset(result, source);
        if (outcome === remove) unset(result, path);
        else write(result, path, outcome);
      }
      const [oldId, newId] = [field(doc, '_id'), field(result, '_id')];
      if (oldId !== undefined && compare(oldId, newId) !== 0) {
        throw new CommandError('ImmutableField', 'Performing an update on the path \'_id\' would '
          + 'modify the immutable field \'_id\'');
      }
      return result;
    },
  };
}

function findOperator(operator: string): (name: string, argument: Value) => Modification {
  if (operator === '$rename') return compileRename;
  const compile = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
  if (compile === undefined) {
    if (operator === '$bit') throw notImplemented('The update operator $bit');
    throw new CommandError('FailedToParse', `Unknown modifier: ${operator}. Expected a valid `
      + 'update modifier or pipeline-style update specified as an array');
  }
  return (name, argument) => ({
    path: parsePath(name),
    change: compile(argument, name),
    onInsert: operator === '$setOnInsert',
  });
}

function parsePath(name: string): string[] {
  if (name === '') throw new CommandError('EmptyFieldName', 'An empty update path is not valid.');
  const path = name.split('.');
  for (const part of path) {
    if (part === '') {
      throw new CommandError('EmptyFieldName', `The update path '${name}' contains an empty field `
        + 'name, which is not allowed.');
    }
    if (part === '$' || part.startsWith('$[')) {
      throw notImplemented(`The positional operator ${part}`);
    }
    if (part.startsWith('$')) {
      throw new CommandError('DollarPrefixedFieldName', `The dollar ($) prefixed field '${part}' `
        + `in '${name}' is not allowed in the context of an update.`);
    }
  }
  return path;
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

function isArrayIndex(part: string): boolean {
  return /^(0|[1-9]\d*)$/.test(part);
}

function child(parent: Value | undefined, part: string): Value | undefined {
  if (isDoc(parent)) return field(parent, part);
  return Array.isArray(parent) && isArrayIndex(part) ? parent[Number(part)] : undefined;
}

function read(doc: Doc, path: string[]): Value | undefined {
  return path.reduce<Value | undefined>(child, doc);
}

/** Sets a field, making the documents on the way to it. */
function write(doc: Doc, path: string[], value: Value): void {
  let parent: Value = doc;
  for (const [depth, part] of path.entries()) {
    const existing = child(parent, part);
    const next: Value = depth === path.length - 1 ? value : existing ?? {};
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
  const parent = read(doc, path.slice(0, -1));
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
  $set: (argument) => () => clone(argument),
  $setOnInsert: (argument) => () => clone(argument),
  $unset: () => (current) => current === undefined ? keep : remove,
  $inc: (argument, name) => calculate('$inc', '+', argument, name),
  $mul: (argument, name) => calculate('$mul', '*', argument, name),
  $min: (argument) => (current) =>
    current === undefined || compare(argument, current) < 0 ? argument : keep,
  $max: (argument) => (current) =>
    current === undefined || compare(argument, current) > 0 ? argument : keep,
  $currentDate: compileCurrentDate,
  $push: compilePush,
  $addToSet: compileAddToSet,
  $pull: compilePull,
  $pullAll: (argument) => {
    if (!Array.isArray(argument)) {
      throw new CommandError('BadValue', `$pullAll requires an array argument but was given a `
        + typeOf(argument));
    }
    return withoutElements('$pullAll', (item) =>
      argument.some((unwanted) => compare(item, unwanted) === 0));
  },
  $pop: (argument, name) => {
    const end = isNumeric(argument) ? toNumber(argument) : NaN;
    if (end !== 1 && end !== -1) {
      throw new CommandError('FailedToParse', `$pop expects 1 or -1, found: ${show(argument)}`);
    }
    return (current) => {
      if (current === undefined) return keep;
      if (!Array.isArray(current)) {
        throw new CommandError('TypeMismatch', `Path '${name}' contains an element of non-array `
          + `type '${typeOf(current)}'`);
      }
      return end === 1 ? current.slice(0, -1) : current.slice(1);
    };
  },
};

function calculate(operator: string, sign: '+' | '*', argument: Value, name: string): Change {
  if (!isNumeric(argument)) {
    throw new CommandError('TypeMismatch', `Cannot ${sign === '+' ? 'increment' : 'multiply'} with `
      + `non-numeric argument: {${name}: ${show(argument)}}`);
  }
  return (current, root) => {
    if (current === undefined) return sign === '+' ? argument : zeroLike(argument);
    if (!isNumeric(current)) {
      throw new CommandError('TypeMismatch', `Cannot apply ${operator} to a value of non-numeric `
        + `type. {_id: ${show(field(root, '_id'))}} has the field '${name}' of non-numeric type `
        + typeOf(current));
    }
    const result = arithmetic(current, sign, argument);
    if (result === undefined) {
      throw new CommandError('BadValue', `Failed to apply ${operator} operations to current value `
        + `(${show(current)}) for document {_id: ${show(field(root, '_id'))}}`);
    }
    return result;
  };
}

function zeroLike(number: Numeric): Numeric {
  if (number instanceof Int32) return new Int32(0);
  return arithmetic(number, '*', new Int32(0)) ?? Long.ZERO;
}

let timestampCount = 0;

function compileCurrentDate(argument: Value): Change {
  const type = isDoc(argument) && Object.keys(argument).length === 1
    ? field(argument, '$type')
    : undefined;
  if (typeof argument !== 'boolean' && type !== 'date' && type !== 'timestamp') {
    throw new CommandError('BadValue', `${typeOf(argument)} is not valid type for $currentDate. `
      + 'Please use a boolean (\'true\') or a $type expression ({$type: \'timestamp/date\'}).');
  }
  if (type !== 'timestamp') return () => currentDate();
  return () => {
    timestampCount += 1;
    return new Timestamp({ t: Math.floor(now() / 1000), i: timestampCount });
  };
}

function compileRename(name: string, argument: Value): Modification {
  if (typeof argument !== 'string') {
    throw new CommandError('BadValue', `The 'to' field for $rename must be a string: ${name}: `
      + show(argument));
  }
  const source = parsePath(name);
  return {
    source,
    path: parsePath(argument),
    onInsert: false,
    change: (current, root) => {
      let parent: Value | undefined = root;
      for (const part of source.slice(0, -1)) {
        parent = child(parent, part);
        if (Array.isArray(parent)) {
          throw new CommandError('BadValue', 'The source field cannot be an array element, '
            + `'${name}' in doc with _id: ${show(field(root, '_id'))}`);
        }
      }
      return read(root, source) ?? keep;
    },
  };
}

function compilePush(argument: Value, name: string): Change {
  const each = isDoc(argument) ? field(argument, '$each') : undefined;
  if (!isDoc(argument) || each === undefined) {
    return (current) => [...arrayAt('$push', current, name), clone(argument)];
  }
  if (!Array.isArray(each)) {
    throw new CommandError('BadValue', `The argument to $each in $push must be an array but it was `
      + `of type: ${typeOf(each)}`);
  }
  for (const modifier of Object.keys(argument)) {
    if (modifier === '$sort') throw notImplemented('$sort in $push');
    if (!['$each', '$slice', '$position'].includes(modifier)) {
      throw new CommandError('BadValue', `Unrecognized clause in $push: ${modifier}`);
    }
  }
  const slice = integerModifier(argument, '$slice');
  const position = integerModifier(argument, '$position');
  return (current) => {
    const array = [...arrayAt('$push', current, name)];
    array.splice(position ?? array.length, 0, ...each.map((item) => clone(item)));
    if (slice === undefined) return array;
    return slice >= 0 ? array.slice(0, slice) : array.slice(slice);
  };
}

function integerModifier(modifiers: Doc, name: string): number | undefined {
  const value = field(modifiers, name);
  if (value === undefined) return undefined;
  const number = isNumeric(value) ? toNumber(value) : NaN;
  if (!Number.isInteger(number)) {
    throw new CommandError('BadValue', `The value for ${name} must be an integer value but was `
      + `given type: ${typeOf(value)}`);
  }
  return number;
}

function arrayAt(operator: string, current: Value | undefined, name: string): Value[] {
  if (current === undefined) return [];
  if (Array.isArray(current)) return current;
  throw new CommandError('BadValue', `The field '${name}' must be an array but is of type `
    + `${typeOf(current)}, so ${operator} cannot be applied`);
}

function compileAddToSet(argument: Value, name: string): Change {
  const each = isDoc(argument) ? field(argument, '$each') : undefined;
  if (each !== undefined && !Array.isArray(each)) {
    throw new CommandError('TypeMismatch', 'The argument to $each in $addToSet must be an array '
      + `but it was of type ${typeOf(each)}`);
  }
  const candidates = each ?? [argument];
  return (current) => {
    const array = [...arrayAt('$addToSet', current, name)];
    for (const item of candidates) {
      if (!array.some((existing) => compare(existing, item) === 0)) array.push(clone(item));
    }
    return array;
  };
}

function compilePull(argument: Value): Change {
  if (argument instanceof BSONRegExp) {
    return withoutElements('$pull', compileElementTest({ $regex: argument }));
  }
  if (isDoc(argument)) return withoutElements('$pull', compileElementTest(argument));
  return withoutElements('$pull', (item) => compare(item, argument) === 0);
}

function withoutElements(operator: string, unwanted: (item: Value) => boolean): Change {
  return (current) => {
    if (current === undefined) return keep;
    if (!Array.isArray(current)) {
      throw new CommandError('BadValue', `Cannot apply ${operator} to a non-array value`);
    }
    return current.filter((item) => !unwanted(item));
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
    if (!update.isReplacement || path === '_id') write(base, parsePath(path), clone(value));
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
