/*
 * The process in which mongodb-memory-server finds or downloads a mongod, starts it and ends it.
 * mongod.ts starts it, with the paths of the system's own ones as arguments. It is plain
 * JavaScript, because that starts sooner.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

// Our parent says when to end: a Ctrl-C is for the app first, which still needs its database.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.once('disconnect', end);

/** The folders that go when we end. @type {string[]} */
const temporary = [];
/** @type {Promise<import('mongodb-memory-server').MongoMemoryServer> | undefined} */
let starting;
/** @type {Promise<never> | undefined} */
let ending;

// Without this setting, the library accepts any certificate.
process.env['npm_config_strict_ssl'] = 'true';
// It prints how far a download is, at most every two seconds.
console.log = (/** @type {string} */ text) => {
  const [, percent, size] = /: ([\d.]+)% \(.*\/ ([\d.]+)mb\)/.exec(text) ?? [];
  if (percent === '100') {
    tell({ phase: 'unpacking', line: 'Checking and unpacking the download' });
  } else if (percent) {
    tell({ phase: 'downloading', line: `Downloading a mongod: ${percent} % of ${size} MB` });
  }
};

try {
  const { DryMongoBinary, MongoBinary, MongoMemoryServer } = await import('mongodb-memory-server');
  const options = await DryMongoBinary.generateOptions();
  let path = await systemBinary() ?? await DryMongoBinary.locateBinary(options);
  if (!path) {
    if (process.env['MONGOMS_RUNTIME_DOWNLOAD'] === 'false') throw new Error('no mongod is found');
    tell({
      phase: 'asking',
      line: 'No mongod here: asking for a download (after Ctrl-C, the next start has none)',
    });
    const [, target] = await DryMongoBinary.generateDownloadPath(options);
    path = await download(dirname(target), () => MongoBinary.getPath());
  }
  const version = await versionOf(path);
  tell({ phase: 'starting', line: `Starting mongod ${version}` });
  // The library would leave a folder of its own behind when mongod doesn't start.
  const dbPath = await mkdtemp(join(tmpdir(), 'workshop-mongod-'));
  temporary.push(dbPath);
  starting = MongoMemoryServer.create({
    binary: { systemBinary: path },
    // Expired sessions go within a second instead of a minute, so that people can watch it.
    instance: { dbPath, args: ['--setParameter', 'ttlMonitorSleepSecs=1'] },
  });
  const server = await starting;
  const { instance } = await server.ensureInstance();
  tell({ url: server.getUri(), version, path });
  await once(instance, 'instanceClosed');
} catch (error) {
  const { message, constructor: { name } } = error instanceof Error ? error : new Error('unknown');
  const code = error instanceof Error && 'code' in error ? error.code : name;
  const [why] = message.split('\n');
  const words = starting ? `the mongod that was found does not start: ${why}` : why;
  tell({ code, message: words });
}
await end();

/** The first of the system's own that runs and isn't too old. */
async function systemBinary() {
  for (const path of process.argv.slice(2)) {
    if (await versionOf(path).then(() => true, () => false)) return path;
  }
  return undefined;
}

/**
 * The version of a mongod, and the proof that it runs here.
 * @param {string} path
 * @throws {Error} where it doesn't, or is older than the driver in node_modules allows
 */
async function versionOf(path) {
  const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
  const [, version, number] = /^db version v?((\d+\.\d+)\.\S*)/m.exec(stdout) ?? [];
  if (Number(number) >= 4.2) return version;
  throw new Error(version ? `${path} is ${version}, older than 4.2` : `${path} is no mongod`);
}

/**
 * Downloads into a folder of this attempt alone: only a mongod that has been unpacked to the end
 * moves into the library's cache. Nothing ever finds, resumes or believes half a file.
 * @param {string} cache
 * @param {() => Promise<string>} getPath
 */
async function download(cache, getPath) {
  const prefix = 'workshop-download-';
  await mkdir(cache, { recursive: true });
  // An attempt leaves its folder behind only if its process was killed.
  for (const name of await readdir(cache)) {
    const folder = name.startsWith(prefix) && join(cache, name);
    if (!folder || Date.now() - (await stat(folder)).mtimeMs < 24 * 3600_000) continue;
    await rm(folder, { recursive: true, force: true });
  }
  const attempt = await mkdtemp(join(cache, prefix));
  temporary.push(attempt);
  process.env['MONGOMS_DOWNLOAD_DIR'] = attempt;
  const unpacked = await getPath();
  const path = join(cache, basename(unpacked));
  await rename(unpacked, path);
  // Last, because the library believes in a mongod only with this file beside it.
  await rename(`${unpacked}.md5`, `${path}.md5`);
  return path;
}

/** Ends all that is ours, once: mongod's own end asks for it as well. */
function end() {
  ending ??= (async () => {
    const server = await starting?.catch(() => undefined);
    await server?.stop();
    for (const folder of temporary) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit();
  })();
  return ending;
}

/**
 * Sends our parent a message. It may be gone, and we not know it yet: that is no error.
 * @param {object} message
 */
function tell(message) {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
