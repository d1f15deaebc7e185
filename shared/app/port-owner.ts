import { execFile } from 'node:child_process';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Finds out which program listens on a TCP port of this machine.
 * @returns such as `node server.js (process 4711)`; undefined where the system does not tell
 */
export async function findPortOwner(port: number): Promise<string | undefined> {
  try {
    const find = { linux: onLinux, win32: onWindows }[process.platform as string] ?? elsewhere;
    const owner = await find(port);
    return owner && `${shorten(owner.command)} (process ${owner.pid})`;
  } catch {
    return undefined;
  }
}

interface Owner {
  pid: number;
  command: string;
}

/** The app of a step is named by its folder; any other command is cut to what fits a sentence. */
function shorten(command: string): string {
  const [, app] = /((?:steps|solutions)[\\/]\d\d-[\w-]+)[\\/]index\.ts/.exec(command) ?? [];
  if (app !== undefined) return `the app of ${app.replace('\\', '/')}, started in another terminal`;
  const line = command.trim();
  return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** In /proc a port leads to the number of a socket, and that to the process which has it open. */
async function onLinux(port: number): Promise<Owner | undefined> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) =>
    readFile(`/proc/net/${name}`, 'utf8').catch(() => '')));
  const LISTENS = '0A';
  const sockets = tables.flatMap((table) => table.split('\n').slice(1)).flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return local?.endsWith(suffix) && state === LISTENS ? [`socket:[${inode ?? ''}]`] : [];
  });
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const files = await readdir(`/proc/${pid}/fd`).catch((): string[] => []);
    const targets = await Promise.all(files.map((file) =>
      readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
    if (!targets.some((target) => sockets.includes(target))) continue;
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return { pid: Number(pid), command: command.replaceAll('\0', ' ') };
  }
  return undefined;
}

async function onWindows(port: number): Promise<Owner | undefined> {
  const lines = (await run('netstat', ['-ano', '-p', 'TCP'])).split('\n');
  const parts = lines.map((line) => line.trim().split(/\s+/));
  const [, , , , pid] = parts.find(([, local, remote]) => (
    local?.endsWith(`:${port}`) && remote?.endsWith(':0')
  )) ?? [];
  if (pid === undefined) return undefined;
  const row = await run('tasklist', ['/FI', `PID eq ${pid}`, '/FO', 'CSV', '/NH']);
  return { pid: Number(pid), command: /^"([^"]+)"/.exec(row.trim())?.[1] ?? 'a program' };
}

async function elsewhere(port: number): Promise<Owner | undefined> {
  const pid = (await run('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'])).split('\n')[0];
  if (!pid) return undefined;
  return { pid: Number(pid), command: await run('ps', ['-o', 'command=', '-p', pid]) };
}

async function run(command: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { timeout: 1500, windowsHide: true });
  return stdout;
}
