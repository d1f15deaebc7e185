import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Problem } from '../terminal/problem.ts';
import { cleanEnv, eventually, isAlive, onEnd, temporaryFolder } from '../testing/workshop.ts';
import { root } from '../lesson/steps.ts';
import { openDatabase, type Database } from './database.ts';
import { findMongod } from './mongod.ts';

/** A shell script that behaves like mongod as far as anybody asks here, and notes its call. */
const fakeMongod = (version: string) => `#!/bin/sh
if [ "$1" = --version ]; then echo "db version v${version}"; exit; fi
echo "$$ $*" > "$0.call"
echo 'Waiting for connections'
exec /bin/sleep 600
`;

async function place(folder: string, version: string, name = 'mongod'): Promise<string> {
  const path = join(folder, name);
  await mkdir(folder, { recursive: true });
  await writeFile(path, fakeMongod(version), { mode: 0o755 });
  return path;
}

/** Reads with which id and arguments the fake was started. */
async function callOf(path: string): Promise<{ pid: number; args: string }> {
  const text = await eventually('mongod was started', () =>
    readFile(`${path}.call`, 'utf8').catch(() => undefined));
  const [pid = '', ...args] = text.trim().split(' ');
  return { pid: Number(pid), args: args.join(' ') };
}

function open(env: NodeJS.ProcessEnv): Promise<Database> {
  return openDatabase({ inProcess: true, mayDownload: false, say: () => undefined, env });
}

async function home(t: TestContext) {
  const folder = await temporaryFolder(t);
  return { folder, env: cleanEnv(folder) };
}

describe('without MONGO_URL', { concurrency: 2 }, () => {
  test('the stand-in runs where there is no mongod, and the line says why', async (t) => {
    const { env } = await home(t);
    const database = await open(env);
    onEnd(t, () => database.close());
    assert.equal(database.engine, 'stand-in');
    assert.match(database.line, /^MongoDB: stand-in \S+ in memory \(no mongod on this machine; /);
    assert.match(database.line, /npm run mongod/);
  });

  test('the choice imports neither the driver nor mongodb-memory-server', async (t) => {
    const { env } = await home(t);
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import', 'tsx', '--input-type=module', '--eval', `
        import { openDatabase } from './shared/mongo/database.ts';
        import { createRequire } from 'node:module';
        const options = { inProcess: true, mayDownload: false, say: console.log };
        const database = await openDatabase(options);
        await database.close();
        const loaded = Object.keys(createRequire(${JSON.stringify(import.meta.url)}).cache);
        console.log(loaded.filter((path) => /node_modules.mongodb(-|.lib)/.test(path)).length);
      `,
    ], { cwd: root, env });
    assert.equal(stdout.trim(), '0');
    assert(createRequire(import.meta.url).resolve('mongodb').match(/node_modules.mongodb.lib/));
  });

  test('WORKSHOP_MONGO forces, and is a problem where that cannot be had', async (t) => {
    const { env } = await home(t);
    const MONGO_URL = 'mongodb://user:secret@no-such-machine.invalid';
    const database = await open({ ...env, WORKSHOP_MONGO: 'stand-in', MONGO_URL });
    assert.equal(database.engine, 'stand-in');
    assert.match(database.line, /\(WORKSHOP_MONGO=stand-in; MONGO_URL is not used\)$/);
    await database.close();
    await assert.rejects(open({ ...env, WORKSHOP_MONGO: 'mongod' }), (error) =>
      error instanceof Problem && /no mongod/.test(error.message) && /mongod/.test(error.next));
    await assert.rejects(open({ ...env, WORKSHOP_MONGO: 'mysql' }), (error) =>
      error instanceof Problem && /mysql/.test(error.message));
  });

  test('the stand-in as a process of its own ends on request', async (t) => {
    const { env } = await home(t);
    const say = () => {
      assert.fail('nobody has to be told of an end on request');
    };
    const database = await openDatabase({ inProcess: false, mayDownload: false, say, env });
    assert.equal(database.engine, 'stand-in');
    assert.match(database.url, /^mongodb:\/\/127\.0\.0\.1:\d+/);
    assert.match(database.version, /^\d/);
    await database.close();
    await database.close();
  });
});

// The fake is a shell script.
describe('a mongod', { concurrency: 3, skip: process.platform === 'win32' }, () => {
  test('on PATH is found, started with a quick TTL monitor, and ended', async (t) => {
    const { folder, env } = await home(t);
    await place(join(folder, 'old'), '3.6.23');
    const path = await place(join(folder, 'bin'), '7.0.14');
    const PATH = [join(folder, 'old'), join(folder, 'bin'), env['PATH']].join(delimiter);
    const database = await open({ ...env, PATH });
    assert.equal(database.engine, 'mongod');
    assert.equal(database.version, '7.0.14');
    assert.equal(database.line, `MongoDB: mongod 7.0.14 at ${path}`);
    const { pid, args } = await callOf(path);
    assert.match(args, /--setParameter ttlMonitorSleepSecs=1/);
    const [, port = ''] = /--port (\d+)/.exec(args) ?? [];
    assert.equal(new URL(database.url).port, port);
    const [, dataFolder = ''] = /--dbpath (.*?) --/.exec(args) ?? [];

    await database.close();
    await eventually('it has ended', () => !isAlive(pid));
    await assert.rejects(readFile(dataFolder), { code: 'ENOENT' });
  });

  test('in the cache is found, the newest first, if it was unpacked to the end', async (t) => {
    const { folder, env } = await home(t);
    const cache = join(folder, '.cache', 'mongodb-binaries');
    await place(cache, '9.0.0', 'mongod-x64-debian-9.0.0');
    for (const version of ['8.2.6', '8.10.1', '7.0.0']) {
      const path = await place(cache, version, `mongod-x64-debian-${version}`);
      await writeFile(`${path}.md5`, '');
    }
    const found = await findMongod(env);
    assert(found instanceof Object && found.version === '8.10.1');
  });

  test('named by MONGOMS_SYSTEM_BINARY goes first, and has to be one', async (t) => {
    const { folder, env } = await home(t);
    await place(join(folder, 'bin'), '7.0.14');
    const PATH = [join(folder, 'bin'), env['PATH']].join(delimiter);
    const named = await place(folder, '8.0.4', 'my mongod');
    const found = await findMongod({ ...env, PATH, MONGOMS_SYSTEM_BINARY: named });
    assert.deepEqual(found, { path: named, version: '8.0.4' });
    const missing = { ...env, PATH, MONGOMS_SYSTEM_BINARY: join(folder, 'none') };
    await assert.rejects(open(missing), (error) =>
      error instanceof Problem && /none does not run/.test(error.message));
  });

  test('that does not start gives way to the stand-in, unless it is forced', async (t) => {
    const { folder, env } = await home(t);
    const path = join(folder, 'mongod');
    const script = fakeMongod('7.0.14').replace(/echo 'Waiting[^]*/, 'exit 14');
    await writeFile(path, script, { mode: 0o755 });
    const broken = { ...env, PATH: [folder, env['PATH']].join(delimiter) };
    const database = await open(broken);
    await database.close();
    assert.equal(database.engine, 'stand-in');
    assert.match(database.line, /mongod does not start/);
    await assert.rejects(open({ ...broken, WORKSHOP_MONGO: 'mongod' }), Problem);
  });

  test('that dies is told of', async (t) => {
    const { folder, env } = await home(t);
    const path = await place(folder, '7.0.14');
    const said: string[] = [];
    const database = await openDatabase({
      inProcess: true,
      mayDownload: false,
      say: (line) => said.push(line),
      env: { ...env, MONGOMS_SYSTEM_BINARY: path },
    });
    const { pid } = await callOf(path);
    process.kill(pid, 'SIGKILL');
    await eventually('a line', () => said.length > 0);
    assert.match(said.join(), /has ended unexpectedly/);
    await database.close();
  });

  test('ends when the process that started it is killed', async (t) => {
    const { folder, env } = await home(t);
    const path = await place(folder, '7.0.14');
    const module = JSON.stringify(fileURLToPath(new URL('database.ts', import.meta.url)));
    const child = spawn(process.execPath, [
      '--import', 'tsx', '--input-type=module', '--eval', `
        import { openDatabase } from ${module};
        await openDatabase({ inProcess: false, mayDownload: false, say: console.log });
        console.log('open');
        setInterval(() => undefined, 1000);
      `,
    ], {
      cwd: root,
      env: { ...env, MONGOMS_SYSTEM_BINARY: path },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const { pid, args } = await callOf(path);
    assert.equal(isAlive(pid), true);
    child.kill('SIGKILL');
    await eventually('mongod has ended', () => !isAlive(pid));
    const [, dataFolder = ''] = /--dbpath (.*?) --/.exec(args) ?? [];
    await eventually('its data is gone', () =>
      readFile(dataFolder).then(() => false, (error: unknown) =>
        error instanceof Error && 'code' in error && error.code === 'ENOENT'));
    await rm(path);
  });
});
