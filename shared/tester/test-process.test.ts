import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { findStep } from '../lesson/steps.ts';
import { nothingRuns, onEnd, processesOf, Workshop } from '../testing/workshop.ts';
import type { Report } from './report.ts';
import { TestProcess } from './test-process.ts';

test("a step's own tests are reported before those of earlier steps run", async (t) => {
  const tests = new TestProcess();
  onEnd(t, () => tests.end());
  const early: Report[] = [];
  const verdict = await tests.run(
    findStep(2), 'solutions', { choice: { withoutEntries: true } },
    (report) => early.push(report),
  );
  assert.ok('report' in verdict);
  assert.deepEqual(early, [verdict.report]);
});

test('index.ts is started again if our own database was too slow for it', async (t) => {
  const workshop = await Workshop.copy();
  onEnd(t, () => workshop.remove());
  const index = 'solutions/10-production/index.ts';
  workshop.write(index, `${await workshop.read(index)}
    import { existsSync, writeFileSync } from 'node:fs';
    if (!existsSync('was-late')) {
      writeFileSync('was-late', '');
      throw new Error('MongoNetworkTimeoutError: connection 1 to 127.0.0.1:27017 timed out');
    }`);
  const tests = new TestProcess({ workshop: workshop.folder });
  onEnd(t, () => tests.end());
  const last = 'one of two processes is killed, and ada is still logged in';
  const verdict = await tests.run(findStep(10), 'solutions', { choice: { last } });
  assert.ok('report' in verdict);
  assert.deepEqual(verdict.report.tests.flatMap(({ failure }) => failure ?? []), []);
  assert.equal(await workshop.read('was-late'), '');
});

test("a line of .env that isn't a setting is told instead of a report", async (t) => {
  const workshop = await Workshop.copy();
  onEnd(t, () => workshop.remove());
  workshop.write('.env', 'PORT: 5\n');
  const tests = new TestProcess({ workshop: workshop.folder });
  onEnd(t, () => tests.end());
  assert.deepEqual(await tests.run(findStep(1), 'steps'), {
    failure: "Line 1 of .env isn't a setting: a setting reads NAME=value.",
    next: 'correct line 1 of .env to PORT=…, then run the command again',
  });
});

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'it needs /proc' };

test('tests end with the process that started them, even if it is killed', linuxOnly, async (t) => {
  const workshop = await Workshop.copy();
  onEnd(t, () => workshop.remove());
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', `
    import { findStep } from './shared/lesson/steps.ts';
    import { TestProcess } from './shared/tester/test-process.ts';
    const tests = new TestProcess();
    const step = findStep(1);
    await tests.run(step, 'solutions', { choice: { withoutEntries: true } });
    tests.send({ type: 'prepare', step: step.number });
    console.log('ready');
    setInterval(() => undefined, 1000);`,
  ], {
    cwd: workshop.folder,
    env: { ...workshop.env, PWD: workshop.folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onEnd(t, () => parent.kill('SIGKILL'));
  await once(parent.stdout, 'data');
  assert.notDeepEqual(await processesOf(workshop.folder), []);
  parent.kill('SIGKILL');
  await once(parent, 'close');
  await nothingRuns(workshop.folder);
});
