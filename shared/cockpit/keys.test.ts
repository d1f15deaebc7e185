import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { filesAfter, readMoves } from '../lesson/hints.ts';
import { readFiles } from '../lesson/starters.ts';
import { diffFiles } from '../lesson/step-diff.ts';
import { findStep, folderOf, steps } from '../lesson/steps.ts';
import { onEnd, Workshop } from '../testing/workshop.ts';
import { diffStep } from './diff.ts';
import { pressKey } from './keys.ts';
import { initialState, reduce, type Event, type State } from './state.ts';

const step = findStep(1);

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

  test('n goes on from a green step, but not while its tests run', async () => {
    const tests = [{ name: 'move 1', step: 1, move: 1 }];
    const verdict = { report: { step, kind: 'steps' as const, tests } };
    const green: Event = { type: 'tests ended', verdict, at: '' };
    assert.deepEqual((await press(['n'], green)).done, ['leave']);
    const { done, notice } = await press(['n'], green, { type: 'tests started' });
    assert.deepEqual(
      [done, notice], [[], 'The tests are still running. Press n once they are green.'],
    );
  });

  test('space closes a page that fits', async () => {
    assert.equal((await press(['?', 'space'])).page, undefined);
  });

  test('h and d wait for the tests to say which move is next', async () => {
    const verdict = { failure: 'no tests', next: 'npm run doctor' };
    for (const key of ['h', 'd']) {
      const { notice } = await press([key], { type: 'tests ended', verdict, at: '' });
      assert.match(notice, /The tests couldn't run\. Next: /);
      const running = await press([key], { type: 'tests started' });
      assert.match(running.notice, /The tests haven't said yet which move you're on\./);
    }
  });
});

test('the diff of a move shows all that the move changes, and nothing else', async (t) => {
  const workshop = await Workshop.copy();
  onEnd(t, () => workshop.remove());
  for (const step of steps) {
    const moves = await readMoves(step);
    for (const [index, { number }] of moves.entries()) {
      const before = await filesAfter(step, moves.slice(0, index));
      for (const [name, text] of before) workshop.write(`steps/${step.folder}/${name}`, text);
      const expected = diffFiles(before, await filesAfter(step, moves.slice(0, index + 1)));
      const shown = await diffStep(step, number, workshop.folder);
      assert.deepEqual(shown, expected, `step ${step.number}, move ${number}`);
      assert.ok(shown.length > 0);
    }
    assert.deepEqual(
      diffFiles(await filesAfter(step, moves), await readFiles(folderOf(step, 'solutions'))), [],
    );
  }
});

test('a mistake outside the move is shown if the move itself is done', async (t) => {
  const workshop = await Workshop.copy();
  onEnd(t, () => workshop.remove());
  const [first] = await readMoves(step);
  const done = await filesAfter(step, first ? [first] : []);
  const app = done.get('app.ts') ?? '';
  workshop.write(`steps/${step.folder}/app.ts`, app.replace('const app = ', 'const apps = '));
  const [changes] = await diffStep(step, 1, workshop.folder);
  assert.match(String(changes?.changes[0]?.before), /const apps = /);
});
