import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { eventually, freePort, nothingRuns, onEnd, processesOf } from '../testing/workshop.ts';
import { app, index, learnersWorkshop, Terminal } from '../testing/terminal.ts';

const windows = process.platform === 'win32';

/** Where there is no tmux, these tests need CI=true to be missed. */
const hasTerminal = !windows && (process.env['CI'] === 'true' || await Terminal.exists());
const needsTerminal = { skip: hasTerminal ? false : 'there is no tmux' };

/** A workshop in which step 1 answers nothing yet, but listens. */
async function begin(t: TestContext) {
  const workshop = await learnersWorkshop(t);
  workshop.save(1, app(), 'app.ts');
  workshop.save(1, index);
  return { workshop, PORT: String(await freePort()) };
}

describe('the cockpit', { concurrency: 2 }, () => {
  test('in a terminal, from the first red to the next step', needsTerminal, async (t) => {
    const { workshop, PORT } = await begin(t);
    workshop.save(2, app('/one'), 'app.ts');
    workshop.save(2, index);
    // Not in the workshop: xdg-open takes a blank in a path for the end of it.
    const home = await mkdtemp(join(tmpdir(), 'browser-'));
    onEnd(t, () => rm(home, { recursive: true }));
    const browser = join(home, 'browser');
    await writeFile(browser, `#!/bin/sh\necho "$1" > '${browser}.seen'\n`, { mode: 0o755 });
    const terminal = await Terminal.open(t, workshop.folder, {
      ...workshop.env, PATH: process.env['PATH'], BROWSER: browser, PORT,
    });
    await terminal.type(`'${process.execPath}' shared/commands/run.js step 1`, 'Enter');

    const first = await terminal.shows(/○○ 0 of 2\n[^]*GET \/one answered with status 404/);
    assert.match(first, /^Step 1 · Hello, Express/);
    assert.match(first, /✖ fail {2}GET \/two/);
    const [, pid] = /│ Server running, process (\d+)/.exec(
      await terminal.shows(/Server running, process \d+/),
    ) ?? [];
    assert.match(first, /h hint .* q quit/);

    // Keys: hints, one after the other; a save shows the tests again.
    await terminal.type('h');
    await terminal.shows(/Move 1: Answer \/one · Hint 1 of 3: a nudge\n\nHint 1 of move 1\./);
    await terminal.type('h');
    await terminal.shows(/Hint 2 of 3: a pointer/);
    workshop.save(1, app('/one'), 'app.ts');
    const second = await terminal.shows(/●○ 1 of 2\n/);
    assert.match(second, /✔ pass {2}GET \/one/);
    assert.doesNotMatch(second, /Hint \d of/);
    await terminal.type('n');
    await terminal.shows(/not green yet \(1 of 2\)/);
    await terminal.type('d');
    await terminal.shows(/your files beside the solution[^]*solutions\/01-hello-express/);
    await terminal.type('Escape');
    await terminal.shows(/GET \/two answered with status 404/);
    await terminal.type('o');
    await terminal.shows(/Opening http:\/\/localhost:\d+/);
    await eventually('the browser has been started', async () =>
      (await readFile(`${browser}.seen`, 'utf8').catch(() => '')).includes(`:${PORT}`));

    const [, live = ''] = /Live {2}(http:\S+)/.exec(await terminal.screen()) ?? [];
    await terminal.type('o');
    await eventually('the browser has been started again', async () =>
      (await readFile(`${browser}.seen`, 'utf8')).trim() === live);

    // Another size, in which everything still has its place.
    await terminal.resize(50, 14);
    const narrow = await terminal.shows(/^Step 1 .*1 of 2\n[^]*\/two answered[^]*\nh hint/);
    assert.ok(narrow.trimEnd().split('\n').length <= 14);
    await terminal.resize(80, 24);

    // The app crashes, and lives again with the next save.
    workshop.save(1, "throw new Error('boom');");
    await terminal.shows(/The app has crashed \(exit code 1\): Error: boom\s+\(steps\/01-/);
    workshop.save(1, index);
    await terminal.shows(/App {2}http[^]*Server running, process (?!0)/);

    workshop.save(1, app('/one', '/two'), 'app.ts');
    await terminal.shows(/All 2 tests pass\. Step 1 is done\.[^]*press n, or type npm run step:2/);
    await terminal.type('n');
    await terminal.shows(/^Step 2 · Sessions in memory +●○ 1 of 2/);

    await terminal.type('q');
    const last = await terminal.shows(/Step 2: ●○ 1 of 2\. Go on with npm run step:2/);
    assert.doesNotMatch(last, /h hint/, 'the terminal is as it was');
    await nothingRuns(workshop.folder);
    assert.notEqual(pid, undefined);
    const left = await readdir(join(workshop.folder, '.workshop'));
    assert.deepEqual(left.filter((name) => name.startsWith('cockpit')), []);
  });

  test('a terminal that is closed takes everything with it', needsTerminal, async (t) => {
    const { workshop, PORT } = await begin(t);
    const env = { ...workshop.env, PATH: process.env['PATH'], PORT };
    const terminal = await Terminal.open(t, workshop.folder, env);
    await terminal.type(`'${process.execPath}' shared/commands/run.js step 1`, 'Enter');
    await terminal.shows(/0 of 2/);
    assert.notDeepEqual(await processesOf(workshop.folder), []);
    await terminal.close();
    await nothingRuns(workshop.folder);
  });

  test('without a terminal: lines, one verdict for many saves, and no second one', async (t) => {
    const { workshop, PORT } = await begin(t);
    const run = workshop.run(['step', '1'], { PORT });
    await run.printed(/Step 1 {2}○○ 0 of 2/);
    assert.match(run.output, /GET \/one answered with status 404/);
    assert.match(run.output, /Next: save a file in steps\/01-hello-express\/, or npm run hint 1/);
    assert.doesNotMatch(run.output, /\x1b/);

    const mark = run.output.length;
    workshop.save(1, app('/one', '/two'), 'app.ts');
    for (const name of ['a', 'b', 'c']) workshop.save(1, 'export {};', `${name}.ts`);
    await run.printed(/●● 2 of 2\n\n✔ All 2 tests pass\. Step 1 is done\./, mark);
    await run.printed(/Next: npm run step:2/, mark);
    assert.equal(run.output.slice(mark).match(/Step 1 {2}/g)?.length, 1);

    // By rename, as some editors save.
    const again = run.output.length;
    const folder = join(workshop.folder, 'steps', '01-hello-express');
    workshop.save(1, app('/one'), 'app.ts.tmp');
    await rename(join(folder, 'app.ts.tmp'), join(folder, 'app.ts'));
    await run.printed(/●○ 1 of 2/, again);
    assert.doesNotMatch(run.output.slice(again), /is done/);

    const second = workshop.run(['step', '2'], { PORT });
    assert.equal(await second.ended, 1);
    assert.match(second.output, new RegExp(
      `Port ${PORT} is in use.*(step 1|01-hello-express).*\\nNext: .*PORT=\\d+ npm run step:2`,
    ));
    run.child.kill('SIGINT');
    if (!windows) assert.equal(await run.ended, 0);
  });

  test('a save during a run begins anew: never two runs, never an old verdict', async (t) => {
    const { workshop, PORT } = await begin(t);
    const log = join(workshop.folder, 'log');
    // Tests that tell when they begin and end, and take their time in between.
    const slow = (milliseconds: number, ok: boolean) => `
      import { appendFileSync } from 'node:fs';
      import express from 'express';
      export const createApp = () => express();
      if (process.env['NODE_ENV'] === 'test') {
        appendFileSync(${JSON.stringify(log)}, 'begin ' + process.pid + '\\n');
        await new Promise((resolve) => setTimeout(resolve, ${milliseconds}));
        if (!${ok}) throw new Error('verdict of ${milliseconds}');
        throw new Error('the newest verdict');
      }`;
    const begun = async () => (await readFile(log, 'utf8').catch(() => '')).split('\n').length - 1;
    const run = workshop.run(['step', '1'], { PORT });
    await run.printed(/Step 1 {2}○○ 0 of 2/);
    const mark = run.output.length;
    for (let count = 0; count < 3; count++) {
      workshop.save(1, slow(60_000 + count, false), 'app.ts');
      await eventually('the tests have begun', async () => await begun() === count + 1);
    }
    const pids = (await readFile(log, 'utf8')).match(/\d+/g) ?? [];
    const alive = pids.map(Number).filter((pid) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    });
    assert.deepEqual(alive, [Number(pids.at(-1))], 'only the newest run is there');
    workshop.save(1, slow(1, true), 'app.ts');
    await run.printed(/the newest verdict/, mark);
    assert.doesNotMatch(run.output.slice(mark), /verdict of/);
    assert.equal(run.output.slice(mark).match(/Step 1 {2}/g)?.length, 1, run.output.slice(mark));
  });

  test('a port has one cockpit, even while the app does not listen', async (t) => {
    const { workshop, PORT } = await begin(t);
    workshop.save(1, 'export {};');
    const first = workshop.run(['step', '1'], { PORT });
    await first.printed(/ended by itself/);
    const second = workshop.run(['step', '1'], { PORT });
    assert.equal(await second.ended, 1);
    assert.match(second.output, /in use: by step 1, which runs in another terminal.*\nNext: .*PORT=/);
    // What a killed one has left does not count.
    first.child.kill('SIGKILL');
    await first.ended;
    const third = workshop.run(['step', '1'], { PORT });
    await third.printed(/ended by itself/);
  });

  test('leaves nothing when it is killed, running tests included', { skip: windows }, async (t) => {
    const { workshop, PORT } = await begin(t);
    const run = workshop.run(['step', '1'], { PORT });
    await run.printed(/Step 1 {2}○○ 0 of 2/);
    workshop.save(1, 'await new Promise((go) => setTimeout(go, 60_000));', 'app.ts');
    await run.printed(/Saved/);
    run.child.kill('SIGKILL');
    await run.ended;
    if (process.platform !== 'linux') return;
    await nothingRuns(workshop.folder);
  });
});
