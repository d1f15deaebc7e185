/*
 * npm test: proves the workshop itself. Every *.test.ts below shared/ runs in a process of its own;
 * the tests of the steps are run by those that prove them. `npm test -- proof` runs only the files
 * whose path has the word in it, and `npm test 3` means npm run test:3.
 */
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { root } from '../lesson/steps.ts';

/** The longest come first, so that none is left to run alone at the end. */
const longest = [
  'proof/answers.test.ts', 'proof/text.test.ts', 'live/browser.test.ts',
  'commands/commands.test.ts', 'cockpit/cockpit.test.ts',
];

const started = performance.now();
const words = process.argv.slice(2);
const names = await readdir(path.join(root, 'shared'), { recursive: true });
const files = names
  .filter((name) => name.endsWith('.test.ts') && words.every((word) => name.includes(word)))
  .sort((a, b) => rank(a) - rank(b))
  .map((name) => path.join(root, 'shared', name));

const counts = { passed: 0, failed: 0, skipped: 0 };
const notes: string[] = [];
/** The suites and tests that are being reported, by file. */
const open = new Map<string, string[]>();

const events: AsyncIterable<TestEvent> = run({ files, concurrency: availableParallelism() });
for await (const { type, data } of events) {
  if (type === 'test:diagnostic' && !isTotal(data.message)) notes.push(data.message);
  if (type === 'test:stderr') process.stderr.write(data.message);
  if (type === 'test:start') enter(data.file, data.nesting, data.name);
  if (type !== 'test:pass' && type !== 'test:fail') continue;
  if (data.details.type === 'suite') continue;

  const name = fullName(data.file, data.nesting, data.name);
  if (data.skip !== undefined) {
    counts.skipped++;
    console.log(`- skipped  ${name}: ${String(data.skip)}`);
  } else if (type === 'test:pass') {
    counts.passed++;
    console.log(`✔ ${name}`);
  } else {
    counts.failed++;
    console.log(`✖ ${name}\n${describe(data.details.error)}`);
  }
}

const seconds = Math.round((performance.now() - started) / 1000);
console.log(`\nProved in ${seconds} s: ${notes.map((note) => note.replace(/\.$/, '')).join(' · ')}`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
if (counts.failed > 0 || counts.passed === 0) process.exitCode = 1;

function rank(name: string): number {
  const place = longest.indexOf(name.split(path.sep).join('/'));
  return place === -1 ? longest.length : place;
}

function enter(file: string | undefined, nesting: number, name: string): void {
  const names = open.get(file ?? '') ?? [];
  open.set(file ?? '', [...names.slice(0, nesting), name]);
}

/** `shared/proof/steps.test.ts › solutions › solution 1 passes …` */
function fullName(file: string | undefined, nesting: number, name: string): string {
  const suites = (open.get(file ?? '') ?? []).slice(0, nesting);
  const where = file === undefined ? [] : [path.relative(root, file).split(path.sep).join('/')];
  return [...where, ...suites, name].join(' › ');
}

/** Whether it is one of the totals that node:test tells at the end of each file. */
function isTotal(message: string): boolean {
  return /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message);
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause.stack ?? cause.message).replaceAll(/^/gm, '    ');
}
