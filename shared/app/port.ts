import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { promisify } from 'node:util';
import { codeOf, Problem } from '../terminal/problem.ts';

/** A program that listens on a port. */
interface Owner {
  pid: number;
  command: string;
}

/** How long a program on this machine may take to accept a connection, in milliseconds. */
const ANSWER_MS = 1000;

/**
 * The port for the app: PORT, or 4000 if it isn't set.
 * @param command the npm script that needs the port, such as `step:3`
 * @param platform whose programs tell who has the port; this machine's by default
 * @throws {Problem} when PORT isn't a port number, or the port can't be used
 */
export async function findPort(
  env: NodeJS.ProcessEnv, command: string, platform = process.platform,
): Promise<number> {
  const text = env['PORT'] || '4000';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) {
    throw new Problem(
      `PORT is ${text}, but a port is a number from 1 to 65535.`, withPort(4000, command),
    );
  }
  const code = await tryPort(port);
  if (code === 'EADDRINUSE') throw await portTaken(port, command, platform);
  if (code === undefined) return port;
  throw new Problem(
    `The system doesn't let an app use port ${port} (${code}).`,
    withPort(await otherPort(port), command),
  );
}

async function portTaken(
  port: number, command: string, platform: NodeJS.Platform,
): Promise<Problem> {
  const owner = await findOwner(port, platform);
  const line = owner?.command.trim() ?? 'another program';
  const process = owner ? ` (process ${owner.pid})` : '';
  const [, app] = /((?:steps|solutions)[\\/]\d\d-[\w-]+)[\\/]index\.ts/.exec(line) ?? [];
  if (app !== undefined || /shared[\\/]commands[\\/]run\.js (?:step|start)\b/.test(line)) {
    const who = app === undefined ? 'the workshop' : `the app of ${app.replace('\\', '/')}`;
    return new Problem(
      `Port ${port} is in use by ${who}, running in another terminal${process}.`,
      `press q (or Ctrl-C) in the other terminal, then npm run ${command}`,
    );
  }
  const who = line.length > 60 ? `${line.slice(0, 59)}…` : line;
  return new Problem(
    `Port ${port} is in use by ${who}${process}.`, withPort(await otherPort(port), command),
  );
}

function withPort(port: number, command: string): string {
  return `PORT=${port} npm run ${command} (on Windows put PORT=${port} into .env)`;
}

/** A usable port, but not the very next one, which the live picture prefers. */
async function otherPort(port: number): Promise<number> {
  for (const other of [4000, port + 10, port + 20, 8080]) {
    if (other !== port && other <= 65_535 && await tryPort(other) === undefined) return other;
  }
  return freePort();
}

/**
 * A port that was free a moment ago, and should stay free for a while: it's below the ephemeral
 * range, from which systems assign ports (32768 at the lowest).
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if (await tryPort(port) === undefined) return port;
  }
}

/**
 * The ports for an app behind a proxy. They aren't just any free ones: the system could assign
 * those to another program between two starts of the app.
 * @param proxyPort the port on which the proxy listens
 * @param count the number of the app's processes
 */
export async function findAppPorts(proxyPort: number, count = 1): Promise<number[]> {
  const ports: number[] = [];
  for (let port = proxyPort < 60_000 ? proxyPort + 100 : proxyPort - 10_000; ; port++) {
    if (ports.length === count) return ports;
    if (await tryPort(port) === undefined) ports.push(port);
  }
}

/**
 * Tries a port on both addresses of localhost. Listening on all of the machine's addresses, however
 * briefly, would make firewalls ask.
 * @returns why the port can't be used, such as `EADDRINUSE`; undefined if it can
 */
export async function tryPort(port: number): Promise<string | undefined> {
  for (const host of ['127.0.0.1', '::1']) {
    const server = createServer().listen(port, host);
    try {
      await once(server, 'listening');
      await new Promise((resolve) => server.close(resolve));
    } catch (error) {
      const code = codeOf(error);
      // Other errors mean that the machine has no IPv6.
      if (code === 'EADDRINUSE' || code === 'EACCES') return code;
    }
    // macOS and Windows let two programs listen: one here, the other on all addresses.
    if (await accepts(port, host)) return 'EADDRINUSE';
  }
  return undefined;
}

/** Whether a program on this machine accepts connections at a port. */
export async function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(ANSWER_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Finds the program that listens on a TCP port; undefined if the system doesn't say. */
async function findOwner(port: number, platform: string): Promise<Owner | undefined> {
  try {
    const find = { linux: onLinux, win32: onWindows }[platform] ?? elsewhere;
    return await find(port);
  } catch {
    return undefined;
  }
}

/** Looks in /proc: the port leads to a socket's inode, and that to the process holding it open. */
async function onLinux(port: number): Promise<Owner | undefined> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) =>
    readFile(`/proc/net/${name}`, 'utf8').catch(() => '')));
  const sockets = tables.flatMap((table) => listenersInProc(table, port))
    .map((inode) => `socket:[${inode}]`);
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

/** The inodes of the sockets that listen on a port, from /proc/net/tcp or tcp6. */
export function listenersInProc(table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const LISTENS = '0A';
  return table.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    return local?.endsWith(suffix) && state === LISTENS && inode ? [inode] : [];
  });
}

async function onWindows(port: number): Promise<Owner | undefined> {
  const pid = listenerInNetstat(await run('netstat', ['-ano']), port);
  if (pid === undefined) return undefined;
  const query = `(Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}').CommandLine`;
  const command = await run('powershell', ['-NoProfile', '-Command', query]);
  return { pid: Number(pid), command: command.trim() || 'a program' };
}

/** The process that listens on a port, from Windows' `netstat -ano`. */
export function listenerInNetstat(output: string, port: number): string | undefined {
  const [, , , , pid] = output.split('\n').map((line) => line.trim().split(/\s+/)).find(
    // The word for LISTENING is in the language of the system.
    ([protocol, local, remote]) => (
      protocol === 'TCP' && local?.endsWith(`:${port}`) && remote?.endsWith(':0')
    ),
  ) ?? [];
  return pid;
}

async function elsewhere(port: number): Promise<Owner | undefined> {
  const pid = (await run('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-t'])).split('\n')[0];
  if (!pid) return undefined;
  return { pid: Number(pid), command: await run('ps', ['-o', 'command=', '-p', pid]) };
}

async function run(command: string, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, { timeout: 3000, windowsHide: true });
  return stdout;
}
