import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { codeOf, Problem } from '../terminal/problem.ts';
import { root } from '../lesson/steps.ts';

/**
 * Reads the workshop's optional `.env` into the environment. Variables already set take precedence.
 * @throws {Problem} when the file can't be read, or has an invalid line. It names the setting but
 *   never its value, which may be secret.
 */
export function loadEnvFile(env = process.env, folder = root): void {
  let text;
  try {
    text = decode(readFileSync(join(folder, '.env')));
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    if (code === 'ENOENT') return;
    throw new Problem(`.env can't be read (${code}).`, 'npm run doctor');
  }
  // A quoted value may span several lines.
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

/** Decodes a text file from UTF-8, or from UTF-16, as written by PowerShell's `>`. */
function decode(bytes: Buffer): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  return new TextDecoder().decode(bytes);
}
