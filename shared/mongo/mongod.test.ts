import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { root } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';
import { cleanEnv, eventually, isAlive, listen, onEnd, temporaryFolder, Workshop }
  from '../testing/workshop.ts';
import { openDatabase, type DatabaseOptions } from './database.ts';

/**
 * A shell script that mimics mongod as far as these tests need, and records how it was called.
 * It's long because mongodb-memory-server rejects a mongod that is too short.
 */
const fakeMongod = (version: string, start = "echo 'Waiting for connections'; exec sleep 600") => `\
#!/bin/sh
if [ "$1" = --version ]; then echo "db version v${version}"; exit; fi
echo "$$ $*" > "$0.call"
${start}
exit
${'#'.repeat(1024 * 1024)}
`;

async function place(folder: string, script: string, name = 'mongod'): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), script, { mode: 0o755 });
  return join(folder, name);
}

interface Call {
  pid: number;
  args: string;
}

/** Reads the process id and arguments of the fake. */
async function callOf(path: string): Promise<Call> {
  const text = await eventually('mongod was started', () =>
    readFile(`${path}.call`, 'utf8').catch(() => undefined));
  const [pid = '', ...args] = text.trim().split(' ');
  return { pid: Number(pid), args: args.join(' ') };
}

/** Waits until a mongod and its data are gone. */
async function hasEnded({ pid, args }: Call): Promise<void> {
  await eventually('mongod has ended', () => !isAlive(pid));
  const [, data = ''] = /--dbpath (.*?) --/.exec(args) ?? [];
  await eventually('its data is gone', () => stat(data).then(() => false, () => true));
}

/** A home without a mongod; records what was said. */
async function home(t: TestContext) {
  const folder = await temporaryFolder(t);
  const env: NodeJS.ProcessEnv = { ...cleanEnv(folder), PATH: '/usr/bin:/bin' };
  const said: string[] = [];
  const stateFolder = join(folder, '.workshop');
  const open = (settings: NodeJS.ProcessEnv = {}, options: Partial<DatabaseOptions> = {}) =>
    openDatabase({
      inProcess: true, mayDownload: false, stateFolder, env: { ...env, ...settings },
      say: (line) => said.push(line),
      ...options,
    });
  return { folder, env, said, stateFolder, open };
}

test('without a mongod the stand-in runs and says why; no other module loads', async (t) => {
  const { open } = await home(t);
  const database = await open({ PATH: '' });
  await database.close();
  assert.equal(database.engine, 'stand-in');
  assert.match(database.line, /^MongoDB: stand-in \S+ in memory \(no mongod on this machine; .+\)$/);
  assert.match(database.line, /npm run mongod/);
  // Every run of a step's tests would wait for it to load.
  const { cache } = createRequire(import.meta.url);
  const loaded = Object.keys(cache).filter((path) => /node_modules.mongodb(-|.lib)/.test(path));
  assert.deepEqual(loaded, []);
});

test('WORKSHOP_MONGO forces a server, and is a problem if it is not available', async (t) => {
  const { open } = await home(t);
  const MONGO_URL = 'mongodb://user:secret@no-such-machine.invalid';
  const database = await open({ WORKSHOP_MONGO: 'stand-in', MONGO_URL });
  await database.close();
  assert.equal(database.engine, 'stand-in');
  assert.match(database.line, /\(WORKSHOP_MONGO=stand-in; MONGO_URL is not used\)$/);
  await assert.rejects(open({ WORKSHOP_MONGO: 'mongod', PATH: '' }), (error) =>
    error instanceof Problem && /no mongod/.test(error.message) && /mongod/.test(error.next));
  await assert.rejects(open({ WORKSHOP_MONGO: 'mysql' }), (error) =>
    error instanceof Problem && /mysql/.test(error.message));
});

test('npm install does not download a mongod', async (t) => {
  const at = await mirror(t, (_, response) => response.writeHead(403).end());
  const cwd = join(root, 'node_modules', 'mongodb-memory-server');
  const { scripts } = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8')) as {
    scripts: { postinstall: string };
  };
  const [, script = ''] = scripts.postinstall.split(' ');
  const { stdout } = await promisify(execFile)(process.execPath, [script], {
    cwd, env: { ...at.env, INIT_CWD: root },
  });
  assert.match(stdout, /postinstall skipped because "DISABLE_POSTINSTALL"/);
  assert.deepEqual(at.requests, []);
});

// The fake mongod is a shell script.
describe('a mongod', { concurrency: 2, skip: process.platform === 'win32' }, () => {
  test('on PATH is found, starts with a fast TTL monitor, and is missed if it dies', async (t) => {
    const { folder, env, said, open } = await home(t);
    await place(join(folder, 'old'), fakeMongod('3.6.23'));
    const path = await place(join(folder, 'bin'), fakeMongod('7.0.14'));
    const PATH = [join(folder, 'old'), join(folder, 'bin'), env['PATH']].join(delimiter);
    const database = await open({ PATH });
    onEnd(t, () => database.close());
    assert.equal(database.engine, 'mongod');
    assert.equal(database.version, '7.0.14');
    assert.equal(database.line, `MongoDB: mongod 7.0.14 at ${path}`);
    const { pid, args } = await callOf(path);
    assert.match(args, /--setParameter ttlMonitorSleepSecs=1/);
    const [, port = ''] = /--port (\d+)/.exec(args) ?? [];
    assert.equal(new URL(database.url).port, port);
    assert.doesNotMatch(said.join('\n'), /ended/);
    process.kill(pid, 'SIGKILL');
    await eventually('a line', () => /has ended unexpectedly/.test(said.join('\n')));
  });

  test('on Windows is called mongod.exe, on a Path spelled in its way', async (t) => {
    const { folder, env, open } = await home(t);
    const path = await place(join(folder, 'bin'), fakeMongod('7.0.14'), 'mongod.exe');
    const { PATH = '', ...rest } = env;
    const database = await open({}, {
      env: { ...rest, Path: join(folder, 'bin') + delimiter + PATH }, platform: 'win32',
    });
    onEnd(t, () => database.close());
    assert.equal(database.line, `MongoDB: mongod 7.0.14 at ${path}`);
  });

  test('ends with the process that started it, even when that is killed', async (t) => {
    const { folder, env } = await home(t);
    const path = await place(folder, fakeMongod('7.0.14'));
    const parent = startParent(path, env);
    const call = await callOf(path);
    parent.kill('SIGKILL');
    await hasEnded(call);
  });

  test('that was named and does not start is a problem', async (t) => {
    const { folder, open } = await home(t);
    const MONGOMS_SYSTEM_BINARY = await place(folder, fakeMongod('7.0.14', 'exit 14'));
    await assert.rejects(open({ MONGOMS_SYSTEM_BINARY }), (error) =>
      error instanceof Problem && /^MONGOMS_SYSTEM_BINARY .*not start.*14/.test(error.message));
  });
});

// On Windows nothing is downloaded unasked, and the archive format differs.
describe('a download', { concurrency: 2, skip: process.platform === 'win32' }, () => {
  test('by npm run mongod brings one that is used from then on', async (t) => {
    const content = await archive(t);
    const at = await mirror(t, serve(content));
    const workshop = await Workshop.create(t);
    const run = workshop.run(['mongod'], at.env);
    assert.equal(await run.ended, 0, run.output);
    assert.match(run.output, /Downloading|unpacking/);
    const [, path = ''] = /mongod 8\.2\.6 is ready: (.*)\nNext: npm run step:3/.exec(run.output) ?? [];
    assert.deepEqual((await readdir(at.cache)).filter((name) => name.startsWith('workshop')), []);

    const asked = at.requests.length;
    const database = await at.open({ mayDownload: false });
    await database.close();
    await hasEnded(await callOf(path));
    assert.equal(database.line, `MongoDB: mongod 8.2.6 at ${path}`);
    assert.equal(at.requests.length, asked);
  });

  test('is not started unasked on Windows', async (t) => {
    const at = await mirror(t, (_, response) => response.writeHead(403).end());
    const database = await at.open({ mayDownload: true, platform: 'win32' });
    await database.close();
    assert.match(database.line, /stand-in .* \(no mongod on this machine; npm run mongod fetches one/);
    assert.deepEqual(at.requests, []);
  });

  test('is given up after 3 s of silence, and says that we are waiting', async (t) => {
    const at = await mirror(t, () => undefined);
    await assertFailsOnce(at, /the server was silent for 3 s/);
    assert.match(at.said.join('\n'), /trying to download one.*\n.*trying to download one.*\([23] s\)/);
  });

  test('is given up when it stalls midway', async (t) => {
    const at = await mirror(t, (_, response) => {
      response.writeHead(200, { 'content-length': 5_000_000 }).write(Buffer.alloc(50_000));
    });
    const limits = { asking: 10_000, downloading: 300 };
    await assertFailsOnce(at, /the server was silent for 0\.3 s/, limits);
    assert.match(at.said.join('\n'), /Downloading a mongod: \d+ % of 4\.8 MB/);
  });

  test('of a damaged archive fails and leaves nothing, once a day', async (t) => {
    const content = Buffer.alloc(50_000, 'x');
    const at = await mirror(t, serve(content, Buffer.from('another')));
    const note = join(at.stateFolder, 'mongod-download.txt');
    await mkdir(at.stateFolder);
    await writeFile(note, 'long ago');
    const yesterday = Date.now() / 1000 - 24 * 3600;
    await utimes(note, yesterday, yesterday);
    await assertFailsOnce(at, /what arrived is damaged/, { asking: 10_000 });
  });

  test('leaves nothing when its parent is killed', async (t) => {
    const at = await mirror(t, (_, response) => {
      response.writeHead(200, { 'content-length': 5_000_000 }).write(Buffer.alloc(50_000));
    });
    const parent = startParent('', at.env);
    const files = () => readdir(at.cache, { recursive: true }).catch((): string[] => []);
    await eventually('it arrives', async () => (await files()).some((name) => /tgz/.test(name)));
    parent.kill('SIGKILL');
    await eventually('the cache is empty', async () => (await files()).length === 0);
  });
});

/** Starts a process that only keeps a mongod running. */
function startParent(path: string, env: NodeJS.ProcessEnv) {
  const main = fileURLToPath(new URL('mongod-main.js', import.meta.url));
  return spawn(process.execPath, ['--eval', `
    const args = ${JSON.stringify([main, ...path ? [path] : []])};
    const stdio = ['ignore', 'ignore', 'ignore', 'ipc'];
    require('node:child_process').spawn(process.execPath, args, { stdio, detached: true });
  `], { cwd: root, env, stdio: 'ignore' });
}

const archiveName = 'mongodb-linux-x86_64-debian12-8.2.6.tgz';

/** A local download server that answers as the test wants, and a home without a mongod. */
async function mirror(t: TestContext, answer: RequestListener) {
  const { folder, stateFolder, said, ...at } = await home(t);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  const port = await listen(server, '127.0.0.1');
  onEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const env = {
    ...at.env,
    MONGOMS_USE_HTTP: 'true',
    MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}`,
    // Use the same name on every system.
    MONGOMS_ARCHIVE_NAME: archiveName,
  };
  const cache = join(folder, '.cache', 'mongodb-binaries');
  const open = (options: Partial<DatabaseOptions>) => at.open(env, options);
  return { cache, stateFolder, said, requests, env, open };
}

/** Serves an archive and its checksum. */
const serve = (content: Buffer, checksumOf = content): RequestListener => (request, response) => {
  const md5 = createHash('md5').update(checksumOf).digest('hex');
  const body = request.url?.endsWith('.md5') ? Buffer.from(`${md5}  ${archiveName}\n`) : content;
  response.writeHead(200, { 'content-length': body.length }).end(body);
};

/** An archive like MongoDB's own, with the fake in place of mongod. */
async function archive(t: TestContext): Promise<Buffer> {
  const folder = await temporaryFolder(t);
  const name = archiveName.replace('.tgz', '');
  await place(join(folder, name, 'bin'), fakeMongod('8.2.6'));
  await promisify(execFile)('tar', ['-czf', 'archive.tgz', name], { cwd: folder });
  return readFile(join(folder, 'archive.tgz'));
}

/** Asserts that a failure prints one sentence, leaves no file, and isn't retried the same day. */
async function assertFailsOnce(
  { open, cache, requests }: Awaited<ReturnType<typeof mirror>>,
  reason: RegExp,
  limits?: DatabaseOptions['limits'],
) {
  const first = await open({ mayDownload: true, limits });
  await first.close();
  assert.equal(first.engine, 'stand-in');
  assert.match(first.line, /the download failed: .*; npm run mongod tries again/);
  assert.match(first.line, reason);
  assert.deepEqual(await readdir(cache), [], 'nothing is left in the cache');
  const asked = requests.length;
  const second = await open({ mayDownload: true });
  await second.close();
  assert.match(second.line, /the download failed today: /);
  assert.match(second.line, reason);
  assert.equal(requests.length, asked, 'nobody asks the server again');
}
