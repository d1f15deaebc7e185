import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { Problem } from '../terminal/problem.ts';
import { eventually, freePort, isAlive, listen, onEnd, Workshop, type Run }
  from '../testing/workshop.ts';
import { findPort } from './settings.ts';

/** An app that says who it is, and closes its server when it is asked to end. */
const app = (greeting: string) => `
  import { createHash } from 'node:crypto';
  import { createServer } from 'node:http';
  const { PORT, MONGO_URL, SESSION_SECRET = '' } = process.env;
  const server = createServer((_, response) => response.end('${greeting}'));
  server.listen(Number(PORT), () => {
    const secret = createHash('sha256').update(SESSION_SECRET).digest('hex');
    console.log('${greeting}: pid', process.pid, 'port', PORT, 'mongo', MONGO_URL, 'key', secret);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => server.close(() => console.log('goodbye')));
  }
`;

/** Waits until the app has greeted, and reads what it knows. */
async function greeted(run: Run, greeting: string, from = 0) {
  const line = new RegExp(`${greeting}: pid (\\d+) port (\\d+) mongo (\\S+) key (\\S+)`);
  const [, pid, port, mongo = '', key = ''] = await run.printed(line, from);
  return { pid: Number(pid), port: Number(port), mongo, key };
}

/** Whether something listens on 127.0.0.1. */
async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function workshopWith(t: TestContext, number: number, code = app('hello')) {
  const workshop = await Workshop.create(t);
  workshop.save(number, code);
  return { workshop, PORT: String(await freePort()) };
}

const windows = process.platform === 'win32';

test('a port is a number from 1 to 65535, and free on every address', async (t) => {
  for (const PORT of ['0', '65536', '-1', '4e3', ' ', '4000x', '999999']) {
    await assert.rejects(findPort({ PORT }, 'step:1'), Problem, PORT);
  }
  const free = await freePort();
  assert.equal(await findPort({ PORT: String(free) }, 'step:1'), free);
  for (const host of ['127.0.0.1', undefined]) {
    const server = createServer();
    onEnd(t, () => server.close());
    const PORT = String(await listen(server, host));
    await assert.rejects(findPort({ PORT }, 'step:1'), Problem, host);
  }
});

describe('npm run step:N', { concurrency: 3 }, () => {
  test('starts the app, says where it is and what to do next, and ends by Ctrl-C', async (t) => {
    const { workshop, PORT } = await workshopWith(t, 1);
    const run = workshop.run(['step', '1'], { PORT });
    const { pid, mongo } = await greeted(run, 'hello');
    const page = await fetch(`http://localhost:${PORT}`);
    assert.equal(await page.text(), 'hello');
    assert.match(run.output, new RegExp(`http://localhost:${PORT}`));
    assert.match(run.output, /npm run test:1/);
    assert.match(run.output, /WORKSHOP\.md › Step 1/);
    assert.equal(mongo, 'undefined', 'step 1 has no database');
    assert.doesNotMatch(run.output, /MongoDB|SESSION_SECRET/);

    run.child.kill('SIGINT');
    const code = await run.ended;
    if (windows) return;
    assert.equal(code, 0);
    assert.match(run.output, /goodbye/, "the app's own handler runs");
    assert.equal(isAlive(pid), false);
  });

  test('reloads on save: once for many files, also for one that is renamed', async (t) => {
    const { workshop, PORT } = await workshopWith(t, 1);
    const run = workshop.run(['step', '1'], { PORT });
    const before = await greeted(run, 'hello');
    workshop.save(1, app('second'));
    for (const name of ['a', 'b', 'c']) workshop.save(1, 'export {};', `${name}.ts`);
    const after = await greeted(run, 'second');
    assert.notEqual(after.pid, before.pid);
    assert.equal(isAlive(before.pid), false);

    const mark = run.output.length;
    workshop.save(1, app('third'), 'index.ts.tmp');
    const folder = join(workshop.folder, 'steps', '01-hello-express');
    await rename(join(folder, 'index.ts.tmp'), join(folder, 'index.ts'));
    await greeted(run, 'third', mark);
    assert.equal(run.output.match(/Saved /g)?.length, 2, run.output);
  });

  test('outlives an app that crashes, at the start or later', async (t) => {
    const { workshop, PORT } = await workshopWith(t, 1, 'const = 1;');
    const run = workshop.run(['step', '1'], { PORT });
    await run.printed(/crashed \(exit code 1\)\. Waiting for the next save in steps\/01-hello/);
    assert.match(run.output, /index\.ts:1/, 'the place of the mistake is shown');

    const mark = run.output.length;
    workshop.save(1, `${app('well')}
      setTimeout(() => { throw new Error('too late'); }, 300);`);
    await greeted(run, 'well', mark);
    await run.printed(/too late[^]*Waiting for the next save/, mark);
    workshop.save(1, 'export {};');
    await run.printed(/ended by itself[^]*Waiting for the next save/, mark);
    workshop.save(1, app('better'));
    await greeted(run, 'better', mark);
    assert.equal(run.child.exitCode, null);
  });

  test('kills an app that does not want to end', { skip: windows }, async (t) => {
    const { workshop, PORT } = await workshopWith(t, 1, `
      process.on('SIGINT', () => undefined);
      setInterval(() => undefined, 1000);
      console.log('stubborn', process.pid);`);
    const run = workshop.run(['step', '1'], { PORT });
    const [, pid] = await run.printed(/stubborn (\d+)/);
    run.child.kill('SIGINT');
    assert.equal(await run.ended, 0);
    assert.equal(isAlive(Number(pid)), false);
  });

  test('keeps database and secret over reloads; SIGTERM ends both', async (t) => {
    const { workshop, PORT } = await workshopWith(t, 3);
    const run = workshop.run(['step', '3'], { PORT });
    const before = await greeted(run, 'hello');
    assert.match(run.output, /MongoDB: stand-in .* \(WORKSHOP_MONGO=stand-in\)/);
    assert.match(run.output, /SESSION_SECRET is not set/);
    assert.match(before.mongo, /^mongodb:\/\/127\.0\.0\.1:\d+\/workshop$/);
    const mongoPort = Number(new URL(before.mongo).port);
    assert.equal(await listens(mongoPort), true);

    workshop.save(3, app('again'));
    const after = await greeted(run, 'again');
    assert.deepEqual([after.mongo, after.key], [before.mongo, before.key]);
    run.child.kill('SIGTERM');
    const code = await run.ended;
    assert.equal(code, windows ? 'SIGTERM' : 143);
    await eventually('everything has ended', async () =>
      !isAlive(after.pid) && !await listens(mongoPort));
  });

  test('leaves nothing behind when it is killed itself', async (t) => {
    const { workshop, PORT } = await workshopWith(t, 3);
    const run = workshop.run(['step', '3'], { PORT });
    const { pid, mongo } = await greeted(run, 'hello');
    run.child.kill('SIGKILL');
    await run.ended;
    await eventually('app and database have ended', async () =>
      !isAlive(pid) && !await listens(Number(new URL(mongo).port)));
  });

  test('leaves nothing behind when npm is killed', async (t) => {
    const { workshop, PORT } = await workshopWith(t, 1);
    workshop.save(1, `${app('hello')}
      console.log('runner', process.ppid);`);
    // Stands in for npm: starts the command through a shell that stays between them, and passes
    // nothing on when it is killed.
    const npm = spawn(process.execPath, ['--eval', `
      const { spawn } = require('node:child_process');
      const step = [process.execPath, 'shared/commands/run.js', 'step', '1'];
      const shell = process.platform === 'win32' ? [] : ['/bin/sh', '-c', '"$@"; exit $?', 'sh'];
      const [command, ...args] = [...shell, ...step];
      spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    `], {
      cwd: workshop.folder,
      env: { ...workshop.env, PORT, npm_lifecycle_event: 'step:1' },
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
    const { workshop, PORT } = await workshopWith(t, 2);
    workshop.save(2, app('solved'), 'index.ts', 'solutions');
    await writeFile(join(workshop.folder, '.env'), `PORT=${PORT}\nSESSION_SECRET=from-the-file\n`);
    const run = workshop.run(['step', '2', '--solution']);
    const { port } = await greeted(run, 'solved');
    assert.equal(port, Number(PORT));
    assert.doesNotMatch(run.output, /from-the-file|SESSION_SECRET/);
    assert.match(run.output, /solutions\/02-memory-sessions/);
  });

  test('says what is wrong with the step, the port or the database', async (t) => {
    const workshop = await Workshop.create(t);
    const taken = createServer();
    onEnd(t, () => taken.close());
    const PORT = String(await listen(taken, '127.0.0.1'));
    const wrong: [string[], NodeJS.ProcessEnv, RegExp][] = [
      [['9'], {}, /There is no step 9\. .*\nNext: npm run step:1/],
      [['1'], { PORT: 'four' }, /PORT is four, .* 1 to 65535\.\nNext: PORT=4000 npm run step:1/],
      [['1'], { PORT }, /in use.*\nNext: PORT=\d+ npm run step:1/],
      [['3'], { PORT: String(await freePort()), WORKSHOP_MONGO: 'mysql' }, /WORKSHOP_MONGO is/],
    ];
    await Promise.all(wrong.map(async ([args, env, expected]) => {
      const run = workshop.run(['step', ...args], env);
      assert.equal(await run.ended, 1);
      assert.match(run.output, expected);
      assert.doesNotMatch(run.output, / {4}at /, 'no stack');
    }));
  });
});
