import { rm } from 'node:fs/promises';
import path from 'node:path';
import { keep, restoreCommand, type Kept } from './backups.ts';
import { writeWhole } from './files.ts';
import { readFolder } from './starters.ts';
import { root, type Step } from './steps.ts';

/** A step, and the files that it shall hold from now on. */
export interface Replacement {
  step: Step;
  files: Map<string, Buffer>;
}

/**
 * Gives steps other files. All that a learner has there is kept first, and it is said where. Each
 * file is replaced at once, so that an interruption leaves every one whole; the same command again
 * does the rest.
 * @param what names the backup, such as `reset-3`
 * @returns the folders that have changed
 */
export async function replaceSteps(
  replacements: Replacement[],
  what: string,
  say: (line: string) => void,
): Promise<string[]> {
  const kept: Kept = new Map();
  const changed: Replacement[] = [];
  for (const replacement of replacements) {
    const own = await readFolder(folderOf(replacement.step));
    if (isSame(own, replacement.files)) continue;
    changed.push(replacement);
    const folder = `steps/${replacement.step.folder}`;
    for (const [name, content] of own) kept.set(`${folder}/${name}`, content);
  }
  if (kept.size > 0) {
    const backup = await keep(kept, what);
    say(`What was there is kept in ${backup}/`);
    say(`To get it back:  ${restoreCommand(backup)}`);
  }
  for (const { step, files } of changed) {
    for (const [name, content] of files) await writeWhole(path.join(folderOf(step), name), content);
  }
  // Last: until here nothing is gone from where it was.
  for (const { step, files } of changed) {
    const folder = `steps/${step.folder}/`;
    for (const file of kept.keys()) {
      const added = file.startsWith(folder) && !files.has(file.slice(folder.length));
      if (added) await rm(path.join(root, file));
    }
  }
  return changed.map(({ step }) => `steps/${step.folder}`);
}

function folderOf(step: Step): string {
  return path.join(root, 'steps', step.folder);
}

function isSame(own: Map<string, Buffer>, files: Map<string, Buffer>): boolean {
  return own.size === files.size
    && [...files].every(([name, content]) => own.get(name)?.equals(content));
}
