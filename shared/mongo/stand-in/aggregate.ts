/** Aggregation pipelines: the stages that countDocuments and stats() send, and the simple ones. */
import { Int32, Long } from 'bson';

import { RealDate } from './clock.ts';
import type { Collection } from './collection.ts';
import { fail, refuseUnknown, refuseUnsupported } from './errors.ts';
import { compileProjection } from './projection.ts';
import { compileFilter } from './query.ts';
import { compileSort } from './sort.ts';
import type { Doc, Numeric, Value } from './values.ts';
import {
  isDoc, isNumeric, keyOf, parsePath, show, singleAt, toDoc, toNumber,
} from './values.ts';
import { work } from './work.ts';

interface Source { readonly namespace: string; readonly collection: Collection | undefined }

type Stage = (docs: Iterable<Doc>, source: Source) => Iterable<Doc>;

/** Checks a pipeline and returns a function that runs a collection's documents through it. */
export function compilePipeline(pipeline: Value[]): (source: Source) => Iterable<Doc> {
  const stages = pipeline.map((item, index): Stage => {
    if (!isDoc(item)) {
      fail('TypeMismatch', 'Each element of the \'pipeline\' array must be an object');
    }
    const [[name, argument] = ['', null], another] = Object.entries(item);
    if (name === '' || another !== undefined) {
      fail(40323, 'A pipeline stage specification object must contain exactly one field.');
    }
    if (name === '$collStats' && index > 0) {
      fail(40602, '$collStats is only valid as the first stage in a pipeline');
    }
    const compile = Object.hasOwn(stageCompilers, name) ? stageCompilers[name] : undefined;
    if (compile !== undefined) return compile(argument);
    refuseUnknown(40324, `Unrecognized pipeline stage name: '${name}'`);
  });
  const [first] = pipeline;
  const filter = isDoc(first) && isDoc(first.$match) ? first.$match : {};
  return (source) => stages.reduce<Iterable<Doc>>(
    (docs, stage) => stage(docs, source),
    source.collection?.matching(filter, () => true) ?? [],
  );
}

const stageCompilers: Record<string, (argument: Value) => Stage> = {
  $match: (argument) => {
    if (!isDoc(argument)) fail(15959, 'the match filter must be an object');
    const matches = compileFilter(argument);
    return function* (docs) {
      for (const doc of docs) if (matches(doc)) yield doc;
    };
  },
  $group: compileGroup,
  $sort: (argument) =>
    compileSort(needDoc(argument, 15973, 'the $sort key specification must be an object')),
  $limit: (argument) => {
    const limit = needCount('$limit', argument);
    if (limit === 0) fail(15958, 'the limit must be positive');
    return (docs) => slice(docs, 0, limit);
  },
  $skip: (argument) => {
    const skip = needCount('$skip', argument);
    return (docs) => slice(docs, skip, Infinity);
  },
  $project: (argument) => {
    const project = compileProjection(
      needDoc(argument, 15969, '$project specification must be an object'),
    );
    return (docs) => map(docs, project);
  },
  $count: (argument) => {
    if (typeof argument !== 'string' || /^$|^\$|\./.test(argument)) {
      fail(40156, 'the count field must be a non-empty string without a dollar sign at its start '
      + 'and without dots');
    }
    return function* (docs) {
      const count = Array.from(docs).length;
      if (count > 0) yield toDoc({ [argument]: count });
    };
  },
  $collStats: (argument) => {
    const wanted = show(needDoc(argument, 40167, '$collStats must take a nested object'));
    if (!['{"storageStats":{}}', '{"storageStats":{"scale":1}}'].includes(wanted)) {
      refuseUnsupported(`$collStats: ${wanted}`);
    }
    return (_docs, source) => [collStats(source)];
  },
};

/** A stage's argument, which must be a non-empty document. */
function needDoc(argument: Value, code: number, message: string): Doc {
  if (isDoc(argument) && Object.keys(argument).length > 0) return argument;
  fail(code, message);
}

function needCount(stage: string, argument: Value): number {
  const count = isNumeric(argument) ? toNumber(argument) : NaN;
  if (Number.isSafeInteger(count) && count >= 0) return count;
  fail(5107201, `invalid argument to ${stage} stage: Expected a non-negative number in: ${stage}: `
  + show(argument));
}

/** The documents from `start` up to `end` (exclusive); reads no further than necessary. */
export function* slice(docs: Iterable<Doc>, start: number, end: number): Iterable<Doc> {
  let position = 0;
  if (position >= end) return;
  for (const doc of docs) {
    if (position >= start) yield doc;
    position += 1;
    if (position >= end) return;
  }
}

export function* map(docs: Iterable<Doc>, change: (doc: Doc) => Doc): Iterable<Doc> {
  for (const doc of docs) yield change(doc);
}

/** What mongosh's `stats()` asks for. */
function collStats({ namespace, collection }: Source): Doc {
  const size = collection?.bytes() ?? 0;
  const count = collection?.docs.size ?? 0;
  const indexes = Array.from(collection?.indexes.keys() ?? []);
  return toDoc({
    ns: namespace,
    localTime: new RealDate(),
    storageStats: {
      size,
      count,
      avgObjSize: count === 0 ? 0 : Math.trunc(size / count),
      storageSize: size,
      capped: false,
      nindexes: indexes.length,
      indexSizes: Object.fromEntries(indexes.map((name) => [name, 0])),
      totalIndexSize: 0,
      totalSize: size,
      scaleFactor: 1,
    },
  });
}

// --- $group ------------------------------------------------------------------------------------

type Operand = (doc: Doc) => Value;

function compileGroup(argument: Value): Stage {
  const { _id: groupBy, ...sums } = needDoc(
    argument, 15947, 'a group\'s fields must be specified in an object',
  );
  if (groupBy === undefined) fail(15955, 'a group specification must include an _id');
  const by = compileOperand(groupBy);
  const columns = Object.entries(sums).map(([name, value]) => compileColumn(name, value));
  return (docs) => {
    const groups = new Map<string, { id: Value; sums: Map<string, bigint> }>();
    for (const doc of docs) {
      work();
      const id = by(doc);
      const key = keyOf(id);
      const group = groups.get(key) ?? { id, sums: new Map<string, bigint>() };
      groups.set(key, group);
      for (const { name, operand } of columns) {
        group.sums.set(name, (group.sums.get(name) ?? 0n) + toSum(operand(doc)));
      }
    }
    return Array.from(groups.values(), ({ id, sums }): Doc => ({
      _id: id, ...Object.fromEntries(Array.from(sums, ([name, sum]) => [name, fromSum(sum)])),
    }));
  };
}

/** A field ("$a.b"), a number or null. */
function compileOperand(value: Value): Operand {
  if (value === null || isNumeric(value)) return () => value;
  if (typeof value !== 'string' || !/^\$[^$]/.test(value)) {
    refuseUnsupported('A $group by anything but one field, such as "$user", or null,');
  }
  const path = parsePath(value.slice(1));
  return (doc) => singleAt(doc, path);
}

function compileColumn(name: string, value: Value): { name: string; operand: Operand } {
  const [[operator, argument] = ['', null], another] = isDoc(value) ? Object.entries(value) : [];
  if (operator === '' || another !== undefined || name.includes('.')) {
    fail(40234, `The field '${name}' must be one accumulator object, and have no dot`);
  }
  if (operator === '$sum') return { name, operand: compileOperand(argument) };
  if (operator === '$count' && isDoc(argument)) return { name, operand: () => new Int32(1) };
  refuseUnsupported(`The accumulator ${operator}, or any but $sum and $count: {},`);
}

/** What a value adds to a sum. mongod sums longs and doubles by further rules: they're refused. */
function toSum(value: Value): bigint {
  if (value instanceof Int32) return BigInt(value.value);
  if (isNumeric(value)) refuseUnsupported('A $sum of numbers with a fraction, or beyond 32 bits,');
  return 0n;
}

/** An int if it fits, else a long. */
function fromSum(sum: bigint): Numeric {
  return BigInt.asIntN(32, sum) === sum ? new Int32(Number(sum)) : Long.fromBigInt(sum);
}
