/*
 * The tests of the steps cannot be fooled: every wrong answer of the catalogue is red with the
 * sentence that its author has to read, every right one is green.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { RightAnswer, WrongAnswer } from './answers/answer.ts';
import { reported, runAnswers } from './answers/run.ts';
import * as step1 from './answers/step-1.ts';
import * as step2 from './answers/step-2.ts';
import * as step3 from './answers/step-3.ts';
import * as step4 from './answers/step-4.ts';
import * as step5 from './answers/step-5.ts';
import * as step6 from './answers/step-6.ts';
import * as step7 from './answers/step-7.ts';
import * as step8 from './answers/step-8.ts';

const catalogues = [step1, step2, step3, step4, step5, step6, step7, step8]
  .map((catalogue, index) => ({ step: index + 1, ...catalogue }));
const wrong = catalogues.flatMap((catalogue) => (
  catalogue.wrong.map((answer) => ({ step: catalogue.step, answer }))
));
const right = catalogues.flatMap((catalogue) => (
  catalogue.right.map((answer) => ({ step: catalogue.step, answer }))
));

/** How many tests each step has, by its solution. */
const counts = new Map<number, number>();

const { results, done } = runAnswers([...right, ...wrong]);
after(() => done);

describe('right answers pass', () => {
  for (const task of right) {
    test(title(task), async () => {
      const { tests } = reported(await results.get(task));
      counts.set(task.answer.tests ?? task.step, tests.length);
      assert.deepEqual(tests.filter(({ passed }) => !passed).map(({ text }) => text), []);
      assert.ok(tests.length > 0);
    });
  }
});

describe('wrong answers are caught', () => {
  for (const task of wrong) {
    test(title(task), async () => {
      const { caughtBy, reads } = task.answer;
      const { tests } = reported(await results.get(task));
      const [first] = tests.filter(({ passed }) => !passed);
      assert.ok(first, 'all tests pass');
      assert.equal(first.name, caughtBy, first.text);
      assert.match(first.text, reads);
      assert.equal(tests.length, counts.get(task.answer.tests ?? task.step), 'tests are missing');
    });
  }
});

test('the catalogue is large enough', (t) => {
  assert.ok(wrong.length >= 70);
  assert.ok(right.length >= 30);
  t.diagnostic(`${wrong.length} wrong answers caught, ${right.length} right answers passed`);
});

function title({ step, answer }: { step: number; answer: WrongAnswer | RightAnswer }): string {
  const tests = answer.tests === undefined ? '' : ` (tests of step ${answer.tests})`;
  return `step ${step}: ${answer.name}${tests}`;
}
