/*
 * The accounts of part two: Ada's, and that of Mallory, her attacker. Each run of a step creates
 * them afresh with random passwords, kept for the attacks in .workshop/accounts.json.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { writeWhole } from '../lesson/replace.ts';
import { root } from '../lesson/steps.ts';

/** The passwords of the accounts. */
export interface Passwords {
  ada: string;
  mallory: string;
}

const file = '.workshop/accounts.json';
const main = fileURLToPath(new URL('accounts-main.ts', import.meta.url));

/**
 * Creates the accounts with createAccount() from an accounts.ts, in a separate process: the file
 * may be the learner's and may have changed.
 * @param accountsFile the path of accounts.ts
 * @param mongoUrl the app's database
 * @throws {Error} when creating them fails, with the first line of the reason
 */
export async function makeAccounts(accountsFile: string, mongoUrl: string): Promise<Passwords> {
  const passwords = { ada: makePassword(), mallory: makePassword() };
  const child = spawn(process.execPath, ['--import', 'tsx', main, accountsFile], {
    cwd: root,
    env: { ...process.env, MONGO_URL: mongoUrl, PASSWORDS: JSON.stringify(passwords) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const [errors] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (child.exitCode !== 0) {
    throw new Error(/^\w*Error.*$/m.exec(errors)?.[0] ?? `${accountsFile} could not be run`);
  }
  return passwords;
}

/** Saves the passwords for the attacks. */
export async function keepPasswords(passwords: Passwords, workshop = root): Promise<void> {
  await writeWhole(workshop, file, JSON.stringify(passwords));
}

/** The passwords of the current or most recent run of a step; undefined if there was none. */
export async function readPasswords(workshop = root): Promise<Passwords | undefined> {
  const kept = await readFile(path.join(workshop, file), 'utf8').catch(() => undefined);
  return kept === undefined ? undefined : JSON.parse(kept) as Passwords;
}

/** Returns twelve characters that are easy to type and read. */
function makePassword(): string {
  return randomBytes(16).toString('base64url').replaceAll(/[-_0OIl1]/g, '').slice(0, 12);
}
