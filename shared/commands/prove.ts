import { spawnSync } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { findStep, root } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';

/** The tests that can be told to prove one step, by PROVED_STEP. */
const ofSteps = ['proof/answers.test.ts', 'proof/text.test.ts'];

/** The longest come first, so that none runs alone at the end. */
const longest = [
  ...ofSteps, 'live/browser.test.ts', 'commands/commands.test.ts', 'cockpit/cockpit.test.ts',
];

/**
 * `npm test`: proves the workshop itself. Every *.test.ts below shared/ runs in its own process;
 * some of them run the steps' tests. `npm test -- step 5` proves that step alone, `npm test --
 * proof` only runs files with the word in their path, and `npm test 3` means `npm run test:3`.
 */
export default async function prove({ args: words }: { args: string[] }): Promise<void> {
  const [word = '', number] = words;
  if (words.length === 1 && /^\d+$/.test(word)) {
    testStep(word);
    return;
  }
  // Shell settings for the user's own apps mustn't affect the proof.
  for (const name of ['PORT', 'SESSION_SECRET', 'NODE_ENV', 'PROVED_STEP']) {
    Reflect.deleteProperty(process.env, name);
  }
  const step = word === 'step' ? findStep(number, 'test -- step N') : undefined;
  if (step) process.env['PROVED_STEP'] = String(step.number);
  else {
    console.log('This checks the workshop itself and takes up to 20 minutes on two cores. '
      + 'To test your own step 1, type npm run test:1');
  }
  const names = await readdir(path.join(root, 'shared'), { recursive: true });
  const files = names
    .map((name) => name.replaceAll(path.sep, '/'))
    .filter((name) => name.endsWith('.test.ts'))
    .filter((name) => (
      step ? ofSteps.includes(name) : words.every((word) => name.includes(word))
    ))
    .sort((a, b) => rank(a) - rank(b))
    .map((name) => path.join(root, 'shared', name));
  if (files.length === 0) {
    throw new Problem(`No test file's path has all the words: ${words.join(' ')}.`, 'npm test');
  }
  // The test processes inherit this one's flags.
  process.execArgv.push('--import', 'tsx');
  const tests = run({ files, concurrency: availableParallelism() });
  tests.on('test:fail', () => { process.exitCode = 1; });
  await pipeline(tests, new spec(), process.stdout, { end: false });
}

/** Runs what `npm test 3` was meant to. */
function testStep(word: string): void {
  const number = String(findStep(word).number);
  console.log(`npm test checks the workshop itself. You mean npm run test:${number}:\n`);
  const args = ['shared/commands/run.js', 'test', number];
  process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

function rank(name: string): number {
  const place = longest.indexOf(name);
  return place === -1 ? longest.length : place;
}
