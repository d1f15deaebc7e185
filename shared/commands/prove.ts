import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { findStep, root } from '../lesson/steps.ts';

/** The longest come first, so that none is left to run alone at the end. */
const longest = [
  'proof/answers.test.ts', 'proof/text.test.ts', 'proof/steps.test.ts', 'live/browser.test.ts',
  'commands/commands.test.ts', 'cockpit/cockpit.test.ts',
];

/**
 * `npm test`: proves the workshop itself. Every *.test.ts below shared/ runs in a process of its
 * own; the tests of the steps are run by those that prove them. `npm test -- proof` runs only the
 * files whose path has the word in it, and `npm test 3` means `npm run test:3`.
 */
export default async function prove({ args: words }: { args: string[] }): Promise<void> {
  const [word = ''] = words;
  if (words.length === 1 && /^\d+$/.test(word)) return testStep(word);
  console.log('This proves the workshop itself and takes about a minute. '
    + 'To test your own step 1, type npm run test:1');
  // What a shell sets for an app of its own must not change what is proved.
  for (const name of ['PORT', 'SESSION_SECRET', 'NODE_ENV']) {
    Reflect.deleteProperty(process.env, name);
  }
  const started = performance.now();
  const names = await readdir(path.join(root, 'shared'), { recursive: true });
  const files = names
    .filter((name) => name.endsWith('.test.ts') && words.every((word) => name.includes(word)))
    .sort((a, b) => rank(a) - rank(b))
    .map((name) => path.join(root, 'shared', name));
  // The processes of the tests get the flags of this one.
  process.execArgv.push('--import', 'tsx');
  const { passed, failed, skipped, notes } = await report(
    run({ files, concurrency: availableParallelism() }),
  );
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`\nProved in ${seconds} s: ${notes.map((note) => note.replace(/\.$/, '')).join(' · ')}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

/** Does what was meant by `npm test 3`. */
async function testStep(word: string): Promise<void> {
  const script = `test:${findStep(word, 'test:N').number}`;
  console.log(`npm test proves the workshop itself. You mean npm run ${script}:\n`);
  const { scripts } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [, ...args] = scripts[script]?.split(' ') ?? [];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

/** Prints a line a test, and what is wrong with those that fail. */
async function report(events: AsyncIterable<TestEvent>) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const notes: string[] = [];
  /** The suites and tests that are being reported, by file. */
  const open = new Map<string, string[]>();
  for await (const { type, data } of events) {
    if (type === 'test:diagnostic' && !isTotal(data.message)) notes.push(data.message);
    if (type === 'test:stderr') process.stderr.write(data.message);
    if (type === 'test:start') {
      const names = open.get(data.file ?? '') ?? [];
      open.set(data.file ?? '', [...names.slice(0, data.nesting), data.name]);
    }
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (data.details.type === 'suite') continue;

    // `shared/proof/steps.test.ts › solutions › solution 1 passes …`
    const suites = (open.get(data.file ?? '') ?? []).slice(0, data.nesting);
    const file = path.relative(root, data.file ?? '').replaceAll(path.sep, '/');
    const name = [file, ...suites, data.name].filter(Boolean).join(' › ');
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
  return { ...counts, notes };
}

function rank(name: string): number {
  const place = longest.indexOf(name.replaceAll(path.sep, '/'));
  return place === -1 ? longest.length : place;
}

/** Whether it's one of the totals that node:test tells at the end of each file. */
function isTotal(message: string): boolean {
  return /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/.test(message);
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause.stack ?? cause.message).replaceAll(/^/gm, '    ');
}
