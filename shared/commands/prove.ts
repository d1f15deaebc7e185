import { spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { findStep, root } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';

/** The longest come first, so that none is left to run alone at the end. */
const longest = [
  'proof/answers.test.ts', 'proof/text.test.ts', 'live/browser.test.ts',
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
  console.log('This proves the workshop itself and takes several minutes. '
    + 'To test your own step 1, type npm run test:1');
  // What a shell sets for an app of its own must not change what is proved.
  for (const name of ['PORT', 'SESSION_SECRET', 'NODE_ENV']) {
    Reflect.deleteProperty(process.env, name);
  }
  const names = await readdir(path.join(root, 'shared'), { recursive: true });
  const files = names
    .filter((name) => name.endsWith('.test.ts') && words.every((word) => name.includes(word)))
    .sort((a, b) => rank(a) - rank(b))
    .map((name) => path.join(root, 'shared', name));
  if (files.length === 0) {
    throw new Problem(`No test file's path has all the words: ${words.join(' ')}.`, 'npm test');
  }
  // The processes of the tests get the flags of this one.
  process.execArgv.push('--import', 'tsx');
  const tests = run({ files, concurrency: availableParallelism() });
  tests.on('test:fail', () => { process.exitCode = 1; });
  await pipeline(tests, new spec(), process.stdout, { end: false });
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

function rank(name: string): number {
  const place = longest.indexOf(name.replaceAll(path.sep, '/'));
  return place === -1 ? longest.length : place;
}
