/*
 * What takes longest when index.ts is started is to find, read and compile the hundreds of files of
 * its packages. They are put into one file and compiled once, and every start takes the result.
 */
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { mkdir, readFile, realpath, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { root, type Step } from '../lesson/steps.ts';
import { cacheOf, compileAll, provide } from './packages-loader.ts';

const names = ['express', 'express-session', 'connect-mongo', 'mongodb', 'supertest'];

// Where packages are linked to and not copied, their real place is where they are found.
const modules = await realpath(path.join(root, 'node_modules'));
const folder = path.join(modules, '.cache', 'express-session-workshop');

/** The packages of this machine in their compiled form. */
interface Compiled {
  /** What compiled them, and which: V8 reads only what itself has compiled. */
  runtime: string;
  /** The file that holds them all, in {@link folder}. */
  file: string;
  /** What each package exports to an `import`. */
  exports: Record<string, string[]>;
  /** The files they came from, below node_modules, and how these looked: `size-mtime`. */
  inputs: Record<string, string>;
}

const runtime = [process.version, process.arch, ...names].join(' ');

let compiling: Promise<Compiled> | undefined;

/**
 * An esbuild plugin that takes the packages in their compiled form, which is made anew when a file
 * of theirs has changed. Other packages, and all of them where nothing can be written, are left for
 * Node to find.
 */
export const packages: Plugin = {
  name: 'packages',
  setup: async (build) => {
    const compiled = await (compiling ??= upToDate().catch(compile)).catch(() => undefined);
    if (!compiled) return;
    const loader = fileURLToPath(new URL('packages-loader.ts', import.meta.url));
    const file = path.join(folder, compiled.file);
    build.onResolve({ filter: new RegExp(`^(${names.join('|')})$`) }, ({ path: name }) => (
      { path: name, namespace: 'package' }
    ));
    build.onLoad({ filter: /.*/, namespace: 'package' }, ({ path: name }) => {
      const exported = compiled.exports[name]?.map((key) => JSON.stringify(key)) ?? [];
      return {
        contents: [
          `import { load } from ${JSON.stringify(loader)};`,
          `const { ${exported.map((key, index) => `${key}: _${index}`).join()} } = await load(${
            JSON.stringify(file)}, ${JSON.stringify(name)});`,
          `export { ${exported.map((key, index) => `_${index} as ${key}`).join()} };`,
        ].join('\n'),
        resolveDir: root,
      };
    });
  },
};

/**
 * Loads the packages that a step's tests and its app need in their compiled form, if they have been
 * compiled, before anybody imports them. (connect-mongo is an ES module: nobody can load it for
 * others.)
 */
export async function providePackages(step: Step): Promise<void> {
  const compiled = await (compiling ??= upToDate()).catch(() => compiling = undefined);
  if (!compiled) return;
  const needed = names.filter((name) => (
    name !== 'connect-mongo' && (name !== 'mongodb' || step.needsDatabase)
  ));
  await provide(path.join(folder, compiled.file), needed);
}

/** What was compiled before. @throws {Error} when there is none, or the packages have changed */
async function upToDate(): Promise<Compiled> {
  const json = await readFile(path.join(folder, 'index.json'), 'utf8');
  const compiled = JSON.parse(json) as Compiled;
  if (compiled.runtime !== runtime) throw new Error(`They were compiled for ${compiled.runtime}.`);
  for (const [file, looks] of Object.entries(compiled.inputs)) {
    if (looksOf(file) !== looks) throw new Error(`${file} has changed.`);
  }
  return compiled;
}

/** Hundreds of files are asked: one after the other is quicker than all at once. */
function looksOf(file: string): string {
  const { size, mtimeMs } = statSync(path.join(modules, file));
  return `${size}-${mtimeMs}`;
}

async function compile(): Promise<Compiled> {
  const { outputFiles: [output], metafile } = await build({
    stdin: {
      contents: `export default { ${names.map((name) => (
        `'${name}': () => import('${name}')`
      )).join(', ')} };`,
      resolveDir: root,
      // What it imports is given to it as Node gives it to an ES module.
      sourcefile: 'packages.mjs',
    },
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const inputs = Object.keys(metafile.inputs)
    .filter((file) => file.includes('node_modules'))
    .map((file) => path.relative(modules, path.join(root, file)));
  const code = output?.text ?? '';
  const file = `${createHash('sha256').update(code).digest('hex').slice(0, 16)}.cjs`;
  const exported: Compiled['exports'] = {};
  for (const name of names) {
    exported[name] = Object.keys(await import(name) as Record<string, unknown>);
  }
  const compiled: Compiled = {
    runtime,
    file,
    exports: exported,
    inputs: Object.fromEntries(inputs.map((input) => [input, looksOf(input)])),
  };

  await mkdir(folder, { recursive: true });
  await save(file, code);
  await save(cacheOf(file), await compileAll(path.join(folder, file)));
  await save('index.json', JSON.stringify(compiled));
  return compiled;
}

/** Others may read it at any time. */
async function save(name: string, data: string | Buffer): Promise<void> {
  const unfinished = path.join(folder, `${name}.${process.pid}`);
  await writeFile(unfinished, data);
  await rename(unfinished, path.join(folder, name));
}
