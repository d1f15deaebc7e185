import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { codeOf } from '../terminal/problem.ts';

/** The reason for a long-running command to end. */
export type Ending = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/**
 * Resolves when this process has to end: on Ctrl-C, a signal, a closed terminal (or other reader
 * of our output), or the death of the npm that started us. From now on, a signal no longer ends
 * the process by itself.
 *
 * @param onImpatience runs on another Ctrl-C, a second or more after the first
 */
export function untilEnd(onImpatience: () => void): Promise<Ending> {
  return new Promise((resolve) => {
    let since: number | undefined;
    const end = (ending: Ending) => {
      // npm also forwards the Ctrl-C that we got from the terminal: twice isn't impatience.
      if (since !== undefined && performance.now() - since >= 1000) onImpatience();
      since ??= performance.now();
      resolve(ending);
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
    // Ctrl-Break on Windows.
    process.on('SIGBREAK', () => { end('SIGINT'); });
    // The reader of our output is gone.
    for (const stream of [process.stdout, process.stderr]) {
      stream.on('error', () => { resolve('SIGHUP'); });
    }
    whenOrphaned(() => { resolve('SIGHUP'); });
  });
}

/** Notices when npm was killed by a signal that it couldn't forward. */
function whenOrphaned(onOrphaned: () => void): void {
  // Only if started by npm: otherwise our parent may well end before us, as with nohup.
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const npm = findNpm(parent);
  setInterval(() => {
    if (process.ppid !== parent || !isAlive(parent) || !isAlive(npm)) onOrphaned();
  }, 500).unref();
}

/**
 * npm's process id. Some shells stay between npm and us, and outlive npm; others replace
 * themselves with us. (On Windows the shell ends with npm.)
 */
export function findNpm(parent: number, platform = process.platform): number {
  if (platform === 'win32') return parent;
  try {
    const { name, above } = look(parent, platform);
    return /(^|\/)\w*sh$/.test(name) && above > 1 ? above : parent;
  } catch {
    return parent;
  }
}

/** The name of a process, and its parent's id. */
function look(pid: number, platform: NodeJS.Platform): { name: string; above: number } {
  if (platform === 'linux') {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, name = '', above] = /\((.*)\) \S (\d+)/s.exec(stat) ?? [];
    return { name, above: Number(above) };
  }
  const line = execFileSync('ps', ['-o', 'ppid=,comm=', '-p', String(pid)], { encoding: 'utf8' });
  const [, above, name = ''] = /^\s*(\d+)\s+(.*?)\s*$/.exec(line) ?? [];
  return { name, above: Number(above) };
}

/** Whether a process is running. Windows keeps reporting a dead process as our parent. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
