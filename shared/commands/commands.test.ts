import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { MongoClient } from 'mongodb';
import type { runCockpit } from '../cockpit/cockpit.ts';
import { findStep, root, steps, type Step } from '../lesson/steps.ts';
import { startStandIn } from '../mongo/stand-in/server.ts';
import { Problem } from '../terminal/problem.ts';
import type { runStepTests } from '../tester/test-process.ts';
import { learnersWorkshop } from '../testing/terminal.ts';
import { eventually, onEnd, Workshop } from '../testing/workshop.ts';
import { readArguments } from './arguments.ts';
import catchUp from './catch-up.ts';
import { contextOf, type Command } from './command.ts';
import diff from './diff.ts';
import hint from './hint.ts';
import progress from './progress.ts';
import prove from './prove.ts';
import reset from './reset.ts';
import start from './start.ts';
import workshopCommand from './workshop.ts';

/** Runs a command in this process. @returns its output, and whether it succeeded */
async function ask(
  workshop: { folder: string }, command: Command, words = '', { env = {}, color = false } = {},
) {
  let output = '';
  const print = (text: string) => { output += `${text}\n`; };
  try {
    const args = words.split(' ').filter(Boolean);
    const display = { columns: 80, color };
    await command({ args, env, workshop: workshop.folder, display, print });
    return { ok: true, output };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { ok: false, output: `${output}${error.message}\nNext: ${error.next}` };
  }
}

/** A test report for two moves, with the given moves red. */
function reportOf(red: number[]): ReturnType<typeof runStepTests> {
  const failure = { observed: '', why: '', lookAt: '' };
  return Promise.resolve({
    step: findStep(1),
    kind: 'steps',
    database: 'MongoDB: stand-in in memory',
    tests: [1, 2].map((move) => (
      { name: '', step: 1, move, ...red.includes(move) && { failure } }
    )),
  });
}

const at = (number: number, file: string) => `steps/${steps[number - 1]?.folder}/${file}`;

const read = (workshop: Workshop, file: string) => workshop.read(file).catch(() => undefined);

async function backups({ folder }: Workshop): Promise<string[]> {
  const names = await readdir(join(folder, '.workshop', 'backups')).catch(() => []);
  return names.map((name) => `.workshop/backups/${name}`);
}

/** The content of a file in each backup. */
async function kept(workshop: Workshop, file: string): Promise<(string | undefined)[]> {
  const folders = await backups(workshop);
  return Promise.all(folders.map((backup) => read(workshop, `${backup}/${file}`)));
}

test('a flag may come before or after --, and npm may have swallowed a word', () => {
  const all = (args: string[], env = {}) => {
    const { positionals, flags } = readArguments('hint N', ['all'], { args, env });
    return [...positionals, flags.all];
  };
  assert.deepEqual(all(['3']), ['3', false]);
  assert.deepEqual(all(['3', '--all']), ['3', true]);
  assert.deepEqual(all(['3'], { npm_config_all: 'true' }), ['3', true]);
  assert.deepEqual(all([], { npm_config_all: '3' }), ['3', true]);
  assert.throws(() => all(['3', '--al']), Problem);
});

test('what a command prints suits the fonts of the console', (t) => {
  const log = t.mock.method(console, 'log', () => undefined);
  const { stdout } = process;
  contextOf([], { stdout, env: {}, platform: 'win32' }).print('✔ pass  …\n✖ fail  …');
  assert.deepEqual(log.mock.calls[0]?.arguments, ['√ pass  …\n× fail  …']);
});

test('a step is named with a colon or as a word, in every command', async () => {
  const scripts = await npmScripts();
  for (const name of ['step', 'solution', 'hint', 'diff', 'reset', 'catch-up']) {
    for (const { number } of steps) {
      assert.equal(scripts[`${name}:${number}`], `${scripts[name]} ${number}`
        .replace(/(--solution) (\d+)/, '$2 $1'));
    }
  }
});

test('hint: one more each time, for the first red move', async (t) => {
  const workshop = await learnersWorkshop(t);
  const red = (...moves: number[]): Command => (context) => hint(context, () => reportOf(moves));
  const names = ['a nudge', 'a pointer', 'the code', 'the code'];
  for (const [index, name] of names.entries()) {
    const number = Math.min(index + 1, 3);
    const { output } = await ask(workshop, red(1, 2), '1');
    assert.match(output, new RegExp(`Move 1: Answer /one · Hint ${number} of 3: ${name}`));
    assert.match(output, new RegExp(`Hint ${number} of move 1\\.`));
  }
  assert.match((await ask(workshop, red(2), '1')).output, /Move 2: Answer \/two · Hint 1 of 3/);
  const { output } = await ask(workshop, hint, '1', { env: { npm_config_all: 'true' } });
  assert.equal(output.match(/^Step 1 · Move/gm)?.length, 6);
  assert.match((await ask(workshop, red(), '1')).output, /green.*\nNext: npm start/);
  await ask(workshop, reset, '1');
  await rm(join(workshop.folder, 'WORKSHOP.md'));
  assert.match((await ask(workshop, hint, '1 --all')).output, /WORKSHOP\.md is missing.*\nNext: /);
});

test('reset: restores the starter, keeps the work, and needs no git', async (t) => {
  const workshop = await learnersWorkshop(t);
  const starter = await workshop.read(at(3, 'app.ts'));
  workshop.write(at(3, 'app.ts'), 'solved');
  workshop.write(at(3, 'session.ts'), 'mine');
  workshop.write(at(3, 'lib/more.ts'), 'more of mine');
  workshop.write(at(3, 'app.test.ts'), 'the tests');

  const first = await ask(workshop, reset, '3');
  assert.match(first.output, /kept in \.workshop\/backups\/\S+-reset-3\/\nTo get them back: /);
  assert.match(first.output, /as it came\.\nNext: npm run step:3/);
  assert.equal(await read(workshop, at(3, 'app.ts')), starter);
  assert.equal(await read(workshop, at(3, 'app.test.ts')), 'the tests');
  assert.equal(await read(workshop, at(3, 'lib/more.ts')), undefined);
  const [backup = ''] = await backups(workshop);
  assert.equal(await read(workshop, `${backup}/${at(3, 'session.ts')}`), 'mine');
  assert.equal(await read(workshop, `${backup}/${at(3, 'lib/more.ts')}`), 'more of mine');

  assert.match((await ask(workshop, reset, '3')).output, /nothing has changed/);
  assert.equal((await backups(workshop)).length, 1);
  for (const text of ['a', 'b']) {
    workshop.write(at(3, 'app.ts'), text);
    await ask(workshop, reset, '3');
  }
  assert.equal((await backups(workshop)).length, 3, 'none has replaced another');
  assert.deepEqual(await readdir(join(workshop.folder, '.workshop', 'tmp')), []);
});

test('reset: restores a deleted folder, with a word about its tests', async (t) => {
  const workshop = await learnersWorkshop(t);
  const starter = await workshop.read(at(2, 'app.ts'));
  await rm(join(workshop.folder, at(2, '')), { recursive: true });
  const { output } = await ask(workshop, reset, '2');
  assert.match(output, /app\.test\.ts is missing\. .* git checkout steps\/02-\S+app\.test\.ts\n/);
  assert.equal(await read(workshop, at(2, 'app.ts')), starter);
});

test('reset: twelve at once, and none fails or loses anything', async (t) => {
  const workshop = await learnersWorkshop(t);
  const starter = await workshop.read(at(3, 'app.ts'));
  workshop.write(at(3, 'app.ts'), 'mine');
  workshop.write(at(3, 'more.ts'), 'mine');
  const all = await Promise.all(Array.from({ length: 12 }, () => ask(workshop, reset, '3')));
  assert.ok(all.every(({ ok }) => ok));
  assert.equal(await read(workshop, at(3, 'app.ts')), starter);
  assert.equal(await read(workshop, at(3, 'more.ts')), undefined);
  assert.ok((await kept(workshop, at(3, 'app.ts'))).includes('mine'));
});

test('reset: says so if nothing can be written, and changes nothing', async (t) => {
  const workshop = await learnersWorkshop(t);
  workshop.write(at(2, 'app.ts'), 'mine');
  workshop.write('.workshop', 'a file where a folder should be');
  const { ok, output } = await ask(workshop, reset, '2');
  assert.ok(!ok);
  assert.match(output, /reset 2 stopped: .*\((ENOTDIR|EEXIST)\)\. Nothing has changed\.\nNext: /);
  assert.equal(await read(workshop, at(2, 'app.ts')), 'mine');
});

test('interrupted at any moment, a reset loses nothing', async (t) => {
  const workshop = await learnersWorkshop(t);
  const starter = await workshop.read(at(3, 'session.ts'));
  const temporary = join(workshop.folder, '.workshop', 'tmp');
  const moments = [
    () => readdir(temporary).then(({ length }) => length > 0, () => false),
    async () => (await backups(workshop)).length > 0,
    async () => await read(workshop, at(3, 'session.ts')) === starter,
  ];
  for (const moment of moments) {
    await rm(join(workshop.folder, '.workshop'), { recursive: true, force: true });
    workshop.write(at(3, 'session.ts'), 'mine');
    const { child, ended } = workshop.run(['reset', '3']);
    await eventually('the moment', async () => await moment() || child.exitCode !== null);
    child.kill('SIGKILL');
    await ended;
    const now = await read(workshop, at(3, 'session.ts'));
    assert.ok(now === 'mine' || now === starter, 'no half-written file');
    const copies = await kept(workshop, at(3, 'session.ts'));
    assert.ok(now === 'mine' || copies.includes('mine'), 'what was replaced is kept');
  }
  await ask(workshop, reset, '3');
  assert.equal(await read(workshop, at(3, 'session.ts')), starter);
});

test('catch-up: solutions before the step, its starter, all work kept', async (t) => {
  const workshop = await learnersWorkshop(t);
  for (const number of [1, 2, 3]) workshop.write(at(number, 'app.ts'), `mine ${number}`);
  const { ok, output } = await ask(workshop, catchUp, '3');
  assert.ok(ok, output);
  const [backup = ''] = await backups(workshop);
  for (const number of [1, 2, 3]) {
    const file = at(number, 'app.ts');
    assert.equal(await read(workshop, `${backup}/${file}`), `mine ${number}`);
    const from = number < 3 ? 'solutions/' : 'shared/lesson/starters/';
    assert.equal(await read(workshop, file), await workshop.read(file.replace('steps/', from)));
  }
  assert.match(output, /catch-up-3\/\nTo get them back: [^]*solved now[^]*\nNext: npm run step:3/);
});

test('diff: shows how a step differs from the solution, or what the step changes', async (t) => {
  const workshop = await learnersWorkshop(t);
  const { output } = await ask(workshop, diff, '3');
  assert.match(output, /^- steps\/03-mongo-store\/\n\+ solutions\/03-mongo-store\/\n/);
  assert.match(output, /steps\/03-mongo-store\/session\.ts:\d+\n[^]*\+ .*[sS]tore/);
  assert.doesNotMatch(output, /TODO|\x1b/);
  const step = await ask(workshop, diff, '3', { env: { npm_config_step: 'true' }, color: true });
  assert.match(step.output, /\x1b\[31m- solutions\/02-[^]*\x1b\[32m\+ solutions\/03-/);
  assert.match((await ask(workshop, diff, '1 --step')).output, /^- nothing yet\n/);
});

test('incorrect use lists the options', async () => {
  const wrong: [Command, string, RegExp][] = [
    [hint, '99', /There is no step 99\. The steps are 1 to \d+\.\nNext: npm run hint 1/],
    [diff, 'three', /There is no step three\. .*\nNext: npm run diff 1/],
    [reset, '', /Which step\? .*\nNext: npm run reset 1/],
    [catchUp, '2 3', /takes one step.*: 3\.\nNext: npm run catch-up 2/],
    [prove, 'step 12', /There is no step 12\. .*\nNext: npm run test -- step 1/],
    [hint, '1 --al', /no option --al\. It has --all\.\nNext: /],
  ];
  for (const [command, words, expected] of wrong) {
    const { ok, output } = await ask({ folder: root }, command, words);
    assert.ok(!ok);
    assert.match(output, expected);
  }
});

test('workshop: lists every command, on one screen', async () => {
  const { output } = await ask({ folder: root }, workshopCommand);
  const lines = output.trimEnd().split('\n');
  assert.ok(lines.length <= 24);
  for (const line of lines) assert.ok(line.length <= 80, line);
  const scripts = await npmScripts();
  const named = [...output.matchAll(/^ {2}npm (?:run )?([\w:-]+)/gm)].map(([, name = '']) => name);
  for (const name of named) assert.ok(name in scripts, name);
  const base = (name: string) => name.replace(/:\d+$/, '');
  const shown = new Set([...named, 'workshop'].map(base));
  assert.deepEqual(new Set(Object.keys(scripts).map(base)), shown);
});

test('progress and start: how far each step is', async () => {
  const here = { folder: root };
  const onlyFirst = ({ number }: Step) => reportOf(number === 1 ? [] : [2]);
  const json = await ask(here, (context) => progress(context, onlyFirst), '--json');
  assert.deepEqual(JSON.parse(json.output), {
    steps: steps.map(({ number }) => ({ step: number, passed: number === 1 ? 2 : 1, total: 2 })),
    node: process.version,
    platform: process.platform,
    engine: 'stand-in',
  });
  const lines = await ask(here, (context) => progress(context, onlyFirst));
  assert.match(lines.output, /^Step 1 .*●● 2 of 2 {2}done\nStep 2 .*●○ 1 of 2\n[^]*Next: .*step:2\n$/);
  const done = await ask(here, (context) => progress(context, () => reportOf([])));
  assert.match(done.output, /All steps are done\.\n$/);

  const opened: [number, boolean][] = [];
  const open: typeof runCockpit = ({ number }, { plain }) => {
    opened.push([number, plain]);
    return Promise.resolve();
  };
  await ask(here, (context) => start(context, onlyFirst, open), '--plain');
  assert.deepEqual(opened, [[2, true]]);
  const over = await ask(here, (context) => start(context, () => reportOf([]), open));
  assert.match(over.output, /All steps are done\.\nNext: npm run progress\n$/);
  assert.equal(opened.length, 1);
});

describe('as npm runs them', { concurrency: 2 }, () => {
  test('without an install, prints one sentence', async (t) => {
    const workshop = await Workshop.create(t);
    await rm(join(workshop.folder, 'node_modules'));
    const bare = workshop.run(['step', '1']);
    assert.equal(await bare.ended, 1);
    const sentence = /^The workshop's packages aren't installed.*\nNext: npm install\n$/;
    assert.match(bare.output, sentence);
    // Only tsx is installed, and no other package.
    await mkdir(join(workshop.folder, 'node_modules'));
    await symlink(join(root, 'node_modules', 'tsx'), join(workshop.folder, 'node_modules', 'tsx'),
      'junction');
    const broken = workshop.run(['step', '1']);
    assert.equal(await broken.ended, 1);
    assert.match(broken.output, sentence);
  });

  test('a reader that goes away does not cause a stack trace', async (t) => {
    const workshop = await learnersWorkshop(t);
    const run = workshop.run(['hint', '1', '--all']);
    run.child.stdout?.destroy();
    await run.ended;
    assert.equal(run.output, '');
  });

  test('every command that runs tests says what to do if there is no report', async (t) => {
    const workshop = await learnersWorkshop(t);
    await rm(join(workshop.folder, at(1, 'app.test.ts')));
    for (const command of [['test', '1'], ['hint', '1'], ['start']]) {
      const run = workshop.run(command);
      assert.equal(await run.ended, 1);
      assert.match(run.output,
        /^The tests can't be loaded: .*app\.test\.ts.*\nNext: git checkout steps\/01-\S+, .*\n$/m);
      assert.doesNotMatch(run.output, /^ +at /m);
    }
    workshop.write(at(1, 'app.test.ts'), 'process.reallyExit(1);\n');
    const run = workshop.run(['hint', '1']);
    assert.equal(await run.ended, 1);
    assert.match(run.output,
      /^The tests ended without a report\.\nNext: npm run doctor\n$/);
  });
});

test('test: Ctrl-C leaves no database behind', {
  skip: process.platform === 'win32' && 'there, no process can send another one a Ctrl-C',
}, async (t) => {
  const server = await startStandIn();
  onEnd(t, () => server.close());
  const client = await MongoClient.connect(server.url);
  onEnd(t, () => client.close());
  const databases = async () => (await client.db().admin().listDatabases()).databases
    .map(({ name }) => name).filter((name) => name.startsWith('workshop-test-'));

  const workshop = await learnersWorkshop(t);
  // It never answers, so its test is still under way when Ctrl-C comes.
  workshop.write(at(3, 'app.ts'), `
    import express from 'express';

    export function createApp({ client }) {
      return express().get('/one', () => client.db().collection('visits').insertOne({}));
    }
  `);
  const run = workshop.run(['test', '3'], { WORKSHOP_MONGO: undefined, MONGO_URL: server.url });
  await eventually('the app has written', async () => (await databases()).length > 0);
  run.child.kill('SIGINT');
  assert.equal(await run.ended, 130, run.output);
  assert.deepEqual(await databases(), []);
});

async function npmScripts(): Promise<Record<string, string>> {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  return scripts;
}
