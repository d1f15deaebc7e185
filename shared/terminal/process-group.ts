import { execFileSync, type ChildProcess } from 'node:child_process';

/**
 * Options of `spawn` for a process that Ctrl-C in this terminal doesn't reach, so that we can ask
 * it to end. It can be killed together with all that it has started. Windows has no such groups: a
 * detached process would outlive us there.
 */
export function ownGroup(platform = process.platform) {
  return { detached: platform !== 'win32', windowsHide: true };
}

/** Kills a process started with {@link ownGroup} and all its children, even if it's dead itself. */
export function killGroup({ pid }: ChildProcess, platform = process.platform): void {
  if (pid === undefined) return;
  try {
    if (platform !== 'win32') process.kill(-pid, 'SIGKILL');
    else execFileSync('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore' });
  } catch {
    // All of them have ended already.
  }
}
