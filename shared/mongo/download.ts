import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { root } from '../lesson/steps.ts';
import { cacheFolder } from './mongod.ts';

export interface DownloadOptions {
  env: NodeJS.ProcessEnv;
  /** Is called with one line of progress for people at a time. */
  say: (line: string) => void;
  /** Where a failure is remembered; `.workshop` in the workshop's folder unless told otherwise. */
  stateFolder?: string | undefined;
  /** How long nothing may arrive before the download is given up, in milliseconds. */
  limits?: { firstByteMs: number; silenceMs: number } | undefined;
}

/** A download that failed; the message is the reason, as the end of a sentence. */
export class DownloadFailure extends Error {
  override name = 'DownloadFailure';
}

const prefix = 'workshop-download-';

/**
 * Downloads a mongod into mongodb-memory-server's cache and remembers for the day if that fails.
 *
 * Everything happens in a folder of this attempt alone: only a mongod that was unpacked to the end
 * moves into the cache, and half a file is never found, resumed or believed by anybody.
 *
 * @returns the path of the mongod
 * @throws {DownloadFailure} when nothing arrives, or something else than a mongod does
 */
export async function downloadMongod(options: DownloadOptions): Promise<string> {
  const cache = cacheFolder(options.env);
  // Remembered beforehand, so that an attempt which somebody cuts short counts as well.
  await remember(options.stateFolder, 'an earlier download was not finished');
  let folder;
  try {
    await mkdir(cache, { recursive: true });
    await sweep(cache);
    folder = await mkdtemp(join(cache, prefix));
    const megabytes = process.platform === 'win32' ? 700 : 100;
    options.say(`Downloading a mongod, once: about ${megabytes} MB.`);
    const unpacked = await fetchInto(folder, options);
    // Not in our folder: the library found one in a cache of its own.
    const path = dirname(unpacked) === folder ? join(cache, basename(unpacked)) : unpacked;
    if (path !== unpacked) {
      await rename(unpacked, path);
      // Last, because a mongod counts only with this file beside it.
      await rename(`${unpacked}.md5`, `${path}.md5`);
    }
    await forget(options.stateFolder);
    return path;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    await remember(options.stateFolder, reason);
    throw new DownloadFailure(reason);
  } finally {
    if (folder) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Why a download failed today, or undefined if none did. */
export async function failedToday(stateFolder?: string): Promise<string | undefined> {
  try {
    const state: unknown = JSON.parse(await readFile(stateFile(stateFolder), 'utf8'));
    if (!(state instanceof Object) || !('date' in state) || !('reason' in state)) return undefined;
    return state.date === today() ? String(state.reason) : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers for the day that no download is worth a try. */
export async function remember(stateFolder: string | undefined, reason: string): Promise<void> {
  const file = stateFile(stateFolder);
  // A folder that cannot be written must not stop a lesson: then we wait twice.
  await mkdir(dirname(file), { recursive: true })
    .then(() => writeFile(file, `${JSON.stringify({ date: today(), reason }, null, 2)}\n`))
    .catch(() => undefined);
}

async function forget(stateFolder: string | undefined): Promise<void> {
  await rm(stateFile(stateFolder), { force: true });
}

function stateFile(stateFolder = join(root, '.workshop')): string {
  return join(stateFolder, 'mongod-download.json');
}

/** The day where the person is, such as 2024-05-31. */
function today(): string {
  const now = new Date();
  return new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

/** Removes what attempts of earlier days left behind, when even their process was killed. */
async function sweep(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(cache, name);
    const { mtimeMs } = await stat(path);
    if (Date.now() - mtimeMs > 24 * 3600_000) await rm(path, { recursive: true, force: true });
  }
}

/** Runs the download in a process of its own and ends it when nothing moves for too long. */
async function fetchInto(folder: string, options: DownloadOptions): Promise<string> {
  const { firstByteMs, silenceMs } = options.limits ?? { firstByteMs: 3000, silenceMs: 20_000 };
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('download-main.ts', import.meta.url))],
    {
      cwd: root,
      env: {
        ...options.env,
        MONGOMS_SYSTEM_BINARY: '',
        MONGOMS_DOWNLOAD_DIR: folder,
        MONGOMS_RUNTIME_DOWNLOAD: 'true',
        MONGOMS_MAX_RETRIES: '1',
        MONGOMS_RESUME_DOWNLOAD: 'false',
        MONGOMS_MD5_CHECK: 'true',
        // Without it the library accepts any certificate.
        npm_config_strict_ssl: 'true',
      },
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
      windowsHide: true,
    },
  );
  const progress = reporter(options.say);
  if (child.stdout) createInterface({ input: child.stdout }).on('line', progress);

  let watchdog: NodeJS.Timeout | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      const fail = (reason: string) => {
        reject(new Error(reason));
      };
      child.on('error', (error) => {
        fail(error.message);
      });
      child.on('exit', (code, signal) => {
        fail(`the download ended (${signal ?? `exit code ${code ?? 'unknown'}`})`);
      });

      let bytes = 0;
      let moved = Date.now();
      child.on('message', (message) => {
        if (!(message instanceof Object) || !('type' in message)) return;
        if (message.type === 'done' && 'path' in message) resolve(String(message.path));
        if (message.type === 'failed' && 'code' in message && 'message' in message) {
          fail(why(String(message.code), String(message.message)));
        }
        if (message.type !== 'requesting') return;
        moved = Date.now();
        watchdog = setInterval(() => {
          void size(folder).then((now) => {
            const first = now === 0 && bytes === 0;
            if (now !== bytes) moved = Date.now();
            bytes = now;
            const limit = first ? firstByteMs : silenceMs;
            if (Date.now() - moved < limit) return;
            fail(first
              ? `the download server did not answer within ${limit / 1000} s`
              : `nothing more arrived for ${limit / 1000} s`);
          });
        }, Math.min(500, firstByteMs / 4));
      });
    });
  } finally {
    clearInterval(watchdog);
    const ended = child.exitCode !== null || child.signalCode !== null || child.pid === undefined;
    if (!ended) {
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
    }
  }
}

/** The bytes of all files in a folder: they grow while something arrives or is unpacked. */
async function size(folder: string): Promise<number> {
  const names = await readdir(folder).catch((): string[] => []);
  const sizes = names.filter((name) => !name.endsWith('.lock')).map((name) =>
    stat(join(folder, name)).then((file) => file.size, () => 0));
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0);
}

/** Turns the library's progress, a line every two seconds, into a line every tenth. */
function reporter(say: (line: string) => void): (line: string) => void {
  let tenth = -1;
  return (line) => {
    const parts = /MongoDB "(.+)": ([\d.]+)% \(.*?\/ ([\d.]+)mb\)/.exec(line);
    if (!parts) return;
    const [, version, percent, total] = parts;
    const reached = Math.floor(Number(percent) / 10);
    if (reached <= tenth) return;
    tenth = reached;
    say(reached === 10
      ? `Downloaded ${total ?? '?'} MB. Checking and unpacking …`
      : `Downloading MongoDB ${version ?? ''}: ${reached * 10} % of ${total ?? '?'} MB`);
  };
}

/** The end of a sentence for the library's error. */
function why(code: string, message: string): string {
  const known: Record<string, string> = {
    ENOTFOUND: 'no network, or the name of the download server is unknown',
    EAI_AGAIN: 'no network, or the name of the download server cannot be looked up',
    ECONNREFUSED: 'the download server refused the connection',
    ECONNRESET: 'the connection was cut',
    'Status: 403': 'MongoDB has no build for this system',
    'Status: 404': 'MongoDB has no build for this system',
    UnknownLinuxDistro: 'MongoDB has no build for this system',
    'File too small': 'the connection was cut',
    ENOSPC: 'the disk is full',
    EACCES: 'the cache folder may not be written',
  };
  if (/^MD5 check failed/.test(message)) return 'what arrived is damaged (wrong checksum)';
  const [first = ''] = message.split('\n');
  // A mirror's address may hold a login.
  return known[code] ?? (/CERT|SIGNATURE|SSL|TLS/.test(code)
    ? `the download server's certificate cannot be verified (${code})`
    : first.replace(/\/\/[^/\s]*@/g, '//'));
}
