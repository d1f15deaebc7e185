import { once } from 'node:events';
import { relative } from 'node:path';
import { watch } from 'chokidar';

/** Stops watching, and resolves once the reaction that may be under way is over. */
export type StopWatching = () => Promise<void>;

/**
 * Watches the TypeScript files of a folder. Saves that follow one another closely are one change,
 * and reactions never overlap: what is saved during one makes another, after it.
 *
 * @param onChange is called with the changed files, relative to the folder
 * @param quietMs how long nothing more may be saved before it is called, in milliseconds
 */
export async function watchFolder(
  folder: string,
  onChange: (files: string[]) => Promise<void> | void,
  quietMs = 80,
): Promise<StopWatching> {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;

  const react = async () => {
    const files = [...changed].sort();
    changed.clear();
    try {
      await onChange(files);
    } finally {
      running = undefined;
      if (changed.size > 0) schedule();
    }
  };
  const schedule = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running ??= react();
    }, quietMs);
  };

  const watcher = watch(folder, {
    ignoreInitial: true,
    ignored: (path, stats) => stats?.isFile() === true && !path.endsWith('.ts'),
  });
  watcher.on('all', (event, path) => {
    if (event === 'addDir' || event === 'unlinkDir') return;
    changed.add(relative(folder, path));
    schedule();
  });
  await once(watcher, 'ready');

  return async () => {
    await watcher.close();
    clearTimeout(timer);
    changed.clear();
    await running;
  };
}
