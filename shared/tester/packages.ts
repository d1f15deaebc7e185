/*
 * When index.ts starts, finding and reading the hundreds of files of its packages takes longest. So
 * they're put together, one file per package, once for each `npm install`.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { packagesOf, root, steps } from '../lesson/steps.ts';

const names = [...new Set(steps.flatMap(packagesOf))];

let folder: Promise<string | undefined> | undefined;

/** The file that holds a package, or nothing where none can be written. */
export async function fileOf(name: string): Promise<string | undefined> {
  const place = await (folder ??= putTogether().catch(() => undefined));
  return place && path.join(place, `${name}.js`);
}

/** An esbuild plugin that takes the packages of the lessons from their files. */
export const packages: Plugin = {
  name: 'packages',
  setup: (build) => {
    build.onResolve({ filter: new RegExp(`^(${names.join('|')})$`) }, async ({ path: name }) => {
      const file = await fileOf(name);
      return file === undefined ? undefined : { path: pathToFileURL(file).href, external: true };
    });
  },
};

/** @returns the folder with the files @throws {Error} when it can't be made */
async function putTogether(): Promise<string> {
  // node_modules may be a link.
  const modules = await realpath(path.join(root, 'node_modules'));
  const installed = createHash('sha256')
    .update(await readFile(path.join(modules, '.package-lock.json')))
    .update(await readFile(fileURLToPath(import.meta.url)))
    .digest('hex').slice(0, 16);
  const cache = path.join(modules, '.cache', 'express-session-workshop');
  const folder = path.join(cache, installed);
  if (existsSync(folder)) return folder;

  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(path.join(cache, 'unfinished-'));
  await build({
    entryPoints: names,
    outdir: unfinished,
    bundle: true,
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    legalComments: 'none',
    logLevel: 'silent',
    banner: {
      js: "import { createRequire as _createRequire } from 'node:module';"
        + 'const require = _createRequire(import.meta.url);',
    },
    plugins: [exportsOfNode],
  });
  try {
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true });
    // Another test process may have been quicker.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Makes a module of a package that exports the names that Node sees, in CommonJS as well. */
const exportsOfNode: Plugin = {
  name: 'exports of Node',
  setup: (build) => {
    build.onResolve({ filter: /.*/ }, ({ path: name, kind }) => (
      kind === 'entry-point' ? { path: name, namespace: 'package' } : undefined
    ));
    build.onLoad({ filter: /.*/, namespace: 'package' }, async ({ path: name }) => {
      const exported = Object.keys(await import(name) as object);
      const identifiers = exported.filter((key) => /^[\w$]+$/.test(key));
      return {
        contents: `export { ${identifiers.join(', ')} } from ${JSON.stringify(name)};`,
        resolveDir: root,
      };
    });
  },
};
