import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Problem } from '../terminal/problem.ts';
import { root, type Step } from './steps.ts';

/** The learner's files in a folder: content by relative path, with forward slashes. */
export type Files = Map<string, Buffer>;

/** The folder with a step's starter: the learner's files in their original state. */
export function starterFolder({ folder }: Step, workshop = root): string {
  return path.join(workshop, 'shared', 'lesson', 'starters', folder);
}

/** @throws {Problem} when the workshop's copy of the starter is gone */
export async function readStarter(step: Step, workshop = root): Promise<Files> {
  const files = await readFiles(starterFolder(step, workshop));
  if (files.size > 0) return files;
  const folder = `shared/lesson/starters/${step.folder}`;
  throw new Problem(
    `${folder}/ is missing, and the starter of step ${step.number} is kept there.`,
    `git checkout ${folder}, or copy it from a fresh download of the workshop`,
  );
}

/** Reads a folder recursively, except for tests and editor settings. */
export async function readFiles(folder: string): Promise<Files> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files: Files = new Map();
  for (const entry of entries) {
    if (!entry.isFile() || /\.test\.ts$|^tsconfig\.json$/.test(entry.name)) continue;
    const file = path.join(entry.parentPath, entry.name);
    // A file may vanish while we read, if two commands run at once.
    const content = await readFile(file).catch(() => undefined);
    if (content) files.set(path.relative(folder, file).replaceAll(path.sep, '/'), content);
  }
  return files;
}

export function sameFiles(some: Files, others: Files): boolean {
  return some.size === others.size
    && [...some].every(([name, content]) => others.get(name)?.equals(content));
}
