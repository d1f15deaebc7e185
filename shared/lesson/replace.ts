import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { codeOf, messageOf, Problem } from '../terminal/problem.ts';
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
    if (old.size > 0) {
      backup = await keep(workshop, old, command.replaceAll(' ', '-'));
      say(`Your files are kept in ${backup}/`);
      say(`To get them back:  ${restoreCommand(backup)}`);
    }
    const fresh = new Map(changed.flatMap(({ step, files }) => (
      [...files].map(([name, content]) => [`steps/${step.folder}/${name}`, content])
    )));
    const remove = (file: string) => rm(path.join(workshop, file), { force: true });
    const names = new Set([...fresh.keys()].map((file) => file.toLowerCase()));
    const stale = [...old.keys()].filter((file) => !fresh.has(file));
    // On many disks App.ts is app.ts: removing it after app.ts was written would remove app.ts.
    const isVariant = (file: string) => names.has(file.toLowerCase());
    for (const file of stale.filter(isVariant)) await remove(file);
    for (const [file, content] of fresh) await writeWhole(workshop, file, content);
    // Delete the others last: until here, none of them has left its place.
    for (const file of stale.filter((file) => !isVariant(file))) await remove(file);
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
  const temporary = path.join(workshop, '.workshop', 'tmp', randomUUID());
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
    await moveTo(target, temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** How long to wait before each further try, in milliseconds. */
const PAUSES_MS = [10, 40, 150, 300, 500];

/** Renames a file. On Windows, an editor or a virus scanner may hold the target for a moment. */
async function moveTo(target: string, file: string): Promise<void> {
  for (const pause of PAUSES_MS) {
    try {
      await rename(file, target);
      return;
    } catch (error) {
      if (!['EPERM', 'EBUSY', 'EACCES'].includes(codeOf(error) ?? '')) throw error;
    }
    await setTimeout(pause);
  }
  await rename(file, target);
}

/**
 * Makes a backup, in a new folder.
 * @returns its path relative to the workshop's folder
 */
async function keep(workshop: string, files: Files, what: string): Promise<string> {
  const time = new Date().toISOString().replace(/\..*$/, '').replaceAll(':', '-');
  const backup = await makeFolder(workshop, `.workshop/backups/${time}-${what}`);
  for (const [file, content] of files) await writeWhole(workshop, `${backup}/${file}`, content);
  return backup;
}

/** Makes a folder that's new: if there's one of that name, another one with a number. */
async function makeFolder(workshop: string, name: string): Promise<string> {
  await mkdir(path.join(workshop, path.dirname(name)), { recursive: true });
  for (let number = 1; ; number++) {
    const folder = number === 1 ? name : `${name}-${number}`;
    try {
      await mkdir(path.join(workshop, folder));
      return folder;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** The command that restores a backup. */
export function restoreCommand(backup: string, platform = process.platform): string {
  return platform === 'win32'
    ? `Copy-Item -Recurse -Force "${backup}/steps/*" steps/   (in PowerShell)`
    : `cp -R "${backup}/steps/." steps/`;
}

function asProblem(error: unknown, command: string, backup: string | undefined): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const why = {
    ENOSPC: 'the disk is full',
    EDQUOT: 'the disk is full',
    EROFS: 'the disk is read-only',
    EACCES: "a file or folder can't be written",
    EPERM: "a file or folder can't be written",
    EBUSY: 'another program uses a file',
  }[code] ?? messageOf(error);
  const state = backup === undefined
    ? 'Nothing has changed.'
    : `Nothing is lost: your files are in ${backup}/.`;
  return new Problem(
    `npm run ${command} stopped: ${why} (${code}). ${state}`,
    `put that right, then type npm run ${command} again`,
  );
}
