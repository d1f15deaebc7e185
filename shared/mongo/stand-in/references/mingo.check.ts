/**
 * Random filters, updates and sorts, answered by the stand-in and by mingo, an independent
 * implementation of MongoDB's query language. A case is equal, refused or wrong. No case may be
 * wrong. Cases where mingo itself differs from MongoDB's manual aren't generated; comments name
 * them.
 *
 * `npm run check:stand-in` runs it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BSON } from 'mongodb';
import { Query, find, updateOne } from 'mingo';

import { CommandError } from '../errors.ts';
import { compileFilter } from '../query.ts';
import { compileSort } from '../sort.ts';
import { compileUpdate } from '../update.ts';
import type { Doc } from '../values.ts';
import { decode, encode } from '../values.ts';

const cases = 10_000;

type Plain = Record<string, unknown>;

// --- Randomness, the same in every run ---------------------------------------------------------

let state = 20_240_229;

/** The mulberry32 generator: a number from 0 up to (but not including) 1. */
function random(): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}

const below = (limit: number): number => Math.floor(random() * limit);

function pick<T>(list: readonly [T, ...T[]]): T {
  return list[below(list.length)] ?? list[0];
}

function times<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, () => make());
}

const fields = ['a', 'b', 'c'] as const;

function bound(): unknown {
  return pick<() => unknown>([
    () => below(5), () => below(5), () => -below(3), () => below(4) + 0.5,
    () => pick(['', 'x', 'xy', 'Y']), () => random() < 0.5, () => new Date(below(3) * 1000),
  ])();
}

const scalar = (): unknown => random() < 0.12 ? null : bound();

function value(depth = 2): unknown {
  const kind = random();
  // No nested arrays: mingo flattens them.
  if (depth > 0 && kind < 0.2) {
    return times(below(4), () => random() < 0.5 ? scalar() : document(depth - 1));
  }
  if (depth > 0 && kind < 0.4) return document(depth - 1);
  return scalar();
}

function document(depth = 2): Plain {
  return Object.fromEntries(times(below(4), () => [pick(fields), value(depth)]));
}

function path(): string {
  return pick(['a', 'b', 'c', 'a.b', 'b.a', 'a.b.c', 'a.0', 'b.1', 'a.0.b']);
}

// --- Comparing ---------------------------------------------------------------------------------

const toBson = (plain: Plain): Doc => decode(BSON.serialize(plain));
const toPlain = (doc: Doc): Plain => BSON.deserialize(encode(doc));

/** Sorts a document's fields by name: mingo doesn't keep MongoDB's order. */
function sortedFields(it: unknown): unknown {
  if (Array.isArray(it)) return it.map(sortedFields);
  if (typeof it !== 'object' || it === null || it instanceof Date) return it;
  return Object.fromEntries(Object.entries(it).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, item]) => [name, sortedFields(item)]));
}

interface Case { input: unknown; ours: () => unknown; theirs: () => unknown }

function compareAll(name: string, leastEqual: number, next: () => Case): void {
  test(`${name} agree with mingo`, (context) => {
    const counts = { equal: 0, refused: 0, wrong: 0 };
    const wrong: string[] = [];
    for (let n = 0; n < cases; n += 1) {
      const { input, ours, theirs } = next();
      try {
        const [mine, other] = [ours(), theirs()].map((it) => JSON.stringify(sortedFields(it)));
        counts[mine === other ? 'equal' : 'wrong'] += 1;
        if (mine !== other) wrong.push(`${JSON.stringify(input)}\n  ${mine}\n  mingo: ${other}`);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        counts.refused += 1;
      }
    }
    const { equal, refused } = counts;
    const sum = `${equal} equal, ${refused} refused, ${counts.wrong} wrong`;
    context.diagnostic(`${cases} ${name} beside mingo: ${sum}`);
    assert.deepEqual(wrong.slice(0, 10), [], sum);
    assert.ok(equal >= cases * leastEqual, 'nearly all are refused');
  });
}

// --- Filters -----------------------------------------------------------------------------------

/** Operators that mingo applies to any field as MongoDB does. */
function operators(): Plain {
  const [name, make] = pick<readonly [string, () => unknown]>([
    // In mingo, $gte: null doesn't match a missing field.
    ['$eq', value], ['$ne', value], ['$gt', bound], ['$gte', bound], ['$lt', bound],
    ['$lte', bound],
    // In mingo, $in and $nin confuse arrays with their elements.
    ['$in', () => times(below(4), scalar)], ['$nin', () => times(below(4), scalar)],
    ['$exists', () => random() < 0.5], ['$size', () => below(4)],
    ['$regex', () => pick(['^x', 'y$', 'x.?', '[xy]'])], ['$mod', () => [2, 0]],
    ['$not', () => pick<Plain>([{ $gt: bound() }, { $in: [bound()] }, { $exists: true }])],
    // In mingo, operators in an $elemMatch filter treat scalars as documents.
    ['$elemMatch', () => pick<Plain>([{ $gt: 1 }, { $lte: bound() }, { a: bound() }])],
  ]);
  return { [name]: make() };
}

function filter(depth = 2): Plain {
  if (depth > 0 && random() < 0.2) {
    return { [pick(['$and', '$or', '$nor'])]: times(1 + below(3), () => filter(depth - 1)) };
  }
  return Object.fromEntries(times(1 + below(2), () => {
    const name = path();
    // In mingo, a dotted path that ends at an array's elements matches an empty array.
    if (name.includes('.')) return [name, { [pick(['$eq', '$gt', '$lte'])]: bound() }];
    // In mingo, $type doesn't look at all elements of an array, and $all looks at nothing else.
    const kind = random();
    if (kind < 0.1) return ['d', { $type: pick(['number', 'string', 'bool', 'date', 'null']) }];
    if (kind < 0.2) return ['e', { $all: times(1 + below(2), () => below(5)) }];
    return [name, kind < 0.4 ? value() : operators()];
  }));
}

/** A document with a non-array field `d`, and an array field `e` without duplicates. */
function roomy(): Plain {
  return {
    ...document(),
    ...random() < 0.8 && { d: scalar() },
    ...random() < 0.8 && { e: [...new Set(times(below(4), () => below(5)))] },
  };
}

compareAll('filters', 0.8, () => {
  const [doc, condition] = [roomy(), filter()];
  return {
    input: { doc, condition },
    ours: () => compileFilter(toBson(condition))(toBson(doc)),
    theirs: () => new Query(condition).test(doc),
  };
});

// --- Updates -----------------------------------------------------------------------------------

function change(): Plain {
  const [name, make] = pick<readonly [string, () => unknown]>([
    ['$set', value], ['$unset', () => ''], ['$inc', () => below(5)], ['$min', bound],
    ['$max', bound], ['$push', value], ['$addToSet', scalar],
    ['$push', () => ({ $each: times(below(3), scalar) })],
    // mingo adds duplicates in $each twice.
    ['$addToSet', () => ({ $each: times(below(2), scalar) })],
    // In mingo, $pull treats scalars as documents, and {} as matching all elements.
    ['$pull', scalar], ['$pull', () => ({ $gte: below(4) })],
    ['$rename', () => 'd'],
  ]);
  // In mingo, arrays aren't greater than numbers and text; $addToSet drops an array's duplicates.
  const place = name === '$addToSet' ? 'e' : /^\$m/.test(name) ? 'd' : path();
  return { [name]: { [place]: make() } };
}

compareAll('updates', 0.4, () => {
  const [doc, update] = [roomy(), change()];
  return {
    input: { doc, update },
    ours: () => toPlain(compileUpdate(toBson(update)).apply(toBson(doc), { inserting: false })),
    theirs: () => {
      const docs = [toPlain(toBson(doc))];
      updateOne(docs, {}, update);
      return docs[0];
    },
  };
});

// --- Sorts -------------------------------------------------------------------------------------

compareAll('sorts', 0.4, () => {
  // mingo sorts arrays and documents as wholes, and documents by their field names first.
  const flat = (): Plain => Object.fromEntries(times(below(4), () => [pick(fields), scalar()]));
  const docs = times(6, () => ({ ...flat(), ...random() < 0.7 && { d: flat() } }));
  const order = Object.fromEntries(times(1 + below(2), () =>
    [pick(['a', 'b', 'c', 'd.a', 'd.b']), pick([1, -1])]));
  return {
    input: { docs, order },
    ours: () => Array.from(compileSort(toBson(order))(docs.map(toBson)), toPlain),
    theirs: () => find(docs, {}).sort(order).all(),
  };
});
