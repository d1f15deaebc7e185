/** Open cursors: how far a `find` or an aggregation has read. */
import { randomBytes } from 'node:crypto';

import { calculateObjectSize } from 'bson';

import { RealDate } from './clock.ts';
import type { Reply } from './commands.ts';
import { fail } from './errors.ts';
import type { Doc } from './values.ts';
import { maxDocumentBytes } from './values.ts';

/** mongod closes a cursor after 10 minutes without use (its parameter cursorTimeoutMillis). */
const idleMilliseconds = 10 * 60 * 1000;

/**
 * More open cursors than any program needs. Each keeps its documents from being freed, if a sort
 * has collected them.
 */
const maxOpen = 1000;

/** What a cursor reads, and who owns it. */
export interface Reading {
  readonly namespace: string;
  readonly session: string | undefined;
  /** Reads the collection lazily, as the client asks for more. */
  readonly docs: Iterable<Doc>;
  /** The most documents the client wants. */
  readonly limit?: number;
}

interface Cursor extends Reading {
  readonly rest: Iterator<Doc, unknown>;
  /** A document that was read but didn't fit into the last reply. */
  waiting: IteratorResult<Doc, unknown> | undefined;
  left: number;
  lastUsed: number;
}

export class Cursors {
  readonly #open = new Map<bigint, Cursor>();

  /** Returns the first batch, and keeps a cursor for getMore unless that's the only batch. */
  start(reading: Reading, batchSize: number, single = false): Reply {
    const cursor: Cursor = {
      ...reading,
      rest: reading.docs[Symbol.iterator](),
      waiting: undefined,
      left: reading.limit ?? Infinity,
      lastUsed: RealDate.now(),
    };
    const { docs, isLast } = takeBatch(cursor, batchSize);
    if (single || isLast) {
      cursor.rest.return?.();
      return { cursor: { firstBatch: docs, id: 0n, ns: reading.namespace } };
    }
    if (this.#open.size >= maxOpen) {
      fail('ExceededMemoryLimit', `There are ${maxOpen} open cursors. Close some of them.`);
    }
    let id: bigint;
    do id = randomBytes(8).readBigUInt64LE() >> 1n;
    while (id === 0n || this.#open.has(id));
    this.#open.set(id, cursor);
    return { cursor: { firstBatch: docs, id, ns: reading.namespace } };
  }

  /** Returns the next batch; the id is 0 if it's the last one. */
  next(id: bigint, namespace: string, session: string | undefined, batchSize: number): Reply {
    const cursor = this.#open.get(id);
    if (cursor === undefined) fail('CursorNotFound', `cursor id ${String(id)} not found`);
    if (cursor.namespace !== namespace) {
      fail('Unauthorized', `Requested getMore on namespace '${namespace}', but cursor belongs to a `
      + `different namespace ${cursor.namespace}`);
    }
    if (cursor.session !== session) {
      fail(50738, `Cannot run getMore on cursor ${String(id)}, which belongs to a different `
      + 'session');
    }
    cursor.lastUsed = RealDate.now();
    let isLast = true;
    try {
      const batch = takeBatch(cursor, batchSize);
      ({ isLast } = batch);
      return { cursor: { nextBatch: batch.docs, id: isLast ? 0n : id, ns: namespace } };
    } finally {
      if (isLast) this.kill(id); // an error ends a cursor too
    }
  }

  /** Closes a cursor. Returns whether it existed. */
  kill(id: bigint): boolean {
    this.#open.get(id)?.rest.return?.();
    return this.#open.delete(id);
  }

  /** Closes the cursors of a dropped collection. */
  killAll(belongs: (namespace: string) => boolean): void {
    for (const [id, { namespace }] of this.#open) if (belongs(namespace)) this.kill(id);
  }

  closeIdle(): void {
    const limit = RealDate.now() - idleMilliseconds;
    for (const [id, { lastUsed }] of this.#open) if (lastUsed < limit) this.kill(id);
  }
}

/** Takes at most `count` documents, and at most as many as fit in one reply (16 MB). */
function takeBatch(cursor: Cursor, count: number): { docs: Doc[]; isLast: boolean } {
  const docs: Doc[] = [];
  let bytes = 0;
  while (docs.length < count && cursor.left > 0) {
    const read = cursor.waiting ?? cursor.rest.next();
    cursor.waiting = undefined;
    if (read.done === true) return { docs, isLast: true };
    const next = read.value;
    bytes += calculateObjectSize(next);
    if (docs.length > 0 && bytes > maxDocumentBytes) {
      cursor.waiting = read;
      break;
    }
    docs.push(next);
    cursor.left -= 1;
  }
  return { docs, isLast: cursor.left === 0 };
}
