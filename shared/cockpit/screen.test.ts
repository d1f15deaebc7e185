import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import type { Report, TestReport } from '../tester/report.ts';
import { findStep } from '../lesson/steps.ts';
import { renderScreen } from './screen.ts';
import { initialState, reduce, type Event, type State } from './state.ts';

const step = findStep(3);
const small = { columns: 80, rows: 24, color: false };

const passed = (name: string): TestReport => ({ name, step: 3, move: 1 });
const failed = (name: string, more = ''): TestReport => ({
  ...passed(name),
  failure: {
    observed: `"visit 1" came back instead of "visit 3". ${more}`,
    why: 'The sessions died with the app, so they still live in its memory.',
    lookAt: 'steps/03-mongo-store/session.ts: is the store part of the options?',
  },
});

/** The state after some events, in a step with the given tests. */
function stateWith(tests: TestReport[], ...events: Event[]): State {
  const report: Report = { step, kind: 'steps', tests };
  return [
    { type: 'said', line: 'MongoDB: stand-in 8.0.0 in memory', stays: true } as const,
    { type: 'app started', at: '14:03:27' } as const,
    { type: 'tests ended', verdict: { report }, at: '14:03:30' } as const,
    ...events,
  ].reduce(reduce, initialState(step, 'steps/03-mongo-store', 'http://localhost:4000'));
}

const text = (state: State, size = small) => renderScreen(state, size).join('\n');

describe('the screen', () => {
  test('says what works, what to fix next and what to type', () => {
    const screen = text(stateWith(
      [passed('it starts'), failed('the count survives'), failed('it expires')],
      { type: 'app printed', line: 'Server running on port 4000', stream: 'stdout' },
    ));
    for (const part of [
      /^Step 3 · A store that survives +tested 14:03:30 {2}●○○ 1 of 3$/m,
      /^MongoDB: stand-in/m,
      /^✔ pass {2}it starts$/m,
      /^✖ fail {2}the count survives\n {4}"visit 1" came back/m,
      /Look at: +steps\/03-mongo-store\/session\.ts/,
      /^✖ fail {2}it expires$/m,
      /^App {2}http:\/\/localhost:4000 \(process started 14:03:27\)\n {2}│ Server running on port 4000$/m,
      /\nh hint {3}d diff {3}n next {3}t test {3}o open {3}\? keys {3}q quit$/,
    ]) assert.match(screen, part);
  });

  test('fits every terminal, with any number of tests, however much the app prints', () => {
    const long = 'word '.repeat(80);
    const manyLines = Array.from({ length: 99 }, () => long);
    for (const count of [1, 8, 30]) {
      const tests = Array.from({ length: count }, (_, index) => failed(`test ${index}`, long));
      const lines = Array.from({ length: 50 }, (): Event => (
        { type: 'app printed', line: `\x1b[2J\t${long}`, stream: 'stdout' }
      ));
      for (const state of [
        stateWith([...tests, ...tests.map(({ name }) => passed(`${name} too`))], ...lines),
        stateWith(tests, { type: 'app ended', crashed: true, ending: 'crashed', cause: long }),
        stateWith(tests, { type: 'noticed', notice: long }),
        stateWith(tests, { type: 'page opened', name: 'diff', title: long, lines: manyLines }),
        stateWith(tests, {
          type: 'tests ended',
          verdict: { failure: `${long}\n`.repeat(40), next: long },
          at: '14:04:00',
        }),
      ]) {
        for (const [columns, rows] of [[80, 24], [60, 15], [200, 60], [30, 10], [20, 6]] as const) {
          for (const color of [true, false]) {
            const screen = renderScreen(state, { columns, rows, color });
            assert.equal(screen.length, rows);
            assert.match(screen.at(-1) ?? '', state.page ? /goes back/ : /h.*q/);
            for (const line of screen) {
              assert.ok(stripVTControlCharacters(line).length <= columns, line);
              assert.doesNotMatch(line.replaceAll(/\x1b\[[\d;]*m/g, ''), /\p{Cc}/u);
              if (!color) assert.equal(stripVTControlCharacters(line), line);
            }
          }
        }
      }
    }
  });

  test('keeps the fact and the place to look at when space is short', () => {
    const tests = Array.from({ length: 9 }, (_, index) => failed(`test ${index}`));
    const screen = text(stateWith(tests), { columns: 80, rows: 14, color: false });
    assert.match(screen, /✖ fail {2}test 0\n {4}"visit 1" came back/);
    assert.match(screen, /Look at: /);
    assert.match(screen, /and \d more/);
    assert.match(screen, /q quit$/);
  });

  test('says that a step is done, what was learned, and the next command', () => {
    const screen = text(stateWith([passed('one'), passed('two')]));
    assert.match(screen, /✔ All 2 tests pass\. Step 3 is done\./);
    assert.match(screen, /You learned: /);
    assert.match(screen, /Next: Try it out in WORKSHOP\.md, then press n/);
  });

  test('shows an old verdict without colours while tests run', () => {
    const before = stateWith([failed('the count survives'), failed('it expires')]);
    const running = reduce(before, { type: 'tests started' });
    const size = { ...small, color: true };
    const red = /\x1b\[31m/;
    assert.match(text(before, size), red);
    assert.doesNotMatch(text(running, size), red);
    assert.match(text(running), /testing …/);
    assert.match(text(running), /the count survives/);
  });

  test('says that its own tests pass while those of earlier steps run', () => {
    const before = stateWith([failed('one')], { type: 'tests started' });
    const report: Report = { step, kind: 'steps', tests: [passed('one')] };
    const own = reduce(before, { type: 'own tests passed', report });
    assert.match(text(own), /testing …/);
    assert.match(text(own), /✔ All tests of step 3 pass\. Checking what .*\n\n✔ pass {2}one/);
    assert.doesNotMatch(text(own), /✖/);
    assert.match(text(reduce(own, { type: 'tests started' })), /✖ fail {2}one/);
    const verdict = { report: { ...report, tests: [passed('one'), failed('an earlier one')] } };
    const ended = reduce(own, { type: 'tests ended', verdict, at: '14:03:35' });
    assert.match(text(ended), /✖ fail {2}an earlier one/);
  });

  test('says above the tests why the app crashed, and that a save restarts it', () => {
    const screen = text(stateWith([failed('one')], {
      type: 'app ended', crashed: true, ending: 'crashed (exit code 1)', cause: 'No secret is set.',
    }));
    assert.match(screen, /✖ The app crashed \(exit code 1\): No secret is set\. Saving/);
    assert.match(screen, /starts it\s+again\.\n\n✖ fail {2}one/);
  });

  test('keeps what matters in narrow terminals: the count, the whole MongoDB line', () => {
    const line = 'MongoDB: stand-in 8.0.0 in memory (the download failed: no network; npm run '
      + 'mongod tries again)';
    const state = stateWith([passed('one'), failed('two')], { type: 'said', line, stays: true });
    assert.match(text(state), /\(the download failed: no network; npm run\s+mongod tries again\)\n/);
    const narrow = text(state, { columns: 40, rows: 24, color: false });
    assert.match(narrow, /^Step 3 · A store that survives +1 of 2\n/);
    assert.match(narrow, /tries\s+again\)\n/);
    assert.match(narrow, /h hint {2}d diff {2}n next {2}\? keys {2}q quit$/);
  });

  test('says which file was saved, and which step this is', () => {
    const save = (type: 'saved' | 'saved elsewhere', file: string) => (
      text(stateWith([failed('one')], { type, files: [file] }))
    );
    assert.match(save('saved', 'steps/03-mongo-store/app.ts'), /Saved app\.ts: starting the app/);
    assert.match(
      save('saved elsewhere', 'solutions/03-mongo-store/app.ts'),
      /You saved solutions\/03-mongo-store\/app\.ts, but this is step 3:\s+it\s+runs\s+steps\/03-/,
    );
  });

  test('shows a page until a save, scrolled within its bounds', () => {
    const lines = Array.from({ length: 50 }, (_, index) => `line ${index + 1}`);
    const page = stateWith([failed('one')], {
      type: 'page opened', name: 'hint', title: 'Hint', lines,
    });
    assert.match(text(page), /^Hint\n\nline 1\n/);
    assert.match(text(page), /Lines 1 to 20 of 50/);
    const scrolled = reduce(page, { type: 'page scrolled', by: 20 });
    assert.match(text(scrolled), /^Hint\n\nline 21\n/);
    assert.match(text(reduce(scrolled, { type: 'page scrolled', by: -99 })), /^Hint\n\nline 1\n/);
    assert.doesNotMatch(text(reduce(page, { type: 'saved', files: [] })), /^Hint/);
  });
});
