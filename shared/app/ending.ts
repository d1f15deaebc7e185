import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Why a command that runs until it's told to end has to end. */
export type Ending = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Resolves when this process has to end: Ctrl-C, a signal, a closed terminal (or another reader
 * of our output that is gone), or the death of the npm that started us. From now on a signal no
 * longer ends the process by itself.
 *
 * @param onImpatience is called at another Ctrl-C, a second or more after the first
 */
export function untilEnd(onImpatience: () => void): Promise<Ending> {
  return new Promise((resolve) => {
    let since: number | undefined;
    const end = (ending: Ending) => {
      // npm passes on the Ctrl-C that the terminal has sent us as well: twice isn't impatience.
      if (since !== undefined && performance.now() - since >= 1000) onImpatience();
      since ??= performance.now();
      resolve(ending);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
    // Ctrl-Break, on Windows.
    process.on('SIGBREAK', () => {
      end('SIGINT');
    });
    // Nobody is left to read what we print.
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', () => {
        resolve('SIGHUP');
      });
    }
    whenOrphaned(() => {
      resolve('SIGHUP');
    });
  });
}

/** Notices that npm was killed in a way that it could not pass on. */
function whenOrphaned(onOrphaned: () => void): void {
  // Started by npm: otherwise the parent may well end before us, as with nohup.
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const npm = findNpm(parent);
  setInterval(() => {
    if (process.ppid !== parent || !isAlive(parent) || !isAlive(npm)) onOrphaned();
  }, 500).unref();
}

/**
 * npm's process id. Some shells stay between npm and us, and outlive npm; others give way. (On
 * Windows the shell is ended with npm.)
 */
function findNpm(parent: number): number {
  if (process.platform === 'win32') return parent;
  try {
    const { name, above } = look(parent);
    return /(^|\/)\w*sh$/.test(name) && above > 1 ? above : parent;
  } catch {
    return parent;
  }
}

/** The name of a process, and the id of the one above it. */
function look(pid: number): { name: string; above: number } {
  if (process.platform === 'linux') {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, name = '', above] = /\((.*)\) \S (\d+)/s.exec(stat) ?? [];
    return { name, above: Number(above) };
  }
  const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
  const [, above, name = ''] = /^\s*(\d+)\s+(.*?)\s*$/.exec(line) ?? [];
  return { name, above: Number(above) };
}

/** Whether a process runs. Windows goes on naming a parent that has ended. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
