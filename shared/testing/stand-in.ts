/** What the tests here share: a server to ask, fresh databases, waiting with a deadline. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';

import type { Db, Document } from 'mongodb';
import { MongoClient, MongoServerError } from 'mongodb';

import { startStandIn } from '../mongo/stand-in/server.ts';

/** A document with a number, or what the driver makes up, for its `_id`. */
export interface Loose extends Document { _id?: number }

export interface TestServer {
  readonly url: string;
  readonly client: MongoClient;
  /** false: the tests run against the MongoDB that MONGO_URL names. */
  readonly isStandIn: boolean;
  /** Runs a test's body with a database of its own, and drops it afterwards. */
  withDatabase(body: (db: Db) => Promise<void>): Promise<void>;
}

/**
 * Connects to MONGO_URL or, without it, to a stand-in of this file's own.
 *
 * @param options.watchTtl Makes a real MongoDB look for expired documents every second, where it
 *   lets us, and sets it back afterwards.
 */
export async function openServer(options: { watchTtl?: boolean } = {}): Promise<TestServer> {
  const { MONGO_URL: external = '' } = process.env;
  const standIn = external === '' ? await startStandIn() : undefined;
  const url = standIn?.url ?? external;
  const client = await MongoClient.connect(url, { serverSelectionTimeoutMS: 3000 });
  const admin = client.db('admin');
  const ttl = options.watchTtl === true && standIn === undefined
    ? await admin.command({ setParameter: 1, ttlMonitorSleepSecs: 1 }).catch(() => undefined)
    : undefined;
  after(async () => {
    if (ttl !== undefined) {
      await admin.command({ setParameter: 1, ttlMonitorSleepSecs: Number(ttl.was) });
    }
    await client.close();
    await standIn?.close();
  });
  return {
    url,
    client,
    isStandIn: standIn !== undefined,
    async withDatabase(body) {
      const db = client.db(`stand_in_test_${randomUUID().slice(0, 8)}`);
      try {
        await body(db);
      } finally {
        await db.dropDatabase();
      }
    },
  };
}

// Taken now: a test may put fake timers over the globals.
const { setTimeout: realSetTimeout } = globalThis;

/** Asks again and again until the answer is true, for at most this many milliseconds. */
export async function waitFor(
  what: string, isSo: () => Promise<boolean>, milliseconds: number,
): Promise<void> {
  const start = performance.now();
  while (!await isSo()) {
    const waited = performance.now() - start;
    assert.ok(waited < milliseconds, `${what}: not within ${milliseconds} ms`);
    await new Promise((resolve) => { realSetTimeout(resolve, 20); });
  }
}

/** The server's error with this code, or a failed assertion. */
export async function rejectsWithCode(
  action: Promise<unknown>, code: number,
): Promise<MongoServerError> {
  const outcome: unknown = await action.then(() => 'no error', (error: unknown) => error);
  assert.ok(outcome instanceof MongoServerError, `expected error ${code}, got ${String(outcome)}`);
  assert.equal(outcome.code, code, outcome.message);
  return outcome;
}
