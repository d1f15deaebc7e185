import { execFile } from 'node:child_process';
import { access, constants, readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { Problem } from '../terminal/problem.ts';
import { startServerProcess, type RunningServer } from './server-process.ts';

/** A mongod on this machine that runs. */
export interface Mongod {
  path: string;
  version: string;
}

/** The oldest server that the driver in node_modules talks to. */
const oldest = [4, 2] as const;

/**
 * Looks for a mongod on this machine: MONGOMS_SYSTEM_BINARY, PATH, then the folders in which
 * mongodb-memory-server keeps what it downloaded. Where there is none, it costs a look at some
 * folders.
 *
 * @returns the first that runs, or why there is none
 * @throws {Problem} when MONGOMS_SYSTEM_BINARY names something that does not run
 */
export async function findMongod(env: NodeJS.ProcessEnv): Promise<Mongod | string> {
  const named = env['MONGOMS_SYSTEM_BINARY'];
  if (named) {
    const mongod = await tryBinary(resolve(named));
    if (typeof mongod !== 'string') return mongod;
    throw new Problem(
      `MONGOMS_SYSTEM_BINARY does not name a mongod that runs: ${mongod}.`,
      'correct MONGOMS_SYSTEM_BINARY or remove it, then run the command again',
    );
  }
  let why = 'no mongod on this machine';
  for (const path of [...await onPath(env), ...await inCaches(env)]) {
    const mongod = await tryBinary(path);
    if (typeof mongod !== 'string') return mongod;
    why = mongod;
  }
  return why;
}

/**
 * Asks a mongod for its version: the cheapest proof that it runs here.
 * @returns why not, if it does not
 */
export async function tryBinary(path: string): Promise<Mongod | string> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { timeout: 10_000 });
    const [, version] = /^db version v?(\d+\.\d+\.\d+\S*)/m.exec(stdout) ?? [];
    if (version === undefined) return `${path} is not a mongod`;
    const [major = 0, minor = 0] = version.split('.').map(Number);
    const tooOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1]);
    return tooOld ? `${path} is ${version}, older than ${oldest.join('.')}` : { path, version };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return `${path} does not run${code}`;
  }
}

/** Starts a mongod on a port of its own with an empty database in a temporary folder. */
export function startMongod(
  mongod: Mongod,
  env: NodeJS.ProcessEnv,
  onEnd: () => void,
): Promise<RunningServer> {
  return startServerProcess(new URL('mongod-main.ts', import.meta.url), {
    ...env,
    MONGOMS_SYSTEM_BINARY: mongod.path,
    MONGOMS_SYSTEM_BINARY_VERSION_CHECK: 'false',
    MONGOMS_VERSION: mongod.version,
  }, onEnd);
}

/** Where a mongod is downloaded to: mongodb-memory-server's cache, shared by all projects. */
export function cacheFolder(env: NodeJS.ProcessEnv): string {
  return env['MONGOMS_DOWNLOAD_DIR'] || homeCache(env);
}

function homeCache(env: NodeJS.ProcessEnv): string {
  const home = env[process.platform === 'win32' ? 'USERPROFILE' : 'HOME'] || homedir();
  return join(home, '.cache', 'mongodb-binaries');
}

async function onPath(env: NodeJS.ProcessEnv): Promise<string[]> {
  // Windows spells it Path, and only process.env itself does not care.
  const key = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const name = process.platform === 'win32' ? 'mongod.exe' : 'mongod';
  const folders = (env[key] ?? '').split(delimiter).filter(isAbsolute);
  const paths = await Promise.all(folders.map(async (folder) => {
    const path = join(folder, name);
    const exists = await access(path, constants.X_OK).then(() => true, () => false);
    return exists ? [path] : [];
  }));
  return paths.flat();
}

/**
 * The binaries in the caches, newest first in each. A binary without its `.md5` is one that is
 * being unpacked, or never was to the end.
 */
async function inCaches(env: NodeJS.ProcessEnv): Promise<string[]> {
  const folders = [...new Set([cacheFolder(env), homeCache(env)])];
  const paths = await Promise.all(folders.map(async (folder) => {
    const names = await readdir(folder).catch((): string[] => []);
    const version = (name: string) => /-(\d+\.\d+\.\d+)/.exec(name)?.[1] ?? '';
    return names
      .filter((name) => name.startsWith('mongod-') && names.includes(`${name}.md5`))
      .sort((a, b) => version(b).localeCompare(version(a), 'en', { numeric: true }))
      .map((name) => join(folder, name));
  }));
  return paths.flat();
}
