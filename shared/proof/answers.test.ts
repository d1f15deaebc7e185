/*
 * The tests of the steps can't be fooled: solutions are green, starters are red for the right
 * reason, every wrong answer in the catalogue is red with the sentence that a learner needs, and
 * every right answer is green.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import type { RightAnswer, WrongAnswer } from './answers/answer.ts';
import { readFiles, readStarter, sameFiles, starterFolder } from '../lesson/starters.ts';
import { folderOf, isPartOne, root, steps, type Step } from '../lesson/steps.ts';
import { passes } from '../tester/report.ts';
import { reported, runAnswers, textOf, type Result, type Task } from './answers/run.ts';
import * as step1 from './answers/step-1.ts';
import * as step2 from './answers/step-2.ts';
import * as step3 from './answers/step-3.ts';
import * as step4 from './answers/step-4.ts';
import * as step5 from './answers/step-5.ts';
import * as step6 from './answers/step-6.ts';
import * as step7 from './answers/step-7.ts';
import * as step8 from './answers/step-8.ts';
import * as step9 from './answers/step-9.ts';
import * as step10 from './answers/step-10.ts';
import { breaches } from './contract.ts';

const all = [step1, step2, step3, step4, step5, step6, step7, step8, step9, step10]
  .map((catalogue, index) => ({ step: index + 1, ...catalogue }));
const only = process.env.PROVED_STEP;
const isProved = (step: number) => only === undefined || step === Number(only);
const catalogues = all.filter(({ step }) => isProved(step));
const wrong = catalogues.flatMap((catalogue) => (
  catalogue.wrong.map((answer) => ({ step: catalogue.step, answer }))
));
const right = catalogues.flatMap((catalogue) => (
  catalogue.right.map((answer) => ({ step: catalogue.step, answer }))
));

const readme = await readFile(path.join(root, 'README.md'), 'utf8');

/** The number of tests in each step, from its solution. */
const counts = new Map<number, number>();

const solved = (await runsOfAll('solutions')).filter(({ on, step }) => (
  // A step's own run includes the steps before it, in the same part.
  step === on || isPartOne(on.number) !== isPartOne(step.number)
));
// Use the kept starters: a learner's work in steps/ must never fail the proof.
const started = await runsOfAll('steps');

const { results, done } = runAnswers([
  ...[...solved, ...started].map(({ task }) => task), ...right, ...wrong,
]);
after(() => done);

describe('solutions', () => {
  for (const { on, step, task } of solved) {
    test(`solution ${on.number} passes the tests of step ${step.number}`, async () => {
      expectAllPassed(await results.get(task), task);
    });
  }
});

describe('starters', () => {
  for (const { on, step, task } of started) {
    if (step !== on) {
      test(`starter ${on.number} passes the tests of step ${step.number}`, async () => {
        expectAllPassed(await results.get(task), task);
      });
      continue;
    }
    test(`starter ${on.number} is the previous solution, or part of its own`, async () => {
      assert.deepEqual(await breaches(on), []);
    });
    test(`starter ${on.number} fails every test of its step in the test's own words`, async () => {
      const { tests } = reported(await results.get(task));
      assert.ok(tests.length > 0);
      assert.deepEqual(tests.filter(({ failure }) => !failure).map(({ name }) => name), []);
      for (const test of tests) {
        const notItsOwn =
          /can't be (loaded|read)|server stopped|no (complete )?answer|wasn't expected/;
        assert.doesNotMatch(textOf(test), notItsOwn);
      }
      // README.md tells instructors what learners see first.
      const { observed = '' } = tests[0]?.failure ?? {};
      const row = `| ${on.number} | \`${observed}\` |`;
      if (isPartOne(on.number)) assert.ok(readme.includes(row), `README.md has no row ${row}`);
    });
  }

  // On a learner's machine, steps/ holds the learner's work.
  if (process.env.CI === 'true') {
    test('steps/ matches the kept starters', async () => {
      for (const step of steps) {
        const own = await readFiles(folderOf(step, 'steps'));
        const isKept = sameFiles(own, await readStarter(step));
        assert.ok(isKept, `steps/${step.folder}/ and shared/lesson/starters/${
          step.folder}/ differ. Next: node --import tsx shared/proof/keep-starters.ts`);
      }
    });
  }
});

describe('right answers pass', () => {
  for (const task of right) {
    test(title(task), async () => {
      const { tests } = reported(await results.get(task));
      const own = tests.filter(({ promisedIn }) => !promisedIn);
      counts.set(task.answer.tests ?? task.step, own.length);
      // Tests of index.ts are left out if the answer can't affect them.
      assert.deepEqual(tests.filter(({ failure }) => failure).map(textOf), []);
    });
  }
});

describe('wrong answers are caught', () => {
  for (const task of wrong) {
    test(title(task), async () => {
      const { caughtBy, reads } = task.answer;
      const { tests } = reported(await results.get(task));
      const first = tests.find(({ failure }) => failure);
      assert.ok(first, 'all tests pass');
      assert.equal(first.name, caughtBy, textOf(first));
      assert.match(textOf(first), reads);
      const own = tests.filter(({ promisedIn }) => !promisedIn);
      assert.equal(own.length, counts.get(task.answer.tests ?? task.step), 'tests are missing');
    });
  }
});

test('the catalogue is large enough', (t) => {
  assert.ok(all.flatMap(({ wrong }) => wrong).length >= 70 + 60);
  assert.ok(all.flatMap(({ right }) => right).length >= 30 + 20);
  t.diagnostic(`${wrong.length} wrong answers caught, ${right.length} right answers passed`);
});

function title({ step, answer }: { step: number; answer: WrongAnswer | RightAnswer }): string {
  const tests = answer.tests === undefined ? '' : ` (tests of step ${answer.tests})`;
  return `step ${step}: ${answer.name}${tests}`;
}

async function runsOfAll(of: 'solutions' | 'steps') {
  const proved = steps.filter(({ number }) => isProved(number));
  return (await Promise.all(proved.map((on) => runs(of, on)))).flat();
}

/**
 * The tests of a step and all earlier ones, on its solution or starter. Those that start index.ts
 * are left out if it's unchanged from the previous solution, where they've already run.
 */
async function runs(of: 'solutions' | 'steps', on: Step) {
  const previous = steps[on.number - 2];
  const own = of === 'steps' ? starterFolder(on) : folderOf(on, of);
  const sharesIndex = previous !== undefined
    && await readIndex(folderOf(previous, 'solutions')) === await readIndex(own);
  return steps.filter(({ number }) => number <= on.number).map((step) => {
    const task: Task = {
      step: on.number, of, answer: { name: of, tests: step.number },
      sharesIndex: sharesIndex && step !== on,
    };
    return { on, step, task };
  });
}

/** A folder's index.ts without comment lines. */
async function readIndex(folder: string): Promise<string> {
  const text = await readFile(path.join(folder, 'index.ts'), 'utf8');
  return text.replaceAll(/^\s*\/\/.*\r?\n/gm, '');
}

function expectAllPassed(result: Result | undefined, { sharesIndex = false }: Task): void {
  const { tests } = reported(result);
  assert.ok(tests.some(passes));
  const failed = tests.filter((test) => sharesIndex ? test.failure : !passes(test));
  assert.deepEqual(failed.map(textOf), []);
}
