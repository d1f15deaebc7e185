/*
 * Solutions are green, starters are red for the right reason, and no starter has drifted.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deviations, untouched } from './contract.ts';
import { runStepTests } from '../step-tests.ts';
import { steps } from '../steps.ts';

describe('solutions', { concurrency: 2 }, () => {
  for (const on of steps) {
    for (const step of steps.filter(({ number }) => number <= on.number)) {
      test(`solution ${on.number} passes the tests of step ${step.number}`, async () => {
        const { tests } = await runStepTests(step, { on, solutions: true });
        assert.ok(tests.length > 0);
        assert.deepEqual(tests.filter(({ passed }) => !passed).map(({ text }) => text), []);
      });
    }
  }
});

describe('starters', { concurrency: 2 }, async () => {
  for (const on of steps) {
    const found = await deviations(on);
    // A learner's work is not our failure, but the starters that we hand out have to be as they
    // should be.
    if (!await untouched(on) && process.env.CI !== 'true') {
      test(`step ${on.number} has been worked on, so its starter is not checked`, (t) => {
        t.skip(found.map(({ file, why }) => `${file} ${why}`).join('; '));
      });
      continue;
    }

    test(`starter ${on.number} is the previous solution, or a part of its own`, () => {
      assert.deepEqual(found, []);
    });

    for (const step of steps.filter(({ number }) => number < on.number)) {
      test(`starter ${on.number} passes the tests of step ${step.number}`, async () => {
        const { tests } = await runStepTests(step, { on });
        assert.ok(tests.length > 0);
        assert.deepEqual(tests.filter(({ passed }) => !passed).map(({ text }) => text), []);
      });
    }

    test(`starter ${on.number} fails every test of its step by the test's own words`, async () => {
      const { tests } = await runStepTests(on);
      assert.ok(tests.length > 0);
      assert.deepEqual(tests.filter(({ passed }) => passed).map(({ name }) => name), []);
      for (const { text } of tests) {
        const notItsOwn = /cannot be (loaded|read)|server stopped|no (complete )?answer|not expected/;
        assert.doesNotMatch(text, notItsOwn);
      }
    });
  }
});
