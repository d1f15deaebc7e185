/**
 * The MongoDB drivers' own "unified" CRUD tests against the stand-in. A test passes, is refused
 * (the stand-in says it doesn't support something) or is wrong. No test may be wrong.
 * README.md says where crud.json comes from.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, test } from 'node:test';

import type { Collection, CollectionOptions, Document } from 'mongodb';
import { AbstractCursor, BSON, Db, MongoClient } from 'mongodb';

import { startStandIn } from '../server.ts';

interface Data { databaseName: string; collectionName: string; documents: Document[] }
interface Operation {
  name: string; object: string; arguments?: Document;
  expectError?: Document; expectResult?: unknown;
}
interface Case {
  description: string; runOnRequirements?: Requirement[];
  operations: Operation[]; outcome?: Data[];
}
interface Requirement {
  minServerVersion?: string; maxServerVersion?: string; topologies?: string[];
}
interface EntitySpec {
  client?: { id: string };
  database?: { id: string; databaseName: string };
  collection?: {
    id: string; database: string;
    collectionName: string; collectionOptions?: CollectionOptions;
  };
}
interface File {
  runOnRequirements?: Requirement[]; createEntities: EntitySpec[];
  initialData?: Data[]; tests: Case[];
}

const standIn = await startStandIn();
const admin = await MongoClient.connect(standIn.url);
after(async () => {
  await admin.close();
  await standIn.close();
});

const text = await readFile(new URL('crud.json', import.meta.url), 'utf8');
const files = BSON.EJSON.parse(text) as Record<string, File>;
const counts = { passed: 0, refused: 0, 'not for a single server': 0 };

for (const [name, file] of Object.entries(files)) {
  test(name, async () => {
    for (const item of file.tests) {
      const isForUs = [file, item].every(({ runOnRequirements: any }) =>
        any === undefined || any.some(isMet));
      if (isForUs) counts[await judge(file, item)] += 1;
      else counts['not for a single server'] += 1;
    }
  });
}

test('most of the tests pass', (context) => {
  const summary = Object.entries(counts).map(([what, count]) => `${count} ${what}`).join(', ');
  context.diagnostic(`The drivers' CRUD tests: ${summary}, 0 wrong`);
  assert.ok(counts.passed >= 90, summary);
});

function isMet({ minServerVersion = '0', maxServerVersion = '99', topologies }: Requirement):
boolean {
  const isBelow = (a: string, b: string): boolean =>
    a.localeCompare(b, 'en', { numeric: true }) < 0;
  return !isBelow(standIn.version, minServerVersion) && !isBelow(maxServerVersion, standIn.version)
    && (topologies === undefined || topologies.includes('single'));
}

/** Runs one test. Throws if the stand-in's answer isn't the expected one. */
async function judge(file: File, item: Case): Promise<'passed' | 'refused'> {
  for (const { databaseName, collectionName, documents } of file.initialData ?? []) {
    await admin.db(databaseName).dropDatabase();
    await admin.db(databaseName).createCollection(collectionName);
    if (documents.length > 0) {
      await admin.db(databaseName).collection(collectionName).insertMany(documents);
    }
  }
  const { client, entities } = await createEntities(file.createEntities);
  try {
    for (const operation of item.operations) {
      const outcome = await run(entities.get(operation.object), operation)
        .then((result: unknown) => ({ result }), (error: unknown) => ({ error }));
      const label = `${item.description}: ${operation.name}`;
      if ('error' in outcome) {
        if (isRefusal(outcome.error)) return 'refused';
        assert.ok(operation.expectError, `${label}: ${String(outcome.error)}`);
      } else {
        assert.ok(operation.expectError === undefined, `${label}: no error`);
        const { expectResult } = operation;
        if (expectResult !== undefined) expect(outcome.result, expectResult, label, true);
      }
    }
    for (const { databaseName, collectionName, documents } of item.outcome ?? []) {
      const found = await client.db(databaseName)
        .collection(collectionName, { writeConcern: { w: 1 } }).find().sort({ _id: 1 }).toArray();
      expect(found, documents, item.description, false);
    }
    return 'passed';
  } finally {
    await client.close();
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error
    && /stand-in for MongoDB|replica set/.test(JSON.stringify(error) + error.message);
}

type Entity = MongoClient | Db | Collection;

async function createEntities(specs: EntitySpec[]):
Promise<{ client: MongoClient; entities: Map<string, Entity> }> {
  // A single connection, so that reads come after an unacknowledged write.
  const client = await MongoClient.connect(standIn.url, { maxPoolSize: 1, retryWrites: false });
  const entities = new Map<string, Entity>();
  for (const { client: ofClient, database, collection } of specs) {
    if (ofClient !== undefined) entities.set(ofClient.id, client);
    if (database !== undefined) entities.set(database.id, client.db(database.databaseName));
    if (collection === undefined) continue;
    const { id, collectionName, collectionOptions } = collection;
    const db = entities.get(collection.database);
    assert.ok(db instanceof Db);
    entities.set(id, db.collection(collectionName, collectionOptions));
  }
  return { client, entities };
}

/** The arguments that the driver's methods take by their position. The others are options. */
const positional = [
  'filter', 'update', 'replacement', 'document', 'documents', 'pipeline', 'requests',
];

/** Runs an operation with the driver's method of that name. */
async function run(target: Entity | undefined, { name, arguments: given = {} }: Operation):
Promise<unknown> {
  if (name === 'failPoint') return admin.db('admin').command({ configureFailPoint: 1 });
  assert.ok(target !== undefined, `${name} is not run here`);
  const method: unknown = Reflect.get(target, name);
  assert.ok(typeof method === 'function', `the driver has no ${name}`);
  const names = target instanceof Db ? ['collection'] : positional;
  const values = names.filter((argument) => argument in given)
    .map((argument): unknown => given[argument]);
  const options = Object.fromEntries(
    Object.entries(given).filter(([argument]) => !names.includes(argument)),
  );
  const outcome: unknown = await Reflect.apply(method, target, [...values, options]);
  return outcome instanceof AbstractCursor ? outcome.toArray() : outcome;
}

/** Compares by the format's rules: documents at the root of a result may have extra fields. */
function expect(actual: unknown, expected: unknown, label: string, isRoot: boolean): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual) && actual.length === expected.length, label);
    for (const [index, item] of expected.entries()) expect(actual[index], item, label, isRoot);
  } else if (isObject(expected)) {
    const [operator = ''] = Object.keys(expected);
    if (operator === '$$unsetOrMatches') {
      const isUnset = actual === undefined || actual === null;
      if (!isUnset) expect(actual, expected[operator], label, isRoot);
      return;
    }
    if (operator.startsWith('$$')) throw new Error(`${label}: ${operator} is not known here`);
    assert.ok(isObject(actual), `${label}: ${JSON.stringify(actual)}`);
    for (const [name, value] of Object.entries(expected)) expect(actual[name], value, label, false);
    if (isRoot) return;
    const further = Object.keys(actual).filter((name) => !Object.hasOwn(expected, name));
    assert.deepEqual(further, [], label);
  } else {
    assert.deepEqual(actual, expected, label);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof BSON.ObjectId);
}
