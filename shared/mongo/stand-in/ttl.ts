/** The TTL monitor: deletes expired documents, as mongod's background thread does. */
import { types } from 'node:util';

import { RealDate, clearInterval, setInterval } from './clock.ts';
import type { Storage } from './collection.ts';
import type { Cursors } from './cursors.ts';
import type { Value } from './values.ts';
import { field } from './values.ts';

export class TtlMonitor {
  passes = 0;
  #timer: NodeJS.Timeout | undefined;
  #sleepSecs = 0;

  constructor(private readonly storage: Storage, private readonly cursors: Cursors) {
    this.setSleepSecs(1);
  }

  /**
   * Sets the seconds between passes, as mongod's `ttlMonitorSleepSecs`. At first it's 1, not
   * mongod's 60, so that sessions expire without a long wait.
   * @returns what it was before
   */
  setSleepSecs(seconds: number): number {
    this.stop();
    this.#timer = setInterval(() => { this.#pass(); }, seconds * 1000);
    this.#timer.unref(); // a waiting monitor must not keep the process alive
    const was = this.#sleepSecs;
    this.#sleepSecs = seconds;
    return was;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #pass(): void {
    this.cursors.closeIdle();
    for (const collection of this.storage.collections()) {
      for (const { expireAfterSeconds, paths: [[name = ''] = []] } of collection.indexes.values()) {
        if (expireAfterSeconds === undefined) continue;
        const deadline = RealDate.now() - expireAfterSeconds * 1000;
        for (const doc of collection.docs.values()) {
          if (isExpired(field(doc, name), deadline)) collection.remove(doc);
        }
      }
    }
    this.passes += 1;
  }
}

/** Only dates expire. In an array, the earliest counts. */
function isExpired(value: Value | undefined, deadline: number): boolean {
  if (Array.isArray(value)) return value.some((item) => isExpired(item, deadline));
  return types.isDate(value) && value.getTime() <= deadline;
}
