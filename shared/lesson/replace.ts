import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Problem } from '../terminal/problem.ts';
import { readFiles, sameFiles, type Files } from './starters.ts';
import { folderOf, type Step } from './steps.ts';

/** A step and its new files. */
export interface Replacement {
  step: Step;
  files: Files;
}

/**
 * Replaces the files of steps. All the learner's files there are first backed up to
 * `.workshop/backups/<time>-<command>/`. Each file is replaced atomically, so an interruption
 * leaves every file whole, and running the same command again finishes the job.
 * @param command such as `reset 3`; also names the backup
 * @param say receives lines about the backup, and about anything left to do
 * @returns whether anything has changed
 * @throws {Problem} when the disk is full or isn't writable
 */
export async function replaceSteps(
  workshop: string,
  replacements: Replacement[],
  command: string,
  say: (line: string) => void,
): Promise<boolean> {
  const old: Files = new Map();
  const changed: Replacement[] = [];
  for (const replacement of replacements) {
    const { step, files } = replacement;
    const own = await readFiles(folderOf(step, 'steps', workshop));
    if (sameFiles(own, files)) continue;
    changed.push(replacement);
    for (const [name, content] of own) old.set(`steps/${step.folder}/${name}`, content);
  }
  let backup: string | undefined;
  try {
    await sweep(workshop);
    if (old.size > 0) {
      backup = await keep(workshop, old, command.replaceAll(' ', '-'));
      say(`Your files are kept in ${backup}/`);
      say(`To get them back:  ${restoreCommand(backup)}`);
    }
    const fresh = new Map(changed.flatMap(({ step, files }) => (
      [...files].map(([name, content]) => [`steps/${step.folder}/${name}`, content])
    )));
    for (const [file, content] of fresh) await writeWhole(workshop, file, content);
    // Delete last: until here, no file has left its place.
    for (const file of old.keys()) {
      if (!fresh.has(file)) await rm(path.join(workshop, file), { force: true });
    }
  } catch (error) {
    throw asProblem(error, command, backup);
  }
  for (const { step: { folder } } of replacements) {
    const tests = `steps/${folder}/app.test.ts`;
    if (existsSync(path.join(workshop, tests))) continue;
    say(`${tests} is missing. To get it back:  git checkout ${tests}\n`
      + '(without git, copy it from a fresh download of the workshop)');
  }
  return changed.length > 0;
}

/**
 * Writes a file atomically, even if this process is killed: writes it elsewhere, then renames it.
 * @param file its path relative to the workshop's folder
 */
export async function writeWhole(
  workshop: string, file: string, content: string | Buffer,
): Promise<void> {
  // Not next to the file, where an interruption would leave it among the learner's files.
  const temporary = path.join(temporaryFolder(workshop), randomUUID());
  await mkdir(path.dirname(temporary), { recursive: true });
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    const target = path.join(workshop, file);
    await mkdir(path.dirname(target), { recursive: true });
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Makes a backup. It appears only once it's complete, and never replaces another backup.
 * @returns its path relative to the workshop's folder
 */
async function keep(workshop: string, files: Files, what: string): Promise<string> {
  const unfinished = path.join('.workshop', 'tmp', randomUUID());
  try {
    for (const [file, content] of files) {
      await writeWhole(workshop, path.join(unfinished, file), content);
    }
    await mkdir(path.join(workshop, '.workshop', 'backups'), { recursive: true });
    const time = new Date().toISOString().replace(/\..*$/, '').replaceAll(':', '-');
    for (let attempt = 1; ; attempt++) {
      const backup = `.workshop/backups/${time}-${what}${attempt > 1 ? `-${attempt}` : ''}`;
      const target = path.join(workshop, backup);
      if (existsSync(target)) continue;
      try {
        await rename(path.join(workshop, unfinished), target);
        return backup;
      } catch (error) {
        // Another command took the name, or on Windows a program is still reading the new files.
        if (attempt >= 20) throw error;
        await setTimeout(20);
      }
    }
  } catch (error) {
    await rm(path.join(workshop, unfinished), { recursive: true, force: true });
    throw error;
  }
}

/** Removes leftovers of killed commands, once they're more than ten minutes old. */
async function sweep(workshop: string): Promise<void> {
  const folder = temporaryFolder(workshop);
  for (const name of await readdir(folder).catch(() => [])) {
    const file = path.join(folder, name);
    const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > 600_000) await rm(file, { recursive: true, force: true });
  }
}

function temporaryFolder(workshop: string): string {
  return path.join(workshop, '.workshop', 'tmp');
}

/** The command that restores a backup. */
function restoreCommand(backup: string): string {
  return process.platform === 'win32'
    ? `Copy-Item -Recurse -Force "${backup}/steps/*" steps/   (in PowerShell)`
    : `cp -R "${backup}/steps/." steps/`;
}

function asProblem(error: unknown, command: string, backup: string | undefined): unknown {
  if (!(error instanceof Error && 'code' in error)) return error;
  const code = String(error.code);
  const why = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk is full',
    EROFS: 'the disk is read-only',
    EACCES: "a file or folder can't be written",
    EPERM: "a file or folder can't be written",
  }[code] ?? error.message;
  const state = backup === undefined
    ? 'Nothing has changed.'
    : `Nothing is lost: your files are in ${backup}/.`;
  return new Problem(
    `npm run ${command} stopped: ${why} (${code}). ${state}`,
    `put that right, then type npm run ${command} again`,
  );
}
