import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { cleanEnv, eventually, listen, onEnd, Run, temporaryFolder, Workshop }
  from '../testing/workshop.ts';
import { root } from '../lesson/steps.ts';
import { openDatabase } from './database.ts';
import { remember } from './download.ts';
import { findMongod } from './mongod.ts';

const archiveName = 'mongodb-linux-x86_64-debian12-8.2.6.tgz';

/** A download server of this machine that answers as a test wants, and a home without a mongod. */
async function mirror(t: TestContext, answer: RequestListener) {
  const folder = await temporaryFolder(t);
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
  const env: NodeJS.ProcessEnv = {
    ...cleanEnv(folder),
    MONGOMS_USE_HTTP: 'true',
    MONGOMS_DOWNLOAD_MIRROR: `http://127.0.0.1:${port}`,
    // The same on every system.
    MONGOMS_ARCHIVE_NAME: archiveName,
  };
  const stateFolder = join(folder, '.workshop');
  const said: string[] = [];
  const open = async (limits = { firstByteMs: 2000, silenceMs: 2000 }) => {
    const say = (line: string) => said.push(line);
    const options = { inProcess: true, mayDownload: true, say, env, stateFolder, limits };
    const database = await openDatabase(options);
    await database.close();
    return database;
  };
  const cache = join(folder, '.cache', 'mongodb-binaries');
  return { folder, env, cache, stateFolder, requests, said, open };
}

/** An archive as MongoDB publishes them, with a shell script in the place of mongod. */
async function archive(t: TestContext): Promise<Buffer> {
  const folder = await temporaryFolder(t);
  const name = archiveName.replace('.tgz', '');
  await mkdir(join(folder, name, 'bin'), { recursive: true });
  await writeFile(join(folder, name, 'bin', 'mongod'), `#!/bin/sh
if [ "$1" = --version ]; then echo 'db version v8.2.6'; exit; fi
echo 'Waiting for connections'
exec /bin/sleep 600
`, { mode: 0o755 });
  await promisify(execFile)('tar', ['-czf', 'archive.tgz', name], { cwd: folder });
  return readFile(join(folder, 'archive.tgz'));
}

/** Serves an archive, and a checksum for it. */
const serve = (content: Buffer, checksumOf = content): RequestListener => (request, response) => {
  const md5 = createHash('md5').update(checksumOf).digest('hex');
  response.end(request.url?.endsWith('.md5') ? `${md5}  ${archiveName}\n` : content);
};

type Mirror = Awaited<ReturnType<typeof mirror>>;

/** One failure is one sentence, leaves no file, and is not tried again on this day. */
async function assertFailsOnce(at: Mirror, reason: RegExp, ...limits: Parameters<Mirror['open']>) {
  const first = await at.open(...limits);
  assert.equal(first.engine, 'stand-in');
  assert.match(first.line, reason);
  assert.match(first.line, /npm run mongod/);
  assert.deepEqual(await readdir(at.cache), [], 'nothing is left in the cache');
  const asked = at.requests.length;
  const second = await at.open(...limits);
  assert.match(second.line, /the download failed today/);
  assert.match(second.line, reason);
  assert.equal(at.requests.length, asked, 'nobody asks the server again');
}

// On Windows nothing is downloaded unasked, and there the archive would be another.
describe('a download', { concurrency: 3, skip: process.platform === 'win32' }, () => {
  test('brings a mongod that is used from now on', async (t) => {
    const content = await archive(t);
    const at = await mirror(t, serve(content));
    const { engine, version, line } = await at.open();
    assert.equal(engine, 'mongod', line);
    assert.equal(version, '8.2.6');
    assert.match(at.said.join('\n'), /Downloading[^]*Downloaded [\d.]+ MB/);
    const [binary = '', md5] = await readdir(at.cache);
    assert.equal(md5, `${binary}.md5`);
    assert.deepEqual(await readdir(at.stateFolder), []);

    const found = await findMongod(at.env);
    assert.deepEqual(found, { path: join(at.cache, binary), version });
  });

  test('that is refused fails, once a day', async (t) => {
    const at = await mirror(t, (_, response) => response.writeHead(403).end());
    await mkdir(at.stateFolder);
    const yesterday = { date: '2020-01-01', reason: 'long ago' };
    await writeFile(join(at.stateFolder, 'mongod-download.json'), JSON.stringify(yesterday));
    await assertFailsOnce(at, /MongoDB has no build for this system/);
    assert.equal(at.requests.length, 1);
  });

  test('that nobody answers fails', async (t) => {
    const at = await mirror(t, () => undefined);
    at.env['MONGOMS_DOWNLOAD_MIRROR'] = 'http://127.0.0.1:1';
    await assertFailsOnce(at, /refused the connection/);
  });

  test('that is met by silence is ended', async (t) => {
    const at = await mirror(t, () => undefined);
    await assertFailsOnce(at, /did not answer within 0\.3 s/, { firstByteMs: 300, silenceMs: 9000 });
  });

  test('that stalls midway is ended', async (t) => {
    const at = await mirror(t, (_, response) => {
      response.writeHead(200, { 'content-length': 5_000_000 }).write(Buffer.alloc(50_000));
    });
    const limits = { firstByteMs: 2000, silenceMs: 400 };
    await assertFailsOnce(at, /nothing more arrived for 0\.4 s/, limits);
    assert.match(at.said.join('\n'), /Downloading MongoDB \S+: \d+ % of 4\.8 MB/);
  });

  test('that is cut off fails', async (t) => {
    const at = await mirror(t, (_, response) => {
      response.writeHead(200, { 'content-length': 5_000_000 });
      response.write(Buffer.alloc(50_000), () => response.destroy());
    });
    await assertFailsOnce(at, /the connection was cut/);
  });

  test('of a damaged archive fails', async (t) => {
    const content = Buffer.alloc(50_000, 'x');
    await assertFailsOnce(await mirror(t, serve(content, Buffer.from('another'))), /wrong checksum/);
  });

  test('of something that is no archive fails', async (t) => {
    const content = Buffer.alloc(50_000, 'x');
    await assertFailsOnce(await mirror(t, serve(content)), /the download failed/);
  });

  test('whose process dies with us leaves nothing behind, and counts as tried', async (t) => {
    const at = await mirror(t, (_, response) => {
      response.writeHead(200, { 'content-length': 5_000_000 }).write(Buffer.alloc(50_000));
    });
    const child = spawn(process.execPath, [
      '--import', 'tsx', '--input-type=module', '--eval', `
        import { openDatabase } from './shared/mongo/database.ts';
        const stateFolder = ${JSON.stringify(at.stateFolder)};
        const say = console.log;
        await openDatabase({ inProcess: true, mayDownload: true, say, stateFolder });`,
    ], { cwd: root, env: at.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const run = new Run(child);
    await run.printed(/% of 4\.8 MB/);
    child.kill('SIGKILL');
    await run.ended;
    await eventually('the cache is empty', async () => (await readdir(at.cache)).length === 0);
    assert.match((await at.open()).line, /an earlier download was not finished/);
  });
});

describe('npm run mongod', { concurrency: 2, skip: process.platform === 'win32' }, () => {
  test('fetches one, and says where it is', async (t) => {
    const at = await mirror(t, serve(await archive(t)));
    const workshop = await Workshop.create(t);
    const run = workshop.run(['mongod'], at.env);
    assert.equal(await run.ended, 0, run.output);
    assert.match(run.output, new RegExp(`mongod 8\\.2\\.6 is ready, ${at.cache}/mongod-.* MB\\)`));
    const again = workshop.run(['mongod'], at.env);
    assert.equal(await again.ended, 0);
    assert.match(again.output, /already/);
  });

  test('tries anew, and ends with a sentence and what to do next', async (t) => {
    const at = await mirror(t, (_, response) => response.writeHead(403).end());
    const workshop = await Workshop.create(t);
    await remember(join(workshop.folder, '.workshop'), 'tried already');
    const run = workshop.run(['mongod'], at.env);
    assert.equal(await run.ended, 1);
    assert.match(run.output, /No mongod could be downloaded: MongoDB has no build.*\nNext: npm run/);
    assert.doesNotMatch(run.output, / {4}at /);
    assert.equal(at.requests.length, 1);
  });
});
