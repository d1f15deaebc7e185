import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { freePort } from './port.ts';
import { eventually, isAlive, onEnd, replacePrograms, temporaryFolder }
  from '../testing/workshop.ts';
import { App, type AppOptions } from './app.ts';

const windows = process.platform === 'win32';

/** Creates an app with this code, and collects what it prints. */
async function appWith(
  t: TestContext, code: string, { env, ...options }: Omit<Partial<AppOptions>, 'entry'> = {},
) {
  const folder = await temporaryFolder(t);
  const entry = join(folder, 'index.ts');
  await writeFile(entry, code);
  const app = new App({ entry, env: { ...process.env, ...env }, ...options });
  onEnd(t, async () => {
    app.kill();
    await app.stop();
  });
  const lines: string[] = [];
  app.on('output', (line) => lines.push(line));
  /** Waits for a line with this prefix and returns the rest of it. */
  const printed = (start: string) => eventually(`${start} is printed`, () =>
    lines.find((line) => line.startsWith(start))?.slice(start.length));
  return { app, lines, printed, save: (text: string) => writeFile(entry, text) };
}

const stays = 'setInterval(() => undefined, 1000);';

describe('an app', { concurrency: 2 }, () => {
  test('stops on request, starts again, and is killed if it does not end', async (t) => {
    const { app, lines, printed, save } = await appWith(t, `
      const timer = ${stays}
      process.once('SIGTERM', () => { clearInterval(timer); console.log('goodbye'); });
      console.log('first', process.pid);`);
    await app.start();
    const first = Number(await printed('first'));
    await save(`process.on('SIGTERM', () => undefined); ${stays}
      console.log('second', process.pid);`);
    await app.restart();
    const second = Number(await printed('second'));
    assert.ok(lines.includes('goodbye'), "the app's own handler runs");
    assert.deepEqual([isAlive(first), isAlive(second)], [false, true]);
    const stopped = once(app, 'stopped');
    await app.stop();
    await stopped;
    assert.equal(isAlive(second), false);
  });

  test('reports how it crashed, and breaks long lines into parts', async (t) => {
    const { app, lines } = await appWith(t, `
      process.stdout.write('x'.repeat(25_000));
      process.stdout.write('y\\r\\nlast');
      process.exitCode = 3;`);
    const crashed = once(app, 'crashed');
    await app.start();
    assert.deepEqual(await crashed, [3, null]);
    assert.deepEqual(lines.map((line) => line.length), [10_000, 10_000, 5001, 4]);
    assert.deepEqual(lines.slice(2).map((line) => line.at(-1)), ['y', 't']);
  });

  test('takes its child processes with it, even when it ends by itself', { skip: windows },
    async (t) => {
      const { app, printed } = await appWith(t, `
        import { spawn } from 'node:child_process';
        const child = spawn(process.execPath, ['--eval', '${stays}'], { stdio: 'inherit' });
        console.log('child', child.pid);
        process.exit();`);
      const crashed = once(app, 'crashed');
      await app.start();
      const child = Number(await printed('child'));
      await crashed;
      await eventually('the child has ended', () => !isAlive(child));
    });

  test('on Windows, a message asks it to stop, and taskkill kills it', { skip: windows },
    async (t) => {
      const called = join(await temporaryFolder(t), 'called');
      await replacePrograms(t, { taskkill: `echo "$@" > '${called}'; kill -9 "$2"` });
      const { app, lines, printed, save } = await appWith(t, `
        process.once('SIGTERM', () => { console.log('goodbye'); process.exit(); });
        ${stays}
        console.log('first');`, { platform: 'win32' });
      await app.start();
      await printed('first');
      await save(`process.on('SIGTERM', () => undefined); ${stays}
        console.log('second', process.pid);`);
      await app.restart();
      assert.ok(lines.includes('goodbye'), "the app's own handler runs");
      const pid = await printed('second ');
      await app.stop('SIGTERM', 100);
      assert.equal(await readFile(called, 'utf8'), `/pid ${pid} /t /f\n`);
      assert.equal(isAlive(Number(pid)), false);
    });

  test('listens only on this machine, unless it names a host', async (t) => {
    const { app, printed } = await appWith(t, `
      import { createServer } from 'node:http';
      const port = Number(process.env.PORT);
      const listens = (name, ...args) => {
        const server = createServer();
        server.listen(...args, () => console.log(name, server.address().address));
      };
      listens('number', port);
      listens('options', { port: port + 1 });
      listens('unset', { port: port + 3, host: process.env.HOST });
      listens('named', port + 2, '0.0.0.0');`, { env: { PORT: String(await freePort()) } });
    await app.start();
    assert.equal(await printed('number '), '127.0.0.1');
    assert.equal(await printed('options '), '127.0.0.1');
    assert.equal(await printed('unset '), '127.0.0.1');
    assert.equal(await printed('named '), '0.0.0.0');
  });
});
