/** Aggregation pipelines: the stages countDocuments sends, and the simple ones. */
import { Double, Int32 } from 'bson';

import { CommandError, notImplemented } from './errors.ts';
import type { Expression } from './projection.ts';
import { compileExpression, compileProjection } from './projection.ts';
import { compileFilter, compileSort } from './query.ts';
import type { Doc, Numeric, Value } from './values.ts';
import {
  arithmetic, compare, field, isDoc, isNumeric, keyOf, setField, show, toNumber, typeOf,
  wholeNumber,
} from './values.ts';

type Stage = (docs: Iterable<Doc>) => Iterable<Doc>;

/** Checks a pipeline and returns a function that runs documents through it. */
export function compilePipeline(pipeline: Value[]): Stage {
  const stages = pipeline.map((item) => {
    if (!isDoc(item)) {
      throw new CommandError(
        'TypeMismatch', 'Each element of the \'pipeline\' array must be an object',
      );
    }
    const [entry, another] = Object.entries(item);
    if (entry === undefined || another !== undefined) {
      throw new CommandError(
        40323, 'A pipeline stage specification object must contain exactly one field.',
      );
    }
    const [name, argument] = entry;
    const compile = Object.hasOwn(stageCompilers, name) ? stageCompilers[name] : undefined;
    if (compile === undefined) {
      throw new CommandError(40324, `Unrecognized pipeline stage name: '${name}' (the workshop's `
        + `stand-in for MongoDB knows ${Object.keys(stageCompilers).join(', ')})`);
    }
    return compile(argument);
  });
  return (docs) => stages.reduce((input, stage) => stage(input), docs);
}

const stageCompilers: Record<string, (argument: Value) => Stage> = {
  $match: (argument) => {
    const matches = compileFilter(needDoc(argument, 15959, 'the match filter must be an object'));
    return (docs) => filter(docs, matches);
  },
  $sort: (argument) => {
    const order = needDoc(argument, 15973, 'the $sort key specification must be an object');
    if (Object.keys(order).length === 0) {
      throw new CommandError(15976, '$sort stage must have at least one sort key');
    }
    return compileSort(order);
  },
  $limit: (argument) => {
    const limit = needCount('$limit', argument);
    if (limit === 0) throw new CommandError(15958, 'the limit must be positive');
    return (docs) => slice(docs, 0, limit);
  },
  $skip: (argument) => {
    const skip = needCount('$skip', argument);
    return (docs) => slice(docs, skip, Infinity);
  },
  $project: (argument) => {
    const projection = needDoc(argument, 15969, '$project specification must be an object');
    if (Object.keys(projection).length === 0) {
      throw new CommandError(51272, 'projection specification must have at least one field');
    }
    const project = compileProjection(projection);
    return (docs) => map(docs, project);
  },
  $count: (argument) => {
    if (typeof argument !== 'string' || argument === '') {
      throw new CommandError(40156, 'the count field must be a non-empty string');
    }
    if (argument.startsWith('$') || argument.includes('.')) {
      throw new CommandError(
        40158, 'the count field cannot be a $-prefixed path or contain a dot',
      );
    }
    return (docs) => {
      const count = Array.from(docs).length;
      return count === 0 ? [] : [{ [argument]: wholeNumber(count) }];
    };
  },
  $group: compileGroup,
};

function needDoc(argument: Value, code: number, message: string): Doc {
  if (!isDoc(argument)) throw new CommandError(code, message);
  return argument;
}

function needCount(stage: string, argument: Value): number {
  const count = isNumeric(argument) ? toNumber(argument) : NaN;
  if (!Number.isSafeInteger(count) || count < 0) {
    throw new CommandError(5107201, `invalid argument to ${stage} stage: Expected a non-negative `
      + `number in: ${stage}: ${show(argument)}`);
  }
  return count;
}

function* filter(docs: Iterable<Doc>, matches: (doc: Doc) => boolean): Iterable<Doc> {
  for (const doc of docs) if (matches(doc)) yield doc;
}

function* map(docs: Iterable<Doc>, change: (doc: Doc) => Doc): Iterable<Doc> {
  for (const doc of docs) yield change(doc);
}

/** The documents from `start` up to `end` (not included); reads no further than it must. */
export function* slice(docs: Iterable<Doc>, start: number, end: number): Iterable<Doc> {
  let position = 0;
  if (position >= end) return;
  for (const doc of docs) {
    if (position >= start) yield doc;
    position += 1;
    if (position >= end) return;
  }
}

// --- $group ------------------------------------------------------------------------------------

interface Accumulator { add(value: Value | undefined): void; result(): Value }

function compileGroup(argument: Value): Stage {
  const { _id: groupBy, ...fields } = needDoc(
    argument, 15947, 'a group\'s fields must be specified in an object',
  );
  if (groupBy === undefined) {
    throw new CommandError(15955, 'a group specification must include an _id');
  }
  const by = compileExpression(groupBy);
  const columns = Object.entries(fields).map(([name, value]) => compileColumn(name, value));
  return (docs) => {
    const groups = new Map<string, { id: Value; cells: Accumulator[] }>();
    for (const doc of docs) {
      const id = by(doc) ?? null;
      const key = keyOf(id);
      const group = groups.get(key) ?? { id, cells: columns.map(({ create }) => create()) };
      groups.set(key, group);
      for (const [index, { expression }] of columns.entries()) {
        group.cells[index]?.add(expression(doc));
      }
    }
    return Array.from(groups.values(), ({ id, cells }) => {
      const row: Doc = { _id: id };
      for (const [index, { name }] of columns.entries()) {
        setField(row, name, cells[index]?.result() ?? null);
      }
      return row;
    });
  };
}

interface Column { name: string; expression: Expression; create: () => Accumulator }

function compileColumn(name: string, value: Value): Column {
  if (name.includes('.')) {
    throw new CommandError(40235, `The field name '${name}' cannot contain '.'`);
  }
  const [entry, another] = isDoc(value) ? Object.entries(value) : [];
  if (entry === undefined) {
    throw new CommandError(40234, `The field '${name}' must be an accumulator object`);
  }
  if (another !== undefined) {
    throw new CommandError(40238, `The field '${name}' must specify one accumulator`);
  }
  const [operator, argument] = entry;
  const create = Object.hasOwn(accumulators, operator) ? accumulators[operator] : undefined;
  if (create === undefined) {
    throw new CommandError(15952, `unknown group operator '${operator}'`);
  }
  if (operator === '$count' && (!isDoc(argument) || Object.keys(argument).length > 0)) {
    throw new CommandError('TypeMismatch', '$count takes no arguments, i.e. $count:{}');
  }
  const expression = operator === '$count' ? () => new Int32(1) : compileExpression(argument);
  return { name, expression, create };
}

const accumulators: Record<string, () => Accumulator> = {
  $sum: sum,
  $count: sum,
  $avg: () => {
    let total = 0;
    let count = 0;
    return {
      add: (value) => {
        if (!isNumeric(value)) return;
        if (typeOf(value) === 'decimal') throw notImplemented('$avg over decimals');
        total += toNumber(value);
        count += 1;
      },
      result: () => count === 0 ? null : new Double(total / count),
    };
  },
  $min: () => best((order) => order < 0),
  $max: () => best((order) => order > 0),
  $first: () => {
    let first: Value | undefined;
    return { add: (value) => { first ??= value ?? null; }, result: () => first ?? null };
  },
  $last: () => {
    let last: Value = null;
    return { add: (value) => { last = value ?? null; }, result: () => last };
  },
  $push: () => {
    const all: Value[] = [];
    return { add: (value) => { if (value !== undefined) all.push(value); }, result: () => all };
  },
  $addToSet: () => {
    const all = new Map<string, Value>();
    return {
      add: (value) => { if (value !== undefined) all.set(keyOf(value), value); },
      result: () => [...all.values()],
    };
  },
};

function sum(): Accumulator {
  let total: Numeric = new Int32(0);
  return {
    add: (value) => {
      if (!isNumeric(value)) return;
      // A sum too big for a long becomes a double.
      total = arithmetic(total, '+', value)
        ?? new Double(toNumber(total) + toNumber(value));
    },
    result: () => total,
  };
}

function best(isBetter: (order: number) => boolean): Accumulator {
  let found: Value | undefined;
  return {
    add: (value) => {
      if (value === undefined || value === null) return;
      if (found === undefined || isBetter(compare(value, found))) found = value;
    },
    result: () => found ?? null,
  };
}

/** The `_id` filter at a pipeline's start, so that the collection can look documents up by it. */
export function leadingFilter(pipeline: Value[]): Doc {
  const [first] = pipeline;
  const match = isDoc(first) ? field(first, '$match') : undefined;
  return isDoc(match) ? match : {};
}
