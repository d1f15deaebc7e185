/*
 * The accounts of part two: Ada's, and that of Mallory, who attacks her. Every run of a step makes
 * them anew, with random passwords. .workshop/accounts.json keeps those for the attacks.
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
 * Makes the accounts with the createAccount() of an accounts.ts, in a process of its own: the file
 * may be the learner's, and may have been changed.
 * @param accountsFile the path of accounts.ts
 * @param mongoUrl the database of the app
 * @throws {Error} when there are no accounts now, with the first line of why
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

/** Keeps the passwords for the attacks. */
export async function keepPasswords(passwords: Passwords, workshop = root): Promise<void> {
  await writeWhole(workshop, file, JSON.stringify(passwords));
}

/** The passwords of the step that runs, or ran last; undefined if none ever did. */
export async function readPasswords(workshop = root): Promise<Passwords | undefined> {
  const kept = await readFile(path.join(workshop, file), 'utf8').catch(() => undefined);
  return kept === undefined ? undefined : JSON.parse(kept) as Passwords;
}

/** Twelve characters that are easy to type and to read. */
function makePassword(): string {
  return randomBytes(16).toString('base64url').replaceAll(/[-_0OIl1]/g, '').slice(0, 12);
}
