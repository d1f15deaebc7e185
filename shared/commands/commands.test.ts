import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readArguments } from './arguments.ts';
import { app, commit, git, index, learnersWorkshop } from '../testing/terminal.ts';
import { Problem } from '../terminal/problem.ts';
import { eventually, freePort, listen, onEnd, type Workshop } from '../testing/workshop.ts';
import { root, steps } from '../lesson/steps.ts';

/** Runs a command to its end. */
async function ask(workshop: Workshop, command: string, env: NodeJS.ProcessEnv = {}) {
  const run = workshop.run(command.split(' '), { PATH: process.env['PATH'], ...env });
  return { code: await run.ended, output: run.output };
}

const at = ({ folder }: Workshop, number: number, file = '') =>
  join(folder, 'steps', steps[number - 1]?.folder ?? '', file);

const read = (file: string) => readFile(file, 'utf8').catch(() => undefined);

async function backups({ folder }: Workshop): Promise<string[]> {
  return readdir(join(folder, '.workshop', 'backups')).catch(() => []);
}

async function inGit(workshop: Workshop): Promise<Workshop> {
  await git(workshop, 'init', '--quiet');
  await commit(workshop, 'the workshop');
  return workshop;
}

test('a flag may stand before or behind --, and npm may have swallowed a word', () => {
  const all = (args: string[], env = {}) => {
    const { positionals, flags } = readArguments('hint', ['all'], args, env);
    return [...positionals, flags.all];
  };
  assert.deepEqual(all(['3']), ['3', false]);
  assert.deepEqual(all(['3', '--all']), ['3', true]);
  assert.deepEqual(all(['3'], { npm_config_all: 'true' }), ['3', true]);
  assert.deepEqual(all([], { npm_config_all: '3' }), ['3', true]);
  assert.throws(() => all(['3', '--al']), Problem);
});

describe('the commands', { concurrency: 2 }, () => {
  test('hint: one more each time, for the first move that is red', async (t) => {
    const workshop = await learnersWorkshop(t);
    workshop.save(1, app(), 'app.ts');
    workshop.save(1, index);
    const names = ['a nudge', 'a pointer', 'the code', 'the code'];
    for (const [index, name] of names.entries()) {
      const number = Math.min(index + 1, 3);
      const { output } = await ask(workshop, 'hint 1');
      assert.match(output, new RegExp(`Move 1: Answer /one · Hint ${number} of 3: ${name}`));
      assert.match(output, new RegExp(`Hint ${number} of move 1\\.`));
    }
    workshop.save(1, app('/one'), 'app.ts');
    assert.match((await ask(workshop, 'hint 1')).output, /Move 2: Answer \/two · Hint 1 of 3/);
    const { output } = await ask(workshop, 'hint 1', { npm_config_all: 'true' });
    assert.equal(output.match(/^Step 1 · Move/gm)?.length, 6);
    workshop.save(1, app('/one', '/two'), 'app.ts');
    assert.match((await ask(workshop, 'hint 1')).output, /green.*\nNext: npm start/);
    await rm(join(workshop.folder, 'WORKSHOP.md'));
    assert.match((await ask(workshop, 'hint 1 --all')).output, /WORKSHOP\.md is not.*\nNext: /);
  });

  test('reset: the starter of the newest commit that has one; the work is kept', async (t) => {
    const workshop = await learnersWorkshop(t);
    const step = at(workshop, 3);
    await inGit(workshop);
    const [appFile, sessionFile] = [join(step, 'app.ts'), join(step, 'session.ts')];
    // A newer starter.
    const starter = (await read(appFile) ?? '').replace('this.', 'this, in other words.');
    await writeFile(appFile, starter);
    await commit(workshop);
    // The learner's work, committed: half of it, then all of it, as the solution has it, and that
    // with the TODO comments left.
    const solution = join(workshop.folder, 'solutions', '03-mongo-store');
    await writeFile(appFile, starter.replace('// TODO Move 1: this, in other words.', ''));
    await commit(workshop);
    for (const todos of ['', '\n// TODO Move 1: this.\n// TODO Move 2: that.\n']) {
      await cp(solution, step, { recursive: true });
      await writeFile(appFile, `${await read(appFile) ?? ''}${todos}`);
      await commit(workshop);
    }
    // And what is not committed yet.
    await writeFile(sessionFile, 'mine');
    await writeFile(join(step, 'app.test.ts'), 'the tests');
    await mkdir(join(step, 'lib'));
    await writeFile(join(step, 'lib', 'more.ts'), 'more of mine');

    const first = await ask(workshop, 'reset 3');
    assert.match(first.output, /kept in \.workshop\/backups\/\S+-reset-3\/\nTo get it back: /);
    assert.match(first.output, /Next: npm run step:3/);
    assert.equal(await read(appFile), starter);
    assert.equal(await read(join(step, 'app.test.ts')), 'the tests');
    assert.equal(await read(join(step, 'lib', 'more.ts')), undefined);
    const [backup = ''] = await backups(workshop);
    const kept = (name: string) =>
      read(join(workshop.folder, '.workshop', 'backups', backup, 'steps', '03-mongo-store', name));
    assert.equal(await kept('session.ts'), 'mine');
    assert.equal(await kept('lib/more.ts'), 'more of mine');

    assert.match((await ask(workshop, 'reset 3')).output, /nothing has changed/);
    assert.equal((await backups(workshop)).length, 1);
    for (const text of ['a', 'b']) {
      await writeFile(appFile, text);
      await ask(workshop, 'reset 3');
    }
    assert.equal((await backups(workshop)).length, 3, 'none has replaced another');
    await ask(workshop, 'doctor --json');
  });

  test('reset without git says what to do and changes nothing', async (t) => {
    const workshop = await learnersWorkshop(t);
    await writeFile(at(workshop, 2, 'app.ts'), 'mine');
    const env = { GIT_CEILING_DIRECTORIES: join(workshop.folder, '..') };
    const none = await ask(workshop, 'reset 2', env);
    assert.equal(none.code, 1);
    assert.match(none.output, /no git repository.*\nNext: .*copy steps\/02-memory-sessions/);
    const noGit = await ask(workshop, 'reset 2', { PATH: workshop.folder });
    assert.match(noGit.output, /git is not installed.*\nNext: /);
    await git(workshop, 'init', '--quiet');
    await commit(workshop);
    assert.match((await ask(workshop, 'reset 2')).output, /no commit in which.*\nNext: /);
    assert.equal(await read(at(workshop, 2, 'app.ts')), 'mine');
    assert.deepEqual(await backups(workshop), []);
  });

  test('catch-up: solutions before, the starter there, all work kept', async (t) => {
    const workshop = await learnersWorkshop(t);
    for (const number of [1, 2]) await writeFile(at(workshop, number, 'app.ts'), `mine ${number}`);
    const starter = await read(at(workshop, 3, 'app.ts'));
    // Step 3 is as it came, so nobody has to ask git.
    const { output, code } = await ask(workshop, 'catch-up 3', { PATH: workshop.folder });
    assert.equal(code, 0, output);
    const [backup = ''] = await backups(workshop);
    for (const { number, folder } of steps.slice(0, 2)) {
      const solved = await read(join(workshop.folder, 'solutions', folder, 'app.ts'));
      assert.equal(await read(at(workshop, number, 'app.ts')), solved);
      const kept = join(workshop.folder, '.workshop', 'backups', backup, 'steps', folder, 'app.ts');
      assert.equal(await read(kept), `mine ${number}`);
    }
    assert.equal(await read(at(workshop, 3, 'app.ts')), starter);
    assert.match(output, /catch-up-3\/\nTo get it back: /);
    assert.match(output, /Next: npm run step:3/);
  });

  test('interrupted at any moment, a reset loses nothing', async (t) => {
    const workshop = await inGit(await learnersWorkshop(t));
    const state = join(workshop.folder, '.workshop');
    const file = at(workshop, 3, 'session.ts');
    const starter = await read(file);
    const moments = [
      () => readdir(join(state, 'tmp')).then((names) => names.length > 0, () => false),
      async () => (await backups(workshop)).length > 0,
      async () => await read(file) === starter,
    ];
    for (const moment of moments) {
      await rm(state, { recursive: true, force: true });
      await writeFile(file, 'mine');
      const run = workshop.run(['reset', '3'], { PATH: process.env['PATH'] });
      await eventually('the moment', async () => await moment() || run.child.exitCode !== null);
      run.child.kill('SIGKILL');
      await run.ended;
      const now = await read(file);
      const kept = await Promise.all((await backups(workshop)).map((name) =>
        read(join(state, 'backups', name, 'steps', '03-mongo-store', 'session.ts'))));
      assert.ok(now === 'mine' || now === starter, 'no half-written file');
      assert.ok(now === 'mine' || kept.includes('mine'), 'what was replaced is kept');
    }
    await ask(workshop, 'reset 3');
    assert.equal(await read(file), starter);
  });

  test('diff and progress say how far a step is', async (t) => {
    const workshop = await learnersWorkshop(t);
    const { output } = await ask(workshop, 'diff 3');
    assert.match(output, /^- steps\/03-mongo-store\/\n\+ solutions\/03-mongo-store\/\n/);
    assert.match(output, /steps\/03-mongo-store\/session\.ts:\d+\n[^]*\+ .*[sS]tore/);
    assert.doesNotMatch(output, /TODO|\x1b/);
    const step = await ask(workshop, 'diff 3', { npm_config_step: 'true', FORCE_COLOR: '1' });
    assert.match(step.output, /\x1b\[31m- solutions\/02-[^]*\x1b\[32m\+ solutions\/03-/);

    for (const { number } of steps) workshop.save(number, app('/one'), 'app.ts');
    const json: unknown = JSON.parse((await ask(workshop, 'progress --json')).output);
    assert.deepEqual(json, {
      steps: steps.map(({ number }) => ({ step: number, passed: 1, total: 2 })),
      node: process.version,
      platform: process.platform,
      engine: 'stand-in',
    });
  });

  test('start: the first step that is not green', async (t) => {
    const workshop = await learnersWorkshop(t);
    const PORT = String(await freePort());
    workshop.save(1, app('/one', '/two'), 'app.ts');
    workshop.save(2, app('/one'), 'app.ts');
    workshop.save(2, index);
    const run = workshop.run(['start'], { PORT });
    await run.printed(/Step 2 · Sessions in memory[^]*●○ 1 of 2/);
  });

  test('doctor: a line each, with what to do where something is wrong', async (t) => {
    const workshop = await learnersWorkshop(t);
    const taken = createServer();
    onEnd(t, () => taken.close());
    const PORT = String(await listen(taken));
    await cp(join(root, 'package-lock.json'), join(workshop.folder, 'package-lock.json'));
    workshop.save(2, 'export const options = {\n  secure: true,\n};\r\n', 'session.ts');
    const { output, code } = await ask(workshop, 'doctor', { PORT, MONGO_URL: 'nonsense',
      WORKSHOP_MONGO: '', GIT_CEILING_DIRECTORIES: join(workshop.folder, '..') });
    assert.equal(code, 1);
    for (const part of [
      /^✔ Node /m, /^✔ tsx /m, /^✔ Folder /m, /^✔ Loopback /m, /^✔ Download /m,
      /^✖ Port +.*in use.*\n +Next: PORT=/m,
      /^✖ Database +MONGO_URL.*\n +Next: /m,
      /^✖ Cookies +steps\/02-memory-sessions\/session\.ts:2 .*\n +Next: .*npm run step:2/m,
      /^✖ Line ends +both kinds in steps\/02-memory-sessions\/session\.ts\n +Next: /m,
    ]) assert.match(output, part);
    const json = JSON.parse((await ask(workshop, 'doctor --json', { PORT })).output) as unknown[];
    assert.equal(json.length, output.match(/^[✔✖]/gm)?.length);

    // Nothing is installed.
    await rm(join(workshop.folder, 'node_modules'));
    const bare = workshop.script('shared/commands/doctor.js');
    assert.equal(await bare.ended, 1);
    assert.match(bare.output, /✖ Install .*\n +Next: npm install/);
  });

  test('test: tests that cannot be loaded are no success', async (t) => {
    const workshop = await learnersWorkshop(t);
    await rm(at(workshop, 1, 'app.test.ts'));
    const { output, code } = await ask(workshop, 'test 1');
    assert.equal(code, 1);
    assert.match(output, /tests cannot be loaded.*app\.test\.ts.*\nNext: git checkout steps\/01-/);
  });

  test('wrong use prints what exists', async (t) => {
    const workshop = await learnersWorkshop(t);
    const wrong: [string, RegExp][] = [
      ['hint 9', /There is no step 9\. The steps are 1 to 4\.\nNext: npm run hint 1/],
      ['diff three', /There is no step three\. .*\nNext: npm run diff 1/],
      ['reset', /Which step\? .*\nNext: npm run reset 1/],
      ['catch-up 2 3', /one step at a time.*\nNext: npm run catch-up 2/],
      ['progress --jason', /no option --jason\. It knows --json\.\nNext: /],
    ];
    await Promise.all(wrong.map(async ([command, expected]) => {
      const { output, code } = await ask(workshop, command);
      assert.equal(code, 1);
      assert.match(output, expected);
    }));
  });

  test('workshop: every command there is, on one screen', async (t) => {
    const workshop = await learnersWorkshop(t);
    const { output } = await ask(workshop, 'workshop');
    const lines = output.trimEnd().split('\n');
    assert.ok(lines.length <= 24);
    for (const line of lines) assert.ok(line.length <= 80, line);
    const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...output.matchAll(/^ {2}npm (?:run )?([\w:-]+)/gm)].map(([, name]) => name);
    for (const name of named) assert.ok(name && name in scripts, name);
    const missing = Object.keys(scripts).filter((name) => (
      !named.includes(name.replace(/:\d$/, ':1')) && name !== 'workshop'
    ));
    assert.deepEqual(missing, []);
  });
});
