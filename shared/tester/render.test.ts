import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { renderFailure, renderReport } from './render.ts';
import type { Report, TestReport } from './report.ts';
import { findFrame } from './frame.ts';
import { Lesson, redact, testSecret } from './lesson.ts';
import { currentSubject, setSubject, subjectOf } from './subject.ts';
import { findStep, root, steps, textOf } from '../lesson/steps.ts';

const step = findStep(3);
setSubject(subjectOf(step, 'steps'));

const cookie = 'connect.sid=s%3Ax1vhJyeXmVgJpmRZ.0E%2BkL0HqvwcqM3';

const failing: TestReport = {
  name: 'the visit count survives a restart of the app',
  step: 3,
  move: 2,
  failure: {
    observed: 'Visit 3 was answered with “Hello World, visit 1”.',
    why: 'The app was built anew and the same cookie sent. The sessions died with the app, so they '
      + 'still live in its memory.',
    lookAt: 'steps/03-mongo-store/session.ts: is the store part of the options?',
    frame: 'steps/03-mongo-store/app.ts:14',
    exchange: {
      method: 'GET',
      path: '/',
      cookie,
      status: 200,
      body: '',
      location: undefined,
      setCookie: [`${cookie}; Path=/; HttpOnly`],
    },
  },
};

const report: Report = {
  step,
  kind: 'steps',
  database: 'MongoDB: stand-in 8.0.0 in memory (no mongod on this machine; npm run mongod fetches '
    + 'one)',
  tests: [
    { name: 'a test that passes', step: 3, move: 1 },
    failing,
    { ...failing, name: 'another one' },
    { name: 'one that was not reached', step: 3, move: 4, notRun: true },
  ],
};

describe('the report', () => {
  test('keeps to 80 columns', () => {
    const lines = renderReport(report, { columns: 80, color: false }).split('\n');
    assert.deepEqual(lines.filter((line) => line.length > 80), []);
  });

  test('shows the first failure, and of the others a line', () => {
    const text = renderReport(report, { columns: 80, color: false });
    assert.equal(text.match(/Look at:/g)?.length, 1);
    assert.match(text, /✔ pass {2}a test that passes/);
    assert.match(text, /✖ fail {2}another one/);
    assert.match(text, /- not run {2}one that was not reached/);
    assert.match(text, /1 of 4 tests pass/);
    assert.match(text, /Next: Change your code, then npm run test:3/);
  });

  test('tells what was seen before what it means and where to look', () => {
    const lines = renderFailure(failing, { columns: 80, color: false });
    const order = ['Visit 3', 'The app was', 'Look at:', 'Line ', 'Request', 'Answer', 'Lesson'];
    const places = order.map((text) => lines.findIndex((line) => line.includes(text)));
    assert.deepEqual(places, places.toSorted((a, b) => a - b));
    assert.ok(!places.includes(-1), lines.join('\n'));
    assert.match(lines.at(-1) ?? '', /WORKSHOP\.md › Step 3 › Move 2 +Hint {2}npm run hint 3/);
  });

  test('has colours only where they are wanted', () => {
    assert.doesNotMatch(renderReport(report, { columns: 80, color: false }), /\x1b/);
    assert.match(renderReport(report, { columns: 80, color: true }), /\x1b/);
  });

  test('shows two characters of a session id, and no signature', () => {
    const text = renderReport(report, { columns: 80, color: false });
    assert.match(text, /connect\.sid=s%3Ax1…/);
    assert.doesNotMatch(text, /x1v|0E%2B/);
  });
});

test('no password and no secret is shown', () => {
  assert.equal(redact('mongodb://anna:pa55@host/db'), 'mongodb://…@host/db');
  assert.equal(redact(`secret: ${testSecret}.`), 'secret: ….');
  const { message } = new Lesson({ observed: `sent “${cookie}”`, why: '', lookAt: 'app.ts: ?' });
  assert.match(message, /connect\.sid=s%3Ax1…/);
  assert.doesNotMatch(message, /x1v|0E%2B/);
});

describe('a frame', () => {
  const subject = currentSubject();

  test('is the first of the learner\'s own', () => {
    const stack = [
      'Error: no',
      `    at next (${path.join(root, 'node_modules/router/index.js')}:20:5)`,
      `    at ${path.join(root, subject.name, 'app.ts')}:14:3`,
      `    at ${path.join(root, subject.name, 'session.ts')}:9:3`,
    ].join('\n');
    assert.equal(findFrame(stack), `${subject.name}/app.ts:14`);
  });

  test('is found under Windows, as a URL and in the page of an error', () => {
    const windows = `at C:\\my work\\${subject.name.replace('/', '\\')}\\app.ts:3:1`;
    assert.equal(findFrame(windows), `${subject.name}/app.ts:3`);
    const url = `at file:///my%20work/${subject.name}/routes/logout.ts:7:1`;
    assert.equal(findFrame(url), `${subject.name}/routes/logout.ts:7`);
    assert.equal(findFrame('<pre>Error<br>at harness.ts:3:1</pre>'), undefined);
  });
});

test('every lesson that a test names is a heading of the text, in its order', async () => {
  for (const { number, folder } of steps) {
    const workshop = await readFile(path.join(root, textOf(number)), 'utf8');
    const tests = await readFile(path.join(root, 'steps', folder, 'app.test.ts'), 'utf8');
    const chapter = workshop.split(/^## /m).find((text) => text.startsWith(`Step ${number}:`)) ?? '';
    const moves = [...tests.matchAll(/\bmove: (\d)/g)].map(([, move]) => move);
    for (const move of moves) {
      assert.match(chapter, new RegExp(`^### Move ${move}:`, 'm'), `Step ${number} › Move ${move}`);
    }
    // The first that fails is explained, so it belongs to the move that a learner is at.
    assert.deepEqual(moves, moves.toSorted(), `The tests of step ${number} are in another order.`);
  }
});
