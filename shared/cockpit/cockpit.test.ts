import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { accepts, freePort } from '../app/port.ts';
import {
  eventually, isAlive, nothingRuns, onEnd, processesOf, Workshop, type Run,
} from '../testing/workshop.ts';
import { app, index, learnersWorkshop, Terminal } from '../testing/terminal.ts';

const windows = process.platform === 'win32';

/** Without tmux these tests are skipped, except with CI=true. */
const hasTerminal = !windows && (process.env['CI'] === 'true' || await Terminal.exists());
const needsTerminal = { skip: hasTerminal ? false : 'there is no tmux' };

/** Creates a workshop in which step 1 listens but doesn't answer correctly yet. */
async function begin(t: TestContext) {
  const workshop = await learnersWorkshop(t);
  workshop.save(1, app(), 'app.ts');
  workshop.save(1, index);
  return { workshop, PORT: String(await freePort()) };
}

/** An app without tests that prints a greeting, and closes its server when asked to end. */
const greeter = (greeting: string) => `
  import { createServer } from 'node:http';
  const { PORT, MONGO_URL, SESSION_SECRET } = process.env;
  const server = createServer((_, response) => response.end('${greeting}'));
  server.listen(Number(PORT), () => {
    console.log('${greeting}: pid', process.pid, 'mongo', MONGO_URL, 'secret', SESSION_SECRET);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => server.close(() => console.log('goodbye')));
  }
`;

/** Waits for the app's greeting, and reads its settings. */
async function greeted(run: Run, greeting: string) {
  const line = new RegExp(`${greeting}: pid (\\d+) mongo (\\S+) secret (\\S+)`);
  const [, pid, mongo = '', secret = ''] = await run.printed(line);
  return { pid: Number(pid), mongo, secret };
}

describe('the cockpit', { concurrency: 2 }, () => {
  test('in a terminal, from the first red to the next step', needsTerminal, async (t) => {
    const { workshop, PORT } = await begin(t);
    workshop.save(2, app('/one'), 'app.ts');
    workshop.save(2, index);
    // Not in the workshop: xdg-open cuts a path at a space.
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
    assert.match(first, /h hint .* q quit/);
    await terminal.shows(/│ Server running, process \d+/);

    // Keys: hints, one after another; q closes them; a save shows the tests again.
    await terminal.type('h');
    await terminal.shows(/^Move 1: Answer \/one · Hint 1 of 3: a nudge\n\nHint 1 of move 1\./);
    await terminal.type('h');
    await terminal.shows(/Hint 2 of 3: a pointer/);
    await terminal.type('q');
    await terminal.shows(/GET \/one answered with status 404/);
    await terminal.type('h');
    await terminal.shows(/Hint 3 of 3: the code/);
    workshop.save(1, app('/one'), 'app.ts');
    const second = await terminal.shows(/●○ 1 of 2\n/);
    assert.match(second, /✔ pass {2}GET \/one/);
    assert.doesNotMatch(second, /Hint \d of/);
    await terminal.type('n');
    await terminal.shows(/isn't green yet \(1 of 2\)/);

    // A test run requested with a key leaves a trace.
    const [, tested = ''] = /tested (\S+)/.exec(second) ?? [];
    await terminal.shows(/App .*\(process started \d\d:\d\d:\d\d\)/);
    await terminal.type('t');
    await eventually('the time of the tests is a new one', async () =>
      /tested (\S+)/.exec(await terminal.screen())?.[1]?.localeCompare(tested) === 1);

    await terminal.type('d');
    await terminal.shows(/^Move 2 · your code \(-\) and the solution \(\+\)\n[^]*d again/);
    await terminal.type('d');
    await terminal.shows(/^Step 1 · [^]*Hello World/);
    await terminal.type('q');
    await terminal.shows(/GET \/two answered with status 404/);
    await terminal.type('o');
    await terminal.shows(/Opening http:\/\/localhost:\d+/);
    await eventually('the browser has been started', async () =>
      (await readFile(`${browser}.seen`, 'utf8').catch(() => '')).includes(`:${PORT}`));
    const [, live = ''] = /Live {2}(http:\S+)/.exec(await terminal.screen()) ?? [];
    await terminal.type('o');
    await eventually('the browser has been started again', async () =>
      (await readFile(`${browser}.seen`, 'utf8')).trim() === live);

    // In another size, everything still has its place.
    await terminal.resize(50, 14);
    const narrow = await terminal.shows(/^Step 1 .*1 of 2\n[^]*\/two answered[^]*\nh hint/);
    assert.ok(narrow.trimEnd().split('\n').length <= 14);
    await terminal.resize(80, 24);

    // Suspended, then resumed by a shell that sets the terminal to line mode, as most do.
    const [pid] = (await processesOf(workshop.folder))
      .find((line) => line.includes('run.js step'))?.split(' ') ?? [];
    process.kill(Number(pid), 'SIGSTOP');
    await terminal.type('stty sane; fg', 'C-j');
    await terminal.shows(/^Step 1 [^]*1 of 2\n/);
    await terminal.type('?');
    await terminal.shows(/^The keys/);
    await terminal.type('q');

    // The app crashes, then comes back with the next save.
    workshop.save(1, "throw new Error('boom');");
    await terminal.shows(/The app crashed \(exit code 1\): Error: boom\s+\(steps\/01-[^]*✖ fail/);
    workshop.save(1, index);
    await terminal.shows(/App +http[^]*Server running, process (?!0)/);
    workshop.save(1, app(), 'app.ts', 'solutions');
    await terminal.shows(/You saved solutions\/01-hello-express\/app\.ts, but this is step 1/);

    workshop.save(1, app('/one', '/two'), 'app.ts');
    await terminal.shows(/All 2 tests pass\. Step 1 is done\.[^]*Try it out [^]*press n\n/);
    await terminal.type('n');
    await terminal.shows(/^Step 2 · Sessions in memory .*●○ 1 of 2/);
    await terminal.type('q');
    const last = await terminal.shows(/Step 2: ●○ 1 of 2\. Go on with npm run step:2/);
    assert.doesNotMatch(last, /h hint/, 'the terminal is as it was');
    await nothingRuns(workshop.folder);
  });

  test('a closed terminal takes everything with it; a dumb one has lines', needsTerminal,
    async (t) => {
      const { workshop, PORT } = await begin(t);
      const env = { ...workshop.env, PATH: process.env['PATH'], PORT };
      const terminal = await Terminal.open(t, workshop.folder, env);
      await terminal.type(
        `TERM=dumb '${process.execPath}' shared/commands/run.js step 1`, 'Enter',
      );
      await terminal.shows(/Saving a file starts the app again\.[^]*0 of 2/);
      assert.notDeepEqual(await processesOf(workshop.folder), []);
      await terminal.close();
      await nothingRuns(workshop.folder);
    });

  test('without a terminal: lines, one verdict for many saves, one cockpit per port', async (t) => {
    const { workshop, PORT } = await begin(t);
    workshop.save(1, 'export {};');
    const run = workshop.run(['step', '1'], { PORT });
    await run.printed(/ended by itself[^]*Waiting for the next save in steps\/01-hello-express\//);
    await run.printed(/Step 1 {2}○○ 0 of 2/);
    await run.printed(/Stuck\? npm run hint 1 gives a hint\.\n/);
    assert.match(run.output, /GET \/one answered with status 404/);
    assert.match(run.output, /npm run test:1\n.*WORKSHOP\.md › Step 1\n/);
    assert.doesNotMatch(run.output, /\x1b|MongoDB|SESSION_SECRET/);

    // The first app to listen gets the port.
    workshop.save(2, greeter('second'));
    const second = workshop.run(['step', '2'], { PORT });
    await greeted(second, 'second');
    workshop.save(1, index);
    const isOurs = `Port ${PORT} is in use by the app of steps/02-memory-sessions, running in `
      + 'another terminal.*press q \\(or Ctrl-C\\) in the other terminal, then npm run step:1';
    await run.printed(new RegExp(isOurs));
    second.child.kill('SIGINT');
    await second.ended;

    const mark = run.output.length;
    workshop.save(1, index);
    workshop.save(1, app('/one', '/two'), 'app.ts');
    for (const name of ['a', 'b', 'c']) workshop.save(1, 'export {};', `${name}.ts`);
    // A busy machine may notice them in more than one go.
    await eventually('every saved file is named', () => {
      const lines = run.output.slice(mark).matchAll(/Saved (.+): starting the app/g);
      const named = new Set([...lines].flatMap(([, files = '']) => files.split(', ')));
      return ['a.ts', 'app.ts', 'b.ts', 'c.ts', 'index.ts'].every((file) => named.has(file));
    });
    await run.printed(/●● 2 of 2\n\n✔ All 2 tests pass\. Step 1 is done\./, mark);
    await run.printed(/Next: Try it out in WORKSHOP\.md, then npm run step:2/, mark);
    await run.printed(/Server running/, mark);
    assert.equal(run.output.slice(mark).match(/Step 1 {2}/g)?.length, 1);
    const third = workshop.run(['step', '2'], { PORT });
    assert.equal(await third.ended, 1);
    assert.match(third.output, new RegExp(
      `^Port ${PORT} is in use by the app of steps/01-hello-express.*\\nNext: press q .*step:2\\n$`,
    ));

    // By renaming, as some editors save.
    const again = run.output.length;
    const folder = join(workshop.folder, 'steps', '01-hello-express');
    workshop.save(1, app('/one'), 'app.ts.tmp');
    await rename(join(folder, 'app.ts.tmp'), join(folder, 'app.ts'));
    await run.printed(/●○ 1 of 2/, again);
    assert.doesNotMatch(run.output.slice(again), /is done/);
    run.child.kill('SIGINT');
    if (!windows) assert.equal(await run.ended, 0);
  });

  test('a save during a run starts over: never two runs, never an old verdict', async (t) => {
    const { workshop, PORT } = await begin(t);
    const log = join(workshop.folder, 'log');
    // Tests that report when they begin and end, and take their time in between.
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
    assert.deepEqual(
      pids.map(Number).filter(isAlive), [Number(pids.at(-1))], 'only the newest run is there',
    );
    workshop.save(1, slow(1, true), 'app.ts');
    await run.printed(/the newest verdict/, mark);
    assert.doesNotMatch(run.output.slice(mark), /verdict of/);
    assert.equal(run.output.slice(mark).match(/Step 1 {2}/g)?.length, 1, run.output.slice(mark));
  });

  test('keeps database and secret across restarts; SIGTERM ends everything', async (t) => {
    const workshop = await Workshop.create(t);
    workshop.save(3, greeter('hello'));
    const PORT = String(await freePort());
    const run = workshop.run(['step', '3'], { PORT });
    const before = await greeted(run, 'hello');
    assert.equal(await (await fetch(`http://localhost:${PORT}`)).text(), 'hello');
    assert.match(run.output, /MongoDB: stand-in .*WORKSHOP_MONGO=stand-in/);
    assert.match(run.output, /SESSION_SECRET is not set/);
    assert.match(before.mongo, /^mongodb:\/\/127\.0\.0\.1:\d+\/workshop$/);
    workshop.save(3, greeter('again'));
    const after = await greeted(run, 'again');
    assert.match(run.output, /goodbye/);
    assert.deepEqual([after.mongo, after.secret], [before.mongo, before.secret]);
    run.child.kill('SIGTERM');
    assert.equal(await run.ended, windows ? 'SIGTERM' : 143);
    await eventually('everything has ended', async () =>
      !isAlive(after.pid) && !await accepts(Number(new URL(after.mongo).port)));
  });

  test('leaves nothing when killed with an app and tests in endless loops', async (t) => {
    const { workshop, PORT } = await begin(t);
    workshop.save(3, greeter('hello'));
    const run = workshop.run(['step', '3'], { PORT });
    const { mongo } = await greeted(run, 'hello');
    const log = join(workshop.folder, 'log');
    const loop = `
      import { appendFileSync } from 'node:fs';
      appendFileSync(${JSON.stringify(log)}, process.pid + '\\n');
      for (;;);`;
    workshop.save(3, loop);
    workshop.save(3, loop, 'app.ts');
    const pids = await eventually('app and tests are in their loops', async () => {
      const all = (await readFile(log, 'utf8').catch(() => '')).match(/\d+/g) ?? [];
      return all.length >= 2 ? all.map(Number) : undefined;
    });
    run.child.kill('SIGKILL');
    await eventually('all have ended', async () =>
      !pids.some(isAlive) && !await accepts(Number(new URL(mongo).port)));
    if (process.platform === 'linux') await nothingRuns(workshop.folder);
  });

  test('leaves nothing when npm is killed', async (t) => {
    const workshop = await Workshop.create(t);
    workshop.save(1, `${greeter('hello')}
      console.log('runner', process.ppid);`);
    // Stands in for npm: starts the command through a shell that stays in between, and passes
    // nothing on when killed.
    const npm = spawn(process.execPath, ['--eval', `
      const { spawn } = require('node:child_process');
      const step = [process.execPath, 'shared/commands/run.js', 'step', '1'];
      const shell = process.platform === 'win32' ? [] : ['/bin/sh', '-c', '"$@"; exit $?', 'sh'];
      const [command, ...args] = [...shell, ...step];
      spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    `], {
      cwd: workshop.folder,
      env: { ...workshop.env, PORT: String(await freePort()), npm_lifecycle_event: 'step:1' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    npm.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    const pids = await eventually('both pids are printed', () =>
      /runner (\d+)[^]*pid (\d+)/.exec(output)?.slice(1).map(Number));
    onEnd(t, () => {
      for (const pid of pids.filter(isAlive)) process.kill(pid, 'SIGKILL');
    });
    npm.kill('SIGKILL');
    await eventually('runner and app have ended', () => !pids.some(isAlive));
  });

  test('runs the solution, with the settings of .env', async (t) => {
    const workshop = await Workshop.create(t);
    const PORT = String(await freePort());
    const hash = createHash('sha256').update('from-the-file').digest('hex');
    workshop.save(2, `
      import { createHash } from 'node:crypto';
      const { SESSION_SECRET = '', PORT } = process.env;
      console.log(createHash('sha256').update(SESSION_SECRET).digest('hex'), PORT);
    `, 'index.ts', 'solutions');
    await writeFile(join(workshop.folder, '.env'), `PORT=${PORT}\nSESSION_SECRET=from-the-file\n`);
    const run = workshop.run(['step', '2', '--solution']);
    await run.printed(new RegExp(`${hash} ${PORT}\n`));
    assert.doesNotMatch(run.output, /from-the-file|SESSION_SECRET/);
    assert.match(run.output, /solutions\/02-memory-sessions/);
  });
});
