/** Open cursors: where a `find` or an aggregation has got to in its collection. */
import { randomBytes } from 'node:crypto';

import { Long, calculateObjectSize } from 'bson';

import { now } from './clock.ts';
import type { Reply } from './commands.ts';
import { fail } from './errors.ts';
import type { Doc } from './values.ts';
import { maxDocumentBytes } from './values.ts';

/** mongod closes a cursor nobody has used for 10 minutes (its parameter cursorTimeoutMillis). */
const idleMilliseconds = 10 * 60 * 1000;

/** More open cursors than any program needs. */
const maxOpen = 10_000;

/** What reads the documents of a cursor, and to whom it belongs. */
export interface Reading {
  readonly namespace: string;
  readonly session: string | undefined;
  /** Reads the collection as the client asks for more, not before. */
  readonly docs: Iterable<Doc>;
  /** The most documents the client wants. */
  readonly limit?: number;
}

interface Cursor extends Reading {
  readonly rest: Iterator<Doc, unknown>;
  /** A document that was read and did not fit into the last reply. */
  waiting: IteratorResult<Doc, unknown> | undefined;
  left: number;
  lastUsed: number;
}

export class Cursors {
  readonly #open = new Map<string, Cursor>();

  get size(): number {
    return this.#open.size;
  }

  /** The first batch. There is a cursor for getMore afterwards unless it is the only one. */
  start(reading: Reading, batchSize: number, single = false): Reply {
    const cursor: Cursor = {
      ...reading,
      rest: reading.docs[Symbol.iterator](),
      waiting: undefined,
      left: reading.limit ?? Infinity,
      lastUsed: now(),
    };
    const { docs, isLast } = takeBatch(cursor, batchSize);
    if (single || isLast) {
      cursor.rest.return?.();
      return { cursor: { firstBatch: docs, id: Long.ZERO, ns: reading.namespace } };
    }
    if (this.#open.size >= maxOpen) {
      fail('ExceededMemoryLimit', `There are ${maxOpen} open cursors. Close some of them.`);
    }
    let id: Long;
    do id = Long.fromBigInt(randomBytes(8).readBigUInt64LE() >> 1n);
    while (id.isZero() || this.#open.has(id.toString()));
    this.#open.set(id.toString(), cursor);
    return { cursor: { firstBatch: docs, id, ns: reading.namespace } };
  }

  /** The next batch; the id is 0 when it was the last one. */
  next(id: Long, namespace: string, session: string | undefined, batchSize: number): Reply {
    const cursor = this.#open.get(id.toString());
    if (cursor === undefined) fail('CursorNotFound', `cursor id ${id.toString()} not found`);
    if (cursor.namespace !== namespace) {
      fail('Unauthorized', `Requested getMore on namespace '${namespace}', but cursor belongs to a `
      + `different namespace ${cursor.namespace}`);
    }
    if (cursor.session !== session) {
      fail(50738, `Cannot run getMore on cursor ${id.toString()}, which belongs to a different `
      + 'session');
    }
    cursor.lastUsed = now();
    let isLast = true;
    try {
      const batch = takeBatch(cursor, batchSize);
      ({ isLast } = batch);
      return { cursor: { nextBatch: batch.docs, id: isLast ? Long.ZERO : id, ns: namespace } };
    } finally {
      if (isLast) this.kill(id); // an error ends a cursor, too
    }
  }

  /** Whether there was such a cursor to close. */
  kill(id: Long): boolean {
    return this.#kill(id.toString());
  }

  #kill(id: string): boolean {
    this.#open.get(id)?.rest.return?.();
    return this.#open.delete(id);
  }

  /** Closes the cursors of a collection that is dropped. */
  killAll(belongs: (namespace: string) => boolean): void {
    for (const [id, { namespace }] of this.#open) if (belongs(namespace)) this.#kill(id);
  }

  closeIdle(): void {
    const limit = now() - idleMilliseconds;
    for (const [id, { lastUsed }] of this.#open) if (lastUsed < limit) this.#kill(id);
  }
}

/** Takes documents: at most `count`, and at most what fits in one reply (16 MB). */
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
