/*
 * The process in which mongodb-memory-server finds or downloads a mongod, starts it and ends it.
 * mongod.ts starts it, passing the paths of the system's own mongods. It's plain JavaScript,
 * because that starts faster.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

// Our parent tells us when to end: on Ctrl-C the app goes first, and still needs its database.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);
process.once('disconnect', end);

/** Folders to remove when we end. @type {string[]} */
const temporary = [];
/** @type {Promise<import('mongodb-memory-server').MongoMemoryServer> | undefined} */
let starting;
/** @type {Promise<never> | undefined} */
let ending;

// Without this setting, the library accepts any certificate.
process.env['npm_config_strict_ssl'] = 'true';
// The library logs the progress of a download, at most every two seconds.
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
      line: 'No mongod here: trying to download one (press Ctrl-C, and the next start skips this)',
    });
    const [, target] = await DryMongoBinary.generateDownloadPath(options);
    path = await download(dirname(target), () => MongoBinary.getPath());
  }
  const version = await versionOf(path);
  tell({ phase: 'starting', line: `Starting mongod ${version}` });
  // The library's own folder would stay behind if mongod didn't start.
  const dbPath = await mkdtemp(join(tmpdir(), 'workshop-mongod-'));
  temporary.push(dbPath);
  starting = MongoMemoryServer.create({
    binary: { systemBinary: path },
    // Expired sessions go within a second instead of a minute, so people can watch it happen.
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

/** Finds the first of the system's mongods that runs and isn't too old. */
async function systemBinary() {
  for (const path of process.argv.slice(2)) {
    if (await versionOf(path).then(() => true, () => false)) return path;
  }
  return undefined;
}

/**
 * Returns a mongod's version, which proves that it runs here.
 * @param {string} path
 * @throws {Error} when it doesn't run, or is too old for the driver in node_modules
 */
async function versionOf(path) {
  const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
  const [, version, number] = /^db version v?((\d+\.\d+)\.\S*)/m.exec(stdout) ?? [];
  if (Number(number) >= 4.2) return version;
  throw new Error(version ? `${path} is ${version}, older than 4.2` : `${path} is no mongod`);
}

/**
 * Downloads into a folder just for this attempt: only a fully unpacked mongod moves into the
 * library's cache, so a partial file is never found, resumed or trusted.
 * @param {string} cache
 * @param {() => Promise<string>} getPath
 */
async function download(cache, getPath) {
  const prefix = 'workshop-download-';
  await mkdir(cache, { recursive: true });
  // An attempt only leaves its folder behind if its process is killed.
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
  // Last, because the library trusts a mongod only if this file is next to it.
  await rename(`${unpacked}.md5`, `${path}.md5`);
  return path;
}

/** Ends everything we started, just once: mongod's own exit calls this too. */
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
 * Sends our parent a message. If the parent has just gone, that's not an error.
 * @param {object} message
 */
function tell(message) {
  if (process.connected) process.send?.(message, undefined, {}, () => undefined);
}
