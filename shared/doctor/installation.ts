import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once, type EventEmitter } from 'node:events';
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { loadEnvFile } from '../app/settings.ts';
import { readStarter } from '../lesson/starters.ts';
import { folderOf, root, steps, texts } from '../lesson/steps.ts';
import { codeOf, messageOf, Problem } from '../terminal/problem.ts';

/** What a check examines. */
export interface Place {
  /** The workshop's folder. */
  workshop: string;
  env: NodeJS.ProcessEnv;
}

/** Checks that `.env` is valid, and loads it into the environment before the other checks. */
export function checkSettings({ workshop, env }: Place): string {
  loadEnvFile(env, workshop);
  return existsSync(path.join(workshop, '.env')) ? '.env is understood' : 'there is no .env';
}

/** Reports the version of Node. One that's too old never gets here. */
export async function checkNode(): Promise<string> {
  const recommended = (await readFile(path.join(root, '.nvmrc'), 'utf8')).trim();
  return `${process.version}; 20.19 or newer works, ${recommended} is recommended`;
}

interface Lock { packages?: Record<string, { version?: string; optional?: boolean }> }

/** Checks node_modules against package-lock.json. npm records there what it has installed. */
export async function checkInstall({ workshop }: Place): Promise<string> {
  const read = async <T>(file: string) => (
    JSON.parse(await readFile(path.join(workshop, file), 'utf8')) as T
  );
  try {
    const { packages: wanted = {} } = await read<Lock>('package-lock.json');
    const { packages: noted = {} } = await read<Lock>('node_modules/.package-lock.json');
    // Optional packages are for other systems, unless npm has installed them.
    const needed = Object.entries(wanted).filter(([folder, { optional }]) => (
      folder !== '' && (optional !== true || folder in noted)
    ));
    const there = await Promise.all(needed.map(([folder]) =>
      read<{ version?: string }>(`${folder}/package.json`).catch(() => undefined)));
    const wrong = needed.filter(([, { version }], index) => there[index]?.version !== version);
    if (!wrong[0]) return `complete, ${needed.length} packages`;
    const example = wrong[0][0].replace('node_modules/', '');
    throw new Problem(
      `${wrong.length} packages are missing or of another version, such as ${example}`,
      'npm install',
    );
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem('node_modules or package-lock.json is missing', 'npm install');
  }
}

/** Checks that the workshop's folder and its .workshop are writable. */
export async function checkFolder({ workshop }: Place): Promise<string> {
  try {
    const folders = steps.map((step) => folderOf(step, 'steps', workshop));
    for (const folder of [path.join(workshop, '.workshop'), ...folders]) {
      const file = path.join(folder, `doctor-${randomUUID()}.tmp`);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, '');
      await rm(file);
    }
  } catch (error) {
    throw new Problem(
      `${workshop} can't be written (${codeOf(error) ?? messageOf(error)})`,
      'copy the workshop into a folder of your own, such as your home folder',
    );
  }
  return /[^\w./\\:~-]/.test(workshop)
    ? 'can be written; the special characters in its path do no harm'
    : 'can be written';
}

/** Checks for a home folder, where a downloaded mongod is kept. */
export function checkHome({ env }: Place, platform = process.platform): string {
  const name = platform === 'win32' ? 'USERPROFILE' : 'HOME';
  if (env[name]) return env[name];
  try {
    return `${name} isn't set; ${homedir()} is used, as the system says`;
  } catch {
    throw new Problem(
      `${name} isn't set: a downloaded mongod couldn't be kept`,
      `set ${name} to a folder of your own, then npm run doctor`,
    );
  }
}

/** Checks that a save is noticed. It may take 3 s on a busy machine. */
export async function checkWatching(
  { workshop }: Place,
  watchFolder: (folder: string) => Pick<FSWatcher, 'close'> & EventEmitter = watch,
): Promise<string> {
  const folder = path.join(workshop, 'steps');
  const file = path.join(folder, `doctor-${randomUUID()}.tmp`);
  let watcher;
  try {
    watcher = watchFolder(folder);
    const noticed = once(watcher, 'change', { signal: AbortSignal.timeout(3000) });
    await Promise.all([noticed, writeFile(file, '')]);
    return 'a save is noticed';
  } catch (error) {
    const code = codeOf(error) ?? messageOf(error);
    const why = ['ENOSPC', 'EMFILE'].includes(code)
      ? `saves aren't noticed: other programs have used up the system's file watches (${code})`
      : `saves aren't noticed here, as on network drives, Docker mounts and WSL's /mnt/c (${code})`;
    throw new Problem(why, 'put CHOKIDAR_USEPOLLING=1 into .env, then npm start');
  } finally {
    watcher?.close();
    await rm(file, { force: true });
  }
}

/** Checks that the workshop's files all have the same kind of line endings. */
export async function checkLineEndings({ workshop }: Place): Promise<string> {
  const files = steps.flatMap(({ folder }) => ['steps', 'solutions'].flatMap((kind) =>
    ['app.ts', 'session.ts', 'index.ts'].map((file) => `${kind}/${folder}/${file}`)));
  const mixed: string[] = [];
  let windows = 0;
  for (const file of [...files, ...texts]) {
    const text = await readFile(path.join(workshop, file), 'utf8').catch(() => '');
    const all = text.split('\n').length - 1;
    const crlf = text.split('\r\n').length - 1;
    if (crlf > 0) windows++;
    if (crlf > 0 && crlf < all) mixed.push(file);
  }
  if (mixed.length > 0) {
    throw new Problem(
      `both kinds in ${mixed.join(', ')}`,
      'save the file with LF in your editor; at its foot it shows CRLF or LF',
    );
  }
  return windows > 0 ? `CRLF in ${windows} files, which does no harm` : 'LF everywhere';
}

/** Checks that `npm run reset` finds the starters. */
export async function checkStarters({ workshop }: Place): Promise<string> {
  for (const step of steps) await readStarter(step, workshop);
  return 'npm run reset finds them';
}

/** Checks that git works here. The workshop doesn't need it. */
export async function checkGit({ workshop, env }: Place): Promise<string> {
  try {
    await promisify(execFile)('git', ['rev-parse', '--git-dir'], {
      cwd: workshop, env, windowsHide: true,
    });
    return 'git diff shows your changes';
  } catch (error) {
    // git names this setting, in every language, if the folder belongs to another user.
    if (error instanceof Error && 'stderr' in error && /safe\.directory/.test(String(error.stderr))) {
      throw new Problem(
        'git refuses this folder, because it belongs to another user',
        `git config --global --add safe.directory "${workshop.replaceAll('\\', '/')}"`,
      );
    }
    return codeOf(error) === 'ENOENT'
      ? "isn't installed; the workshop works without it"
      : 'this folder is no repository, as after a download; the workshop works without one';
  }
}
