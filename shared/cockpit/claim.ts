import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Problem } from '../terminal/problem.ts';
import { root, type Step } from '../lesson/steps.ts';

/**
 * Claims a port for this cockpit. The port itself does not tell that it has an owner: the app of a
 * beginner may not listen yet, or have crashed.
 * @returns what gives the claim back
 * @throws {Problem} when a cockpit that runs has claimed it
 */
export function claimPort(port: number, { number }: Step, command: string): () => void {
  const folder = path.join(root, '.workshop');
  const file = path.join(folder, `cockpit-${port}.json`);
  const owner = readOwner(file);
  if (owner && isAlive(owner.pid)) {
    throw new Problem(
      `Port ${port} is in use: by step ${owner.step}, which runs in another terminal (process `
      + `${owner.pid}).`,
      `go on there, or end it there with q, or take another port: PORT=${port + 1} npm run `
      + `${command} (on Windows put PORT=${port + 1} into .env)`,
    );
  }
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, JSON.stringify({ pid: process.pid, step: number }));
  } catch {
    // A folder that cannot be written must not stop a lesson.
  }
  const release = () => {
    if (readOwner(file)?.pid === process.pid) rmSync(file, { force: true });
  };
  process.once('exit', release);
  return release;
}

function readOwner(file: string): { pid: number; step: number } | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!(owner instanceof Object) || !('pid' in owner) || !('step' in owner)) return undefined;
    return { pid: Number(owner.pid), step: Number(owner.step) };
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
