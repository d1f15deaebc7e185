import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync }
  from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { root } from '../lesson/steps.ts';
import {
  ServerFailure, startServerProcess, type RunningServer, type ServerOptions,
} from './server-process.ts';

export interface MongodOptions extends Omit<ServerOptions, 'args'> {
  /** Whether to download a missing mongod; `once a day` skips it if that failed today. */
  download: 'never' | 'once a day' | 'now';
  /** Where to record a failed download, if not in the workshop's `.workshop`. */
  stateFolder?: string | undefined;
  /** Whose names of files and settings are used; this machine's by default. */
  platform?: NodeJS.Platform;
}

/**
 * Starts a mongod with an empty database on its own port: the one at MONGOMS_SYSTEM_BINARY, else
 * one on PATH, else one in mongodb-memory-server's cache, else a new download. If none is found
 * and a download isn't allowed, this costs only a look at a few folders.
 * @throws {ServerFailure} when no mongod is available
 */
export async function startMongod(options: MongodOptions): Promise<RunningServer> {
  const {
    env, download, stateFolder = join(root, '.workshop'), platform = process.platform,
  } = options;
  const note = join(stateFolder, 'mongod-download.txt');
  const named = env['MONGOMS_SYSTEM_BINARY'];
  const paths = named ? [resolve(named)] : onPath(env, platform);
  const cached = cachedVersion(env, platform);
  const failed = download === 'once a day' ? writtenToday(note) : undefined;
  const mayDownload = !named && download !== 'never' && failed === undefined;
  if (paths.length === 0 && cached === undefined && !mayDownload) {
    throw new ServerFailure('loading', failed === undefined
      ? 'no mongod on this machine; npm run mongod fetches one'
      : `the download failed today: ${failed}; npm run mongod tries again`);
  }
  // Written beforehand, so that an interrupted attempt counts too.
  if (mayDownload) write(note, 'an earlier download was not finished');
  try {
    const server = await startServerProcess(new URL('mongod-main.js', import.meta.url), {
      ...options,
      args: paths,
      env: {
        ...cached !== undefined && { MONGOMS_VERSION: cached },
        ...env,
        MONGOMS_RUNTIME_DOWNLOAD: String(mayDownload),
      },
    });
    rmSync(note, { force: true });
    return server;
  } catch (error) {
    if (!(error instanceof ServerFailure)) throw error;
    const { phase } = error;
    if (phase === 'loading' || phase === 'starting') {
      rmSync(note, { force: true });
      throw error;
    }
    const reason = reasonOf(error);
    write(note, reason);
    throw new ServerFailure(phase, `the download failed: ${reason}; npm run mongod tries again`);
  }
}

/** The mongods in the folders of PATH, where mongodb-memory-server never looks. */
function onPath(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string[] {
  // Windows spells it Path, and only process.env itself ignores case.
  const key = Object.keys(env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
  const name = platform === 'win32' ? 'mongod.exe' : 'mongod';
  return (env[key] ?? '').split(delimiter).filter(isAbsolute)
    .map((folder) => join(folder, name)).filter(existsSync);
}

/** The newest version in mongodb-memory-server's caches, without the slow import of the library. */
function cachedVersion(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): string | undefined {
  const home = env[platform === 'win32' ? 'USERPROFILE' : 'HOME'] ?? root;
  return [
    env['MONGOMS_DOWNLOAD_DIR'] ?? root,
    join(home, '.cache', 'mongodb-binaries'),
    join(root, 'node_modules', '.cache', 'mongodb-memory-server'),
  ]
    .flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []))
    .flatMap((name) => /^mongod-.+-(\d+\.\d+\.\d+)(?:\.exe)?$/.exec(name)?.[1] ?? [])
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
}

/** The text of a note if it was written today. */
function writtenToday(note: string): string | undefined {
  if (!existsSync(note)) return undefined;
  const isToday = statSync(note).mtime.toDateString() === new Date().toDateString();
  return isToday ? readFileSync(note, 'utf8') : undefined;
}

function write(note: string, text: string): void {
  try {
    mkdirSync(join(note, '..'), { recursive: true });
    writeFileSync(note, text);
  } catch {
    // An unwritable folder mustn't stop a lesson: the learner just waits for the download again.
  }
}

/** Why a download failed, without the library's message: it may contain a mirror's login. */
function reasonOf({ phase, code, message }: ServerFailure): string {
  const known: Record<string, string> = {
    silence: message,
    ENOTFOUND: "no network, or the download server can't be found",
    EAI_AGAIN: "no network, or the download server can't be looked up",
    ECONNREFUSED: 'the download server refused the connection',
    ECONNRESET: 'the connection was cut',
    aborted: 'the connection was cut',
    'File too small': 'the connection was cut',
    'Status: 403': 'MongoDB has no build for this system',
    UnknownLinuxDistro: 'MongoDB has no build for this system',
    KnownVersionIncompatibilityError: 'MongoDB has no build for this system',
    ENOSPC: 'the disk is full',
    EACCES: 'the cache folder may not be written',
  };
  if (known[code] !== undefined) return known[code];
  if (/CERT|SIGNATURE|SSL|TLS/.test(code)) return `the server's certificate isn't valid (${code})`;
  return phase === 'unpacking' ? 'what arrived is damaged' : code;
}
