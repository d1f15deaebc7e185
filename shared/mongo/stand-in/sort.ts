/** Sort orders. */
import { CommandError, notImplemented } from './errors.ts';
import type { Doc } from './values.ts';
import { compare, isDoc, isNumeric, keysAt, parsePath, show, toNumber } from './values.ts';
import { hold, work } from './work.ts';

/** Checks a sort order and returns a function that gives the documents in that order. */
export function compileSort(sort: Doc): (docs: Iterable<Doc>) => Iterable<Doc> {
  const parts = Object.entries(sort).map(([name, value]) => {
    if (isDoc(value)) throw notImplemented('A sort by $meta or another expression');
    const direction = isNumeric(value) ? toNumber(value) : NaN;
    if (Number.isNaN(direction)) {
      throw new CommandError(
        15974, `Illegal key in $sort specification: ${name}: ${show(value)}`,
      );
    }
    if (direction !== 1 && direction !== -1) {
      throw new CommandError(
        15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)',
      );
    }
    return { path: parsePath(name), direction };
  });
  if (parts.length === 0) return (docs) => docs;
  return function* (docs) {
    const rows = Array.from(docs, (doc) => {
      const keys = parts.map(({ path }) => keysAt(doc, path));
      if (keys.filter(({ length }) => length > 1).length > 1) {
        throw new CommandError('BadValue', 'cannot sort with keys that are parallel arrays');
      }
      // An array sorts by its least element when ascending, by its greatest when descending.
      return { doc, keys: keys.map((list, index) => list.reduce((best, key) =>
        compare(key, best) * (parts[index]?.direction ?? 1) < 0 ? key : best)) };
    });
    rows.sort((a, b) => {
      work();
      for (const [index, { direction }] of parts.entries()) {
        const order = compare(a.keys[index], b.keys[index]) * direction;
        if (order !== 0) return order;
      }
      return 0;
    });
    yield* hold(rows.map(({ doc }) => doc));
  };
}
