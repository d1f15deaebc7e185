/** Projections, and the few aggregation expressions the stand-in knows. */
import { currentDate } from './clock.ts';
import { CommandError, notImplemented } from './errors.ts';
import type { Doc, Value } from './values.ts';
import { field, isDoc, isNumeric, isTruthy, setField } from './values.ts';

export type Expression = (doc: Doc) => Value | undefined;

/** Compiles a field path ("$a.b"), a constant, `$literal`, or documents and arrays of these. */
export function compileExpression(value: Value): Expression {
  if (typeof value === 'string' && value.startsWith('$')) return compileFieldPath(value);
  if (Array.isArray(value)) {
    const items = value.map(compileExpression);
    return (doc) => items.map((item) => item(doc) ?? null);
  }
  if (!isDoc(value)) return () => value;
  const entries = Object.entries(value);
  const operator = entries.find(([name]) => name.startsWith('$'))?.[0];
  if (operator === '$literal' && entries.length === 1) {
    const literal = field(value, '$literal') ?? null;
    return () => literal;
  }
  if (operator !== undefined) {
    throw new CommandError('InvalidPipelineOperator', `Unrecognized expression '${operator}' `
      + '(the workshop\'s stand-in for MongoDB knows field paths, constants and $literal)');
  }
  const fields = entries.map(([name, item]) => [name, compileExpression(item)] as const);
  return (doc) => {
    const result: Doc = {};
    for (const [name, item] of fields) setIfPresent(result, name, item(doc));
    return result;
  };
}

function compileFieldPath(text: string): Expression {
  if (text.startsWith('$$')) {
    const [name = '', ...rest] = text.slice(2).split('.');
    if (name === 'NOW' && rest.length === 0) return () => currentDate();
    if (name !== 'ROOT' && name !== 'CURRENT') {
      throw new CommandError(17276, `Use of undefined variable: ${name}`);
    }
    return (doc) => follow(doc, rest, 0);
  }
  const path = text.slice(1).split('.');
  if (path.some((part) => part === '' || part.startsWith('$'))) {
    throw new CommandError(16872, `'${text}' is not a valid field path`);
  }
  return (doc) => follow(doc, path, 0);
}

// In an expression a path through an array gives the array of what it finds.
function follow(
  value: Value | undefined, path: readonly string[], depth: number,
): Value | undefined {
  const name = path[depth];
  if (name === undefined) return value;
  if (Array.isArray(value)) {
    return value.map((item) => follow(item, path, depth))
      .filter((item) => item !== undefined);
  }
  return isDoc(value) ? follow(field(value, name), path, depth + 1) : undefined;
}

function setIfPresent(doc: Doc, name: string, value: Value | undefined): void {
  if (value !== undefined) setField(doc, name, value);
}

/** A projection as a tree: for each field keep or drop, compute, or look further inside. */
type Node = boolean | Expression | Tree;
type Tree = Map<string, Node>;

/** Checks a projection of `find` or `$project` and turns it into a function. */
export function compileProjection(projection: Doc): (doc: Doc) => Doc {
  const tree: Tree = new Map();
  let including: boolean | undefined;

  function setMode(path: string, include: boolean): void {
    if (including !== undefined && including !== include) {
      throw including
        ? new CommandError(31254, `Cannot do exclusion on field ${path} in inclusion projection`)
        : new CommandError(31253, `Cannot do inclusion on field ${path} in exclusion projection`);
    }
    including = include;
  }

  function add(path: string, value: Value): void {
    const operator = isDoc(value) ? Object.keys(value).find((name) => name.startsWith('$')) : null;
    if (operator !== '$literal' && typeof operator === 'string') {
      throw operator === '$elemMatch' || operator === '$slice' || operator === '$meta'
        ? notImplemented(`The projection operator ${operator}`)
        : new CommandError('InvalidPipelineOperator', `Unknown expression ${operator}`);
    }
    if (isDoc(value) && operator === undefined) {
      if (Object.keys(value).length === 0) {
        throw new CommandError(51270, 'An empty sub-projection is not a valid value. '
          + 'Found empty object at path');
      }
      for (const [name, item] of Object.entries(value)) add(`${path}.${name}`, item);
      return;
    }
    if (path.split('.').some((part) => part === '$')) {
      throw notImplemented('The positional projection operator $');
    }
    const node: Node = typeof value === 'boolean' || isNumeric(value)
      ? isTruthy(value)
      : compileExpression(value);
    // `_id: 0` and `_id: 1` may stand in either kind of projection.
    if (path !== '_id' || typeof node !== 'boolean') setMode(path, node !== false);
    insert(tree, path.split('.'), node, path);
  }

  for (const [name, value] of Object.entries(projection)) add(name, value);
  if (including === undefined && tree.size === 0) return (doc) => doc;
  if (!(including ?? tree.get('_id') === true)) return (doc) => exclude(doc, tree);
  if (!tree.has('_id')) {
    return (doc) => include(doc, new Map<string, Node>([['_id', true], ...tree]), doc);
  }
  return (doc) => include(doc, tree, doc);
}

function insert(tree: Tree, path: string[], node: Node, whole: string): void {
  const [name = '', ...rest] = path;
  if (name === '') throw new CommandError(40353, `FieldPath must not be empty or end with a '.'.`);
  if (name.startsWith('$')) {
    throw new CommandError(16410, `Field names may not start with '$': ${whole}`);
  }
  const existing = tree.get(name);
  if (rest.length === 0) {
    if (existing !== undefined) throw new CommandError(31250, `Path collision at ${whole}`);
    tree.set(name, node);
  } else if (existing === undefined || existing instanceof Map) {
    const inner = existing ?? new Map<string, Node>();
    tree.set(name, inner);
    insert(inner, rest, node, whole);
  } else {
    throw new CommandError(
      31249, `Path collision at ${whole} remaining portion ${rest.join('.')}`,
    );
  }
}

function include(doc: Doc, tree: Tree, root: Doc): Doc {
  const result: Doc = {};
  for (const [name, value] of Object.entries(doc)) {
    const node = tree.get(name);
    if (node === true) setField(result, name, value);
    else if (node instanceof Map) setIfPresent(result, name, includeInside(value, node, root));
  }
  for (const [name, node] of tree) {
    if (typeof node === 'function') {
      setIfPresent(result, name, node(root));
    } else if (node instanceof Map && !Object.hasOwn(result, name) && computes(node)) {
      setField(result, name, include({}, node, root));
    }
  }
  return result;
}

function computes(tree: Tree): boolean {
  return [...tree.values()].some((node) =>
    typeof node === 'function' || (node instanceof Map && computes(node)));
}

function includeInside(value: Value, tree: Tree, root: Doc): Value | undefined {
  if (Array.isArray(value)) {
    return value.map((item) => includeInside(item, tree, root))
      .filter((item) => item !== undefined);
  }
  return isDoc(value) ? include(value, tree, root) : undefined;
}

function exclude(doc: Doc, tree: Tree): Doc {
  const result: Doc = {};
  for (const [name, value] of Object.entries(doc)) {
    const node = tree.get(name);
    if (node === undefined || node === true) setField(result, name, value);
    else if (node instanceof Map) setField(result, name, excludeInside(value, node));
  }
  return result;
}

function excludeInside(value: Value, tree: Tree): Value {
  if (Array.isArray(value)) return value.map((item) => excludeInside(item, tree));
  return isDoc(value) ? exclude(value, tree) : value;
}
