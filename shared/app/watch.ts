import { statfsSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import { messageOf } from '../terminal/problem.ts';

/** What {@link watchSources} may be told. */
export interface WatchOptions {
  /** How long nothing more may be saved before a change is reported, in milliseconds. */
  quietMs?: number;
  /** Is called with a line for people, when watching becomes slower than it should be. */
  say?: (line: string) => void;
}

/** How often files are looked at where the system doesn't report changes, in milliseconds. */
const POLL_MS = 300;

/**
 * Watches the TypeScript files in steps/ and solutions/. Saves that follow one another closely are
 * one change. Where the system can't report changes, the files are looked at several times a second
 * instead; CHOKIDAR_USEPOLLING=1 asks for that, too.
 *
 * @param workshop the folder that holds steps/ and solutions/
 * @param onChange is called with the changed files, such as `steps/01-hello-express/app.ts`
 * @returns what stops it
 */
export async function watchSources(
  workshop: string,
  onChange: (files: string[]) => void,
  { quietMs = 80, say = () => undefined }: WatchOptions = {},
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
    // The parents of the steps' folders: one that is deleted and comes back is seen.
    const current = watch(['steps', 'solutions'].map((kind) => join(workshop, kind)), {
      ignoreInitial: true,
      // A link may lead in a circle.
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
      // More errors may be on their way.
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
 * Whether changes on a file system aren't reported: Windows drives in WSL 2 (9p), folders that a
 * container shares with its host (FUSE), network drives (SMB, NFS). The numbers are those of
 * Linux's statfs(2).
 */
function isSilent(folder: string): boolean {
  const silent = [0x01021997, 0x65735546, 0xfe534d42, 0xff534d42, 0x6969];
  return process.platform === 'linux' && silent.includes(statfsSync(folder).type);
}
