/** The TTL monitor: deletes documents whose time is over, as mongod's background thread does. */
import { types } from 'node:util';

import { clearInterval, now, setInterval } from './clock.ts';
import type { Storage } from './collection.ts';
import type { Cursors } from './cursors.ts';
import type { Value } from './values.ts';
import { field } from './values.ts';

export class TtlMonitor {
  passes = 0;
  deletedDocuments = 0;
  readonly #storage: Storage;
  readonly #cursors: Cursors;
  readonly #timer: NodeJS.Timeout;

  /** @param sleepSecs Seconds between two passes, as mongod's `ttlMonitorSleepSecs`. */
  constructor(storage: Storage, cursors: Cursors, sleepSecs: number) {
    this.#storage = storage;
    this.#cursors = cursors;
    this.#timer = setInterval(() => { this.#pass(); }, sleepSecs * 1000);
    this.#timer.unref(); // a waiting monitor must not keep the process alive
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #pass(): void {
    this.#cursors.closeIdle();
    for (const collection of this.#storage.collections()) {
      for (const { expireAfterSeconds, paths: [[name = ''] = []] } of collection.indexes.values()) {
        if (expireAfterSeconds === undefined) continue;
        const deadline = now() - expireAfterSeconds * 1000;
        for (const doc of collection.docs.values()) {
          if (!isExpired(field(doc, name), deadline)) continue;
          collection.remove(doc);
          this.deletedDocuments += 1;
        }
      }
    }
    this.passes += 1;
  }
}

/** Only dates expire; of several in an array the earliest counts. */
function isExpired(value: Value | undefined, deadline: number): boolean {
  if (Array.isArray(value)) return value.some((item) => isExpired(item, deadline));
  return types.isDate(value) && value.getTime() <= deadline;
}
