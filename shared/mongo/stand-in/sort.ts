/** Sort orders. */
import { fail, refuseUnsupported } from './errors.ts';
import type { Doc } from './values.ts';
import { compare, isDoc, isNumeric, keysAt, parsePath, singleAt, toNumber } from './values.ts';
import { hold, work } from './work.ts';

/** Checks a sort order and returns a function that sorts documents by it. */
export function compileSort(sort: Doc): (docs: Iterable<Doc>) => Iterable<Doc> {
  const parts = Object.entries(sort).map(([name, value]) => {
    if (isDoc(value)) refuseUnsupported('A sort by $meta or another expression');
    const direction = isNumeric(value) ? toNumber(value) : NaN;
    if (direction !== 1 && direction !== -1) {
      fail(15975, '$sort key ordering must be 1 (for ascending) or -1 (for descending)');
    }
    return { path: parsePath(name), direction };
  });
  if (parts.length === 0) return (docs) => docs;
  function sorted(docs: Iterable<Doc>): Doc[] {
    const rows = Array.from(docs, (doc) => {
      const arrays = parts.filter(({ path }) => Array.isArray(singleAt(doc, path)));
      if (arrays.length > 1) fail('BadValue', 'cannot sort with keys that are parallel arrays');
      const keys = parts.map(({ path }) => keysAt(doc, path));
      // An array sorts by its least element if ascending, by its greatest if descending.
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
    return rows.map(({ doc }) => doc);
  }
  // A waiting cursor holds only the documents, not their sort keys.
  return function* (docs) {
    yield* hold(sorted(docs));
  };
}
