import { statfsSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { messageOf } from '../terminal/problem.ts';

/** The options of {@link watchSources}. */
export interface WatchOptions {
  /** How long to wait for further saves before reporting a change, in milliseconds. */
  quietMs?: number;
  /** Receives a line for people when watching falls back to a slower method. */
  say?: (line: string) => void;
}

/** How often to poll where the system doesn't report changes, in milliseconds. */
const POLL_MS = 300;

/**
 * Watches the TypeScript files in steps/ and solutions/. Saves in quick succession count as one
 * change. Where the system can't report changes, the files are polled several times a second;
 * CHOKIDAR_USEPOLLING=1 forces that.
 *
 * @param workshop the folder that holds steps/ and solutions/
 * @param onChange receives the changed files, such as `steps/01-hello-express/app.ts`
 * @returns a function that stops watching
 */
export async function watchSources(
  workshop: string,
  onChange: (files: string[]) => void,
  { quietMs = 40, say = () => undefined }: WatchOptions = {},
): Promise<() => Promise<void>> {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let watcher: FSWatcher | undefined;

  const report = () => {
    const files = [...changed].sort();
    changed.clear();
    onChange(files);
  };
  const open = (usePolling: boolean) => new Promise<void>((resolve) => {
    // Watch the parents of the steps' folders, to notice a folder that's deleted and comes back.
    const current = watch(['steps', 'solutions'].map((kind) => join(workshop, kind)), {
      ignoreInitial: true,
      // Links may be circular.
      followSymlinks: false,
      ignored: (path, stats) => stats?.isFile() === true && !path.endsWith('.ts'),
      ...usePolling && { usePolling, interval: POLL_MS },
    });
    watcher = current;
    current.on('all', (event, path) => {
      if (event === 'addDir' || event === 'unlinkDir') return;
      changed.add(relative(workshop, path).split(sep).join('/'));
      clearTimeout(timer);
      timer = setTimeout(report, quietMs);
    });
    current.once('ready', resolve);
    current.on('error', (error) => {
      if (usePolling || watcher !== current) return;
      say(`The system can't watch your files (${messageOf(error)}), so the workshop looks at them `
        + 'several times a second.');
      void current.close();
      // More errors may follow.
      current.on('error', () => undefined);
      void open(true).then(resolve);
    });
  });
  await open(isSilent(workshop));

  return async () => {
    clearTimeout(timer);
    await watcher?.close();
    clearTimeout(timer);
  };
}

/**
 * Whether a file system doesn't report changes: Windows drives in WSL 2 (9p), folders that a
 * container shares with its host (FUSE), network drives (SMB, NFS). The numbers are from Linux's
 * statfs(2).
 */
function isSilent(folder: string): boolean {
  const silent = [0x01021997, 0x65735546, 0xfe534d42, 0xff534d42, 0x6969];
  return process.platform === 'linux' && silent.includes(statfsSync(folder).type);
}
