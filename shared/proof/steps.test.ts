/*
 * Solutions are green, starters are red for the right reason, and no starter has drifted.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { isUntouched } from '../lesson/starters.ts';
import { steps, type Step } from '../lesson/steps.ts';
import { reported, runAnswers, type Result, type Task } from './answers/run.ts';
import { breaches } from './contract.ts';

// Starters are those that are kept: what a learner does in steps/ is never our failure.
const solved = steps.flatMap((on) => runs('solutions', on));
const started = steps.flatMap((on) => runs('steps', on));
const { results, done } = runAnswers([...solved, ...started].map(({ task }) => task));
after(() => done);

describe('solutions', () => {
  for (const { on, step, task } of solved) {
    test(`solution ${on.number} passes the tests of step ${step.number}`, async () => {
      expectAllPassed(await results.get(task));
    });
  }
});

describe('starters', () => {
  for (const { on, step, task } of started) {
    if (step !== on) {
      test(`starter ${on.number} passes the tests of step ${step.number}`, async () => {
        expectAllPassed(await results.get(task));
      });
      continue;
    }
    test(`starter ${on.number} is the previous solution, or a part of its own`, async () => {
      assert.deepEqual(await breaches(on), []);
    });
    test(`starter ${on.number} fails every test of its step by the test's own words`, async () => {
      const { tests } = reported(await results.get(task));
      assert.ok(tests.length > 0);
      assert.deepEqual(tests.filter(({ passed }) => passed).map(({ name }) => name), []);
      for (const { text } of tests) {
        const notItsOwn =
          /cannot be (loaded|read)|server stopped|no (complete )?answer|not expected/;
        assert.doesNotMatch(text, notItsOwn);
      }
    });
  }

  // On a learner's machine steps/ holds the learner's work.
  if (process.env.CI === 'true') {
    test('what steps/ holds is what is kept', async () => {
      for (const step of steps) {
        assert.ok(await isUntouched(step), `steps/${step.folder}/ and shared/lesson/starters/${
          step.folder}/ differ. Next: node --import tsx shared/proof/keep-starters.ts`);
      }
    });
  }
});

/** The tests of a step and of all earlier ones, on its solution or its starter. */
function runs(of: 'solutions' | 'steps', on: Step) {
  return steps.filter(({ number }) => number <= on.number).map((step) => {
    const task: Task = { step: on.number, of, answer: { name: of, tests: step.number } };
    return { on, step, task };
  });
}

function expectAllPassed(result: Result | undefined): void {
  const { tests } = reported(result);
  assert.ok(tests.length > 0);
  assert.deepEqual(tests.filter(({ passed }) => !passed).map(({ text }) => text), []);
}
