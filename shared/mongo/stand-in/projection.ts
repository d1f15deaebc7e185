/** Projections: which fields of a document a client wants. */
import { fail, refuseUnsupported } from './errors.ts';
import type { Doc, Value } from './values.ts';
import { isDoc, isNumeric, isTruthy, parsePath } from './values.ts';

/** A projection as a tree: keep or drop a field, or look further inside. */
type Tree = Map<string, boolean | Tree>;

/** Checks a projection from `find` or `$project` and compiles it to a function. */
export function compileProjection(projection: Doc): (doc: Doc) => Doc {
  const tree: Tree = new Map();
  let including: boolean | undefined;
  for (const [path, value] of Object.entries(projection)) {
    if (typeof value !== 'boolean' && !isNumeric(value)) {
      refuseUnsupported(`A projection that does more than keep (1) or drop (0) '${path}'`);
    }
    const keeps = isTruthy(value);
    // `_id: 0` and `_id: 1` are allowed in either kind of projection.
    if (path !== '_id') {
      including ??= keeps;
      if (including !== keeps) {
        fail(including ? 31254 : 31253, `Cannot mix inclusion and exclusion, as on field ${path}`);
      }
    }
    insert(tree, parsePath(path), keeps, path);
  }
  if (tree.size === 0) return (doc) => doc;
  const keepsOthers = !(including ?? tree.get('_id') === true);
  if (!keepsOthers && !tree.has('_id')) tree.set('_id', true);
  return (doc) => project(doc, tree, keepsOthers);
}

function insert(tree: Tree, [name = '', ...rest]: string[], keeps: boolean, whole: string): void {
  const existing = tree.get(name);
  if (rest.length === 0 && existing === undefined) {
    tree.set(name, keeps);
  } else if (rest.length > 0 && (existing === undefined || existing instanceof Map)) {
    const inner = existing ?? new Map<string, boolean | Tree>();
    tree.set(name, inner);
    insert(inner, rest, keeps, whole);
  } else {
    fail(31250, `Path collision at ${whole}`);
  }
}

function project(doc: Doc, tree: Tree, keepsOthers: boolean): Doc {
  return Object.fromEntries(Object.entries(doc).flatMap(([name, value]) => {
    const node = tree.get(name) ?? keepsOthers;
    const kept = node instanceof Map ? projectInside(value, node, keepsOthers) : value;
    return node === false || kept === undefined ? [] : [[name, kept]];
  }));
}

/** Projects inside documents and arrays. An inclusion drops any other value. */
function projectInside(value: Value, tree: Tree, keepsOthers: boolean): Value | undefined {
  if (Array.isArray(value)) {
    return value.map((item) => projectInside(item, tree, keepsOthers))
      .filter((item) => item !== undefined);
  }
  if (isDoc(value)) return project(value, tree, keepsOthers);
  return keepsOthers ? value : undefined;
}
