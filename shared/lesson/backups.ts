import { mkdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import { writeWhole } from './files.ts';
import { root } from './steps.ts';

/** A file that is kept: its path from the workshop's folder, and what is in it. */
export type Kept = Map<string, Buffer>;

/**
 * Keeps files in `.workshop/backups/<time>-<what>/`, in the same folders as they are in. A backup
 * appears when it is complete, and never in the place of another.
 * @param what such as `reset-3`
 * @returns the backup's path from the workshop's folder
 */
export async function keep(files: Kept, what: string): Promise<string> {
  const backups = path.join(root, '.workshop', 'backups');
  const unfinished = path.join(root, '.workshop', 'tmp', randomUUID());
  await mkdir(backups, { recursive: true });
  await mkdir(unfinished, { recursive: true });
  for (const [file, content] of files) await writeWhole(path.join(unfinished, file), content);

  const time = new Date().toISOString().replace(/\..*$/, '').replaceAll(':', '-');
  for (let count = 1; ; count++) {
    const name = `${time}-${what}${count > 1 ? `-${count}` : ''}`;
    try {
      await rename(unfinished, path.join(backups, name));
      return `.workshop/backups/${name}`;
    } catch (error) {
      // A folder that is not empty is in the way: a backup of the same second.
      const taken = error instanceof Error && 'code' in error
        && ['ENOTEMPTY', 'EEXIST', 'EPERM', 'EACCES'].includes(String(error.code));
      if (!taken || count >= 100) throw error;
    }
  }
}

/** The command that copies a backup back to where its files came from. */
export function restoreCommand(backup: string): string {
  return process.platform === 'win32'
    ? `Copy-Item -Recurse -Force "${backup}/steps/*" steps/   (in PowerShell)`
    : `cp -R "${backup}/steps/." steps/`;
}
