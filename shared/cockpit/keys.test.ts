import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Move } from '../lesson/hints.ts';
import { findStep } from '../lesson/steps.ts';
import { changesOfMove } from './diff.ts';
import { pressKey } from './keys.ts';
import { initialState, reduce, type Event, type State } from './state.ts';

const step = findStep('1', 'step:N');

/** Presses keys in sequence, in a step whose tests are all red. */
async function press(keys: string[], ...events: Event[]) {
  const failure = { observed: 'nothing', why: '', lookAt: '' };
  const tests = [1, 2].map((move) => ({ name: `move ${move}`, step: 1, move, failure }));
  const report = { step, kind: 'steps' as const, tests };
  let state: State = [{ type: 'tests ended', verdict: { report }, at: '' } as const, ...events]
    .reduce(reduce, initialState(step, `steps/${step.folder}`, 'http://localhost:4000'));
  const done: string[] = [];
  for (const key of keys) {
    await pressKey(key, {
      workshop: 'nowhere',
      state: () => state,
      size: () => ({ columns: 80, rows: 24, color: false }),
      emit: (event) => {
        state = reduce(state, event);
      },
      runTests: () => done.push('test'),
      leave: () => done.push('leave'),
      quit: () => done.push('quit'),
    });
  }
  return { done, page: state.page, notice: state.notice };
}

describe('the keys', () => {
  test('q closes a page, or the cockpit if none is open; Ctrl-C always ends', async () => {
    const closed = await press(['?', 'q']);
    assert.deepEqual([closed.done, closed.page], [[], undefined]);
    assert.deepEqual((await press(['?', 'q', 'q'])).done, ['quit']);
    assert.deepEqual((await press(['?', 'ctrl-c'])).done, ['quit']);
  });

  test('? explains every key in the bottom line', async () => {
    const { page } = await press(['?']);
    assert.deepEqual(page?.lines.map((line) => line[0]?.trim()).filter(Boolean).join(''),
      'hdnto?q');
  });

  test('t runs the tests; n says that the step is not green', async () => {
    assert.deepEqual((await press(['t'])).done, ['test']);
    const { done, notice } = await press(['n']);
    assert.deepEqual([done, notice], [[], "Step 1 isn't green yet (0 of 2). Press h for a hint."]);
  });

  test('h and d wait for the tests to say which move is next', async () => {
    const verdict = { failure: 'no tests', next: 'npm run doctor' };
    for (const key of ['h', 'd']) {
      const { notice } = await press([key], { type: 'tests ended', verdict, at: '' });
      assert.match(notice, /The tests couldn't run\. Next: /);
    }
  });
});

test('the diff of a move shows only what that move changes', () => {
  const moves = [['get', 'Hi'], ['post', 'Ho']].map(([method = '', text = ''], index): Move => ({
    number: index + 1,
    title: '',
    hints: [{
      number: 3,
      name: 'the code',
      text: `\`\`\`diff steps/01-hello-express/app.ts
@@
-// TODO Move ${index + 1}
+  app.${method}('/', (req, res) => {
+    res.send('${text}');
+  });
\`\`\``,
    }],
  }));
  const route = (method: string, text: string) => [
    `  app.${method}('/', (req, res) => {`, `    res.send('${text}');`, '  });',
  ];
  const files = [
    {
      name: 'app.ts',
      changes: [
        { line: 1, before: ['import a;'], after: ['import b;'] },
        { line: 7, before: [], after: [...route('get', 'Hi'), ...route('post', 'Ho')] },
      ],
    },
    { name: 'index.ts', changes: [{ line: 1, before: [], after: route('get', 'Hi') }] },
  ];
  const shown = changesOfMove(files, moves, 1);
  assert.deepEqual(shown.map(({ name }) => name), ['app.ts']);
  const lines = shown.flatMap(({ changes }) => changes.flatMap(({ after }) => after)).join('\n');
  assert.match(lines, /app\.get[^]*Hi/);
  assert.doesNotMatch(lines, /post|Ho|import/);
});
