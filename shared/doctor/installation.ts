import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Finding } from './check.ts';
import { root, steps } from '../lesson/steps.ts';

/** Whether Node is new enough for what package.json asks for. */
export async function checkNode(): Promise<Finding> {
  const { engines } = await readJson<{ engines?: { node?: string } }>('package.json');
  const [, major = 0, minor = 0] = /(\d+)\.(\d+)/.exec(engines?.node ?? '')?.map(Number) ?? [];
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  const ok = ownMajor > major || (ownMajor === major && ownMinor >= minor);
  return {
    name: 'Node',
    ok,
    found: `${process.version}, needed is ${major}.${minor} or newer`,
    ...!ok && { next: 'install the LTS version from https://nodejs.org, then npm install' },
  };
}

interface Lock { packages?: Record<string, { version?: string; optional?: boolean }> }

/** Whether node_modules holds what package-lock.json says. npm notes there what it installed. */
export async function checkInstall(): Promise<Finding> {
  const name = 'Install';
  const next = 'npm install';
  try {
    const { packages: wanted = {} } = await readJson<Lock>('package-lock.json');
    const { packages: there = {} } = await readJson<Lock>('node_modules/.package-lock.json');
    const all = Object.entries(wanted).filter(([folder]) => folder !== '');
    // What is optional is for other systems.
    const needed = all.filter(([folder, { optional }]) => optional !== true || folder in there);
    const wrong = needed.filter(([folder, { version }]) => there[folder]?.version !== version);
    const [first] = wrong;
    if (!first) return { name, ok: true, found: `complete, ${needed.length} packages` };
    const example = first[0].replace('node_modules/', '');
    return {
      name, ok: false, next,
      found: `${wrong.length} packages are missing or of another version, such as ${example}`,
    };
  } catch {
    return { name, ok: false, next, found: 'node_modules or package-lock.json is not there' };
  }
}

/** Whether a process can run TypeScript here, as those of the app and the tests do. */
export async function checkTsx(): Promise<Finding> {
  try {
    const args = ['--import', 'tsx', path.join(root, 'shared', 'lesson', 'steps.ts')];
    await promisify(execFile)(process.execPath, args, {
      cwd: root, timeout: 4500, windowsHide: true,
    });
    return { name: 'tsx', ok: true, found: 'runs TypeScript' };
  } catch {
    return { name: 'tsx', ok: false, found: 'does not run', next: 'npm ci' };
  }
}

/** Whether the workshop's folder and its .workshop may be written. */
export async function checkFolder(): Promise<Finding> {
  const name = 'Folder';
  try {
    for (const folder of ['.workshop', ...steps.map((step) => `steps/${step.folder}`)]) {
      const file = path.join(root, folder, `doctor-${randomUUID()}.tmp`);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, '');
      await rm(file);
    }
    return { name, ok: true, found: 'may be written' };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    return {
      name, ok: false, found: `${root} may not be written${code}`,
      next: 'copy the workshop into a folder of your own, such as your home folder',
    };
  }
}

/** Whether the files of the workshop have one kind of line endings. */
export async function checkLineEndings(): Promise<Finding> {
  const name = 'Line ends';
  const mixed: string[] = [];
  let windows = 0;
  const folders = steps.flatMap(({ folder }) => [`steps/${folder}`, `solutions/${folder}`]);
  const files = [...folders.flatMap((folder) =>
    ['app.ts', 'session.ts', 'index.ts'].map((file) => `${folder}/${file}`)), 'WORKSHOP.md'];
  for (const file of files) {
    const text = await readFile(path.join(root, file), 'utf8').catch(() => '');
    const all = text.split('\n').length - 1;
    const crlf = text.split('\r\n').length - 1;
    if (crlf > 0) windows++;
    if (crlf > 0 && crlf < all) mixed.push(file);
  }
  if (mixed.length > 0) {
    return {
      name, ok: false, found: `both kinds in ${mixed.join(', ')}`,
      next: 'save the file with LF in your editor; at its foot it shows CRLF or LF',
    };
  }
  return {
    name, ok: true,
    found: windows > 0 ? `CRLF in ${windows} files, which does no harm` : 'LF everywhere',
  };
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(path.join(root, file), 'utf8')) as T;
}
