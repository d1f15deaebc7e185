/*
 * Takes packages from the file into which packages.ts has compiled them. Runs inside the learner's
 * index.ts, so it loads nothing else.
 */
import { readFileSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { constants, Script } from 'node:vm';

/** What an `import` of a package gives. */
type Exports = Record<string, unknown>;

type Packages = Record<string, () => Promise<Exports>>;

let packages: Packages | undefined;

/**
 * Loads one of the packages.
 * @param file where they all are
 */
export async function load(file: string, name: string): Promise<Exports> {
  packages ??= run(file, read(file));
  return await packages[name]?.() ?? {};
}

/**
 * Loads some of the packages for whoever imports them later in this process.
 * @param file where they all are
 */
export async function provide(file: string, names: readonly string[]): Promise<void> {
  const require = createRequire(file);
  for (const name of names) {
    const filename = require.resolve(name);
    if (require.cache[filename]) continue;
    const module = new Module(filename);
    Object.assign(module, { filename, loaded: true, exports: (await load(file, name))['default'] });
    require.cache[filename] = module;
  }
}

/** Loads all packages and returns what V8 has compiled of them. */
export async function compileAll(file: string): Promise<Buffer> {
  const script = read(file);
  // V8 compiles a function when it is first called.
  for (const load of Object.values(run(file, script))) await load();
  return script.createCachedData();
}

/** Where V8's work is kept, beside the code. */
export function cacheOf(file: string): string {
  return `${file}.cache`;
}

function read(file: string): Script {
  let cachedData;
  try {
    cachedData = readFileSync(cacheOf(file));
  } catch {
    // Not compiled yet.
  }
  return new Script(Module.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
}

function run(file: string, script: Script): Packages {
  const module = { exports: {} as { default: Packages } };
  const wrapper = script.runInThisContext() as (...args: unknown[]) => void;
  wrapper(module.exports, createRequire(file), module);
  return module.exports.default;
}
