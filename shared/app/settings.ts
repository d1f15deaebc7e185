import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { Problem } from '../terminal/problem.ts';
import { findPortOwner } from './port-owner.ts';
import { root } from '../lesson/steps.ts';

/**
 * Reads the workshop's optional `.env` into the environment. What is set already wins.
 * @throws {Problem} when the file can't be read, or a line of it isn't understood. It names the
 *   setting, never its value: that may be secret.
 */
export function loadEnvFile(env = process.env, folder = root): void {
  let text;
  try {
    text = decode(readFileSync(join(folder, '.env')));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT') return;
    throw new Problem(`.env can't be read (${String(error.code)}).`, 'npm run doctor');
  }
  // A value in quotes may go on over several lines.
  const lines = text
    .replace(/=[ \t]*(["'`])[^]*?\1/g, (value) => `=${value.replace(/[^\n]/g, '')}`)
    .split(/\r?\n/);
  const number = lines.findIndex((line) => !/^\s*(#|$|(export\s+)?\w+\s*=)/.test(line)) + 1;
  if (number > 0) {
    const [, name = 'NAME'] = /^\s*(?:set\s+|\$env:)?(\w+)\s*[=:]/i
      .exec(lines[number - 1] ?? '') ?? [];
    throw new Problem(
      `Line ${number} of .env isn't a setting: a setting reads NAME=value.`,
      `correct line ${number} of .env${name === 'NAME' ? '' : ` to ${name}=…`}, then run the `
      + 'command again',
    );
  }
  for (const [name, value] of Object.entries(parseEnv(text))) env[name] ??= value;
}

/** The text of a file in UTF-8 or, as PowerShell's `>` writes it, in UTF-16. */
function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}

/**
 * The port for the app: PORT, or 4000 if that is not set.
 * @param command the npm script that needs the port, such as `step:3`
 * @throws {Problem} when PORT is not a port number, or the port is not free
 */
export async function findPort(env: NodeJS.ProcessEnv, command: string): Promise<number> {
  const text = env['PORT'] || '4000';
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  const next = (other: number) =>
    `PORT=${other} npm run ${command} (on Windows put PORT=${other} into .env)`;
  if (port < 1 || port > 65_535) {
    throw new Problem(`PORT is ${text}, but a port is a number from 1 to 65535.`, next(4000));
  }
  // An app listens on all addresses. Some systems allow that although another program listens on
  // one of them, which would then get the browser's requests.
  for (const host of ['::', '0.0.0.0', '127.0.0.1', '::1']) {
    const code = await tryPort(port, host);
    const other = port < 65_535 ? port + 1 : 4000;
    if (code === 'EADDRINUSE') {
      const owner = await findPortOwner(port) ?? 'another program';
      throw new Problem(`Port ${port} is in use by ${owner}.`, next(other));
    }
    if (code === 'EACCES') {
      throw new Problem(`Port ${port} may not be used: the system refuses it.`, next(4000));
    }
  }
  return port;
}

/** Listens for a moment; returns the error's code if that fails, as it does without IPv6. */
function tryPort(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code);
    });
    server.listen(port, host, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}
