import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findStep } from '../lesson/steps.ts';
import { onEnd } from '../testing/workshop.ts';
import { closeTestServer, TestDatabase } from './database.ts';
import { setSubject, subjectOf } from './subject.ts';

test("tests that run at once leave each other's databases alone", async (t) => {
  onEnd(t, closeTestServer);
  setSubject(subjectOf(findStep(3), 'solutions'));
  const [one, other] = [await TestDatabase.create(), await TestDatabase.create()];
  const client = await other.connect();
  const accounts = client.db().collection<{ _id: string }>('accounts');
  await accounts.insertOne({ _id: 'ada' });

  const end = await one.fail('silence');
  one.refuseDeletions();
  assert.deepEqual(await accounts.findOne(), { _id: 'ada' });
  await accounts.insertOne({ _id: 'mallory' });
  await accounts.deleteOne({ _id: 'mallory' });
  end();

  await one.close();
  assert.deepEqual(await other.documents('accounts'), [{ _id: 'ada' }]);
  await other.close();
});
