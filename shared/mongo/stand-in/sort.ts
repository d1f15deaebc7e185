/** Sort orders. */
import { fail, refuseUnsupported } from './errors.ts';
import type { Doc } from './values.ts';
import { compare, isDoc, isNumeric, parsePath, singleAt, toNumber } from './values.ts';
import { work } from './work.ts';

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
  return (docs) => {
    const rows = Array.from(docs, (doc) =>
      ({ doc, keys: parts.map(({ path }) => singleAt(doc, path)) }));
    rows.sort((a, b) => {
      work();
      for (const [index, { direction }] of parts.entries()) {
        const order = compare(a.keys[index], b.keys[index]) * direction;
        if (order !== 0) return order;
      }
      return 0;
    });
    return rows.map(({ doc }) => doc);
  };
}
