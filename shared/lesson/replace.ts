import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Problem } from '../terminal/problem.ts';
import { readFiles, sameFiles, type Files } from './starters.ts';
import { folderOf, type Step } from './steps.ts';

/** A step, and the files that it gets. */
export interface Replacement {
  step: Step;
  files: Files;
}

/**
 * Gives steps other files. All that a learner has there is kept first, in
 * `.workshop/backups/<time>-<command>/`. Each file is replaced in one go, so an interruption leaves
 * every file whole, and the same command again does the rest.
 * @param command `reset 3`, which names the backup too
 * @param say is told where the backup is, and what else there is to do
 * @returns whether anything has changed
 * @throws {Problem} when the disk is full or can't be written
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
    // Last: until here nothing is gone from where it was.
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
 * Writes a file so that it's there whole or not at all, even when this process is killed: it's
 * written elsewhere first, then renamed.
 * @param file its path from the workshop's folder
 */
export async function writeWhole(
  workshop: string, file: string, content: string | Buffer,
): Promise<void> {
  // Not beside the file, where an interruption would leave it among a learner's own.
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
 * Makes a backup. It appears when it's complete, and never in the place of another.
 * @returns its path from the workshop's folder
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
        // Another command took the name, or on Windows something still reads the new files.
        if (attempt >= 20) throw error;
        await setTimeout(20);
      }
    }
  } catch (error) {
    await rm(path.join(workshop, unfinished), { recursive: true, force: true });
    throw error;
  }
}

/** Removes what a killed command left, more than ten minutes ago. */
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

/** The command that copies a backup back to where its files came from. */
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
