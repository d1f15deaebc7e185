/** Open cursors: what a `find` has found and not sent yet. */
import { randomBytes } from 'node:crypto';

import { Long, calculateObjectSize } from 'bson';

import { now } from './clock.ts';
import { CommandError } from './errors.ts';
import type { Doc } from './values.ts';
import { maxDocumentBytes } from './values.ts';

/** mongod closes a cursor nobody has used for 10 minutes (its parameter cursorTimeoutMillis). */
const idleMilliseconds = 10 * 60 * 1000;

interface Cursor { namespace: string; rest: Doc[]; lastUsed: number }

export interface Batch { id: Long; namespace: string; docs: Doc[] }

export class Cursors {
  readonly #open = new Map<string, Cursor>();

  get size(): number {
    return this.#open.size;
  }

  /** Takes the first batch and keeps the rest for getMore, unless `single` or nothing is left. */
  start(
    namespace: string, docs: Iterable<Doc>, batchSize: number, single = false,
  ): Batch {
    const rest = Array.from(docs);
    const batch = takeBatch(rest, batchSize);
    if (single || rest.length === 0) return { id: Long.ZERO, namespace, docs: batch };
    let id: Long;
    do id = Long.fromBigInt(randomBytes(8).readBigUInt64LE() >> 1n);
    while (id.isZero() || this.#open.has(id.toString()));
    this.#open.set(id.toString(), { namespace, rest, lastUsed: now() });
    return { id, namespace, docs: batch };
  }

  /** The next batch; the id is 0 when it was the last one. */
  next(id: Long, namespace: string, batchSize: number): Batch {
    const cursor = this.#open.get(id.toString());
    if (cursor === undefined) {
      throw new CommandError('CursorNotFound', `cursor id ${id.toString()} not found`);
    }
    if (cursor.namespace !== namespace) {
      throw new CommandError('Unauthorized', `Requested getMore on namespace '${namespace}', but `
        + `cursor belongs to a different namespace ${cursor.namespace}`);
    }
    cursor.lastUsed = now();
    const docs = takeBatch(cursor.rest, batchSize);
    if (cursor.rest.length > 0) return { id, namespace, docs };
    this.#open.delete(id.toString());
    return { id: Long.ZERO, namespace, docs };
  }

  /** Whether there was such a cursor to close. */
  kill(id: Long): boolean {
    return this.#open.delete(id.toString());
  }

  /** Closes the cursors of a collection that is dropped. */
  killAll(belongs: (namespace: string) => boolean): void {
    for (const [id, { namespace }] of this.#open) if (belongs(namespace)) this.#open.delete(id);
  }

  closeIdle(): void {
    const limit = now() - idleMilliseconds;
    for (const [id, { lastUsed }] of this.#open) if (lastUsed < limit) this.#open.delete(id);
  }
}

/** Takes documents off the front: at most `count`, and at most what fits in one reply (16 MB). */
function takeBatch(docs: Doc[], count: number): Doc[] {
  let bytes = 0;
  let taken = 0;
  for (const doc of docs) {
    if (taken >= count) break;
    bytes += calculateObjectSize(doc);
    if (taken > 0 && bytes > maxDocumentBytes) break;
    taken += 1;
  }
  return docs.splice(0, taken);
}
