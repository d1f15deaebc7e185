import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { root } from './steps.ts';

/**
 * Writes a file so that it is there whole or not at all, whenever this process is interrupted: it
 * is written elsewhere first, then renamed.
 */
export async function writeWhole(file: string, content: string | Buffer): Promise<void> {
  // Not beside the file, where an interruption would leave it among a learner's own.
  const folder = path.join(root, '.workshop', 'tmp');
  await mkdir(folder, { recursive: true });
  const temporary = path.join(folder, randomUUID());
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await mkdir(path.dirname(file), { recursive: true });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
}
