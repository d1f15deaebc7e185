/*
 * Solutions are green, starters are red for the right reason, and no starter has drifted.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { deviations, untouched } from '../lesson/contract.ts';
import { reported, runAnswers, type Result, type Task } from './answers/run.ts';
import { steps, type Step } from '../lesson/steps.ts';

// A learner's work is not our failure, but the starters that we hand out have to be as they should
// be.
const isStarter = await Promise.all(steps.map(async (step) => (
  process.env.CI === 'true' || await untouched(step)
)));
const solved = steps.flatMap((on) => runs('solutions', on));
const started = steps.filter((on, index) => isStarter[index]).flatMap((on) => runs('steps', on));
const { results, done } = runAnswers([...solved, ...started].map(({ task }) => task));
after(() => done);

describe('solutions', () => {
  for (const { on, step, task } of solved) {
    test(`solution ${on.number} passes the tests of step ${step.number}`, async () => {
      expectAllPassed(await results.get(task));
    });
  }
});

describe('starters', async () => {
  for (const on of steps) {
    const found = await deviations(on);
    if (!started.some((run) => run.on === on)) {
      test(`step ${on.number} has been worked on, so its starter is not checked`, (t) => {
        t.skip(found.map(({ file, why }) => `${file} ${why}`).join('; '));
      });
      continue;
    }

    test(`starter ${on.number} is the previous solution, or a part of its own`, () => {
      assert.deepEqual(found, []);
    });

    for (const { step, task } of started.filter((run) => run.on === on)) {
      if (step !== on) {
        test(`starter ${on.number} passes the tests of step ${step.number}`, async () => {
          expectAllPassed(await results.get(task));
        });
        continue;
      }
      const name = `starter ${on.number} fails every test of its step by the test's own words`;
      test(name, async () => {
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
