/*
 * The entry point of every npm script: run.js COMMAND WORDS runs COMMAND.ts beside this file. It's
 * plain JavaScript that any Node can read, so that it can report what's missing before TypeScript
 * can be loaded.
 */
import { readFileSync } from 'node:fs';

const [name = '', ...args] = process.argv.slice(2);

const { engines } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);
const needed = engines.node.replace('>=', '');
if (process.versions.node.localeCompare(needed, 'en', { numeric: true }) < 0) {
  stop(
    `The workshop needs Node.js ${needed} or newer, and this is ${process.version}.`,
    'install the LTS version from https://nodejs.org, then npm install',
  );
}
try {
  const { register } = await import('tsx/esm/api');
  register();
} catch {
  stopIncomplete();
}
/** @type {{ default: import('./command.ts').Command }} */
const { default: command } = await import(`./${name}.ts`).catch((error) => {
  if (/^Cannot find package/.test(error.message)) stopIncomplete();
  throw error;
});
const { runHere } = await import('./command.ts');
await runHere(command, args);

function stopIncomplete() {
  stop("The workshop's packages aren't installed: node_modules is missing or incomplete.",
    'npm install');
}

/**
 * @param {string} why
 * @param {string} next
 */
function stop(why, next) {
  console.error(`${why}\nNext: ${next}`);
  process.exit(1);
}
