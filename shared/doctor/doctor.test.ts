import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer, Server } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import doctor from '../commands/doctor.ts';
import { root, steps } from '../lesson/steps.ts';
import { Problem } from '../terminal/problem.ts';
import { freePort } from '../app/port.ts';
import { cleanEnv, listen, onEnd, temporaryFolder } from '../testing/workshop.ts';
import { checkHome, checkWatching } from './installation.ts';
import { checkLoopback } from './surroundings.ts';

/** A healthy workshop, in a folder with a difficult name, without git. */
async function healthy(t: TestContext) {
  const parent = await temporaryFolder(t);
  const workshop = join(parent, 'wörkshop #1 50%');
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(workshop, file)), { recursive: true });
    await writeFile(join(workshop, file), text);
  };
  for (const { folder } of steps) await write(`steps/${folder}/session.ts`, 'export {};\n');
  const starters = join('shared', 'lesson', 'starters');
  await cp(join(root, starters), join(workshop, starters), { recursive: true });
  const packages = {
    'node_modules/express': { version: '5.0.0' },
    'node_modules/for-another-system': { version: '1.0.0', optional: true },
  };
  await write('package-lock.json', JSON.stringify({ packages: { '': {}, ...packages } }));
  await write('node_modules/.package-lock.json', JSON.stringify({
    packages: { 'node_modules/express': { version: '5.0.0' } },
  }));
  await write('node_modules/express/package.json', '{ "version": "5.0.0" }');
  const env: NodeJS.ProcessEnv = {
    ...cleanEnv(parent),
    WORKSHOP_MONGO: 'stand-in', PORT: String(await freePort()),
    // No network.
    MONGOMS_DOWNLOAD_MIRROR: 'http://user:s3cret@127.0.0.1:1/?key=s3cret',
  };
  const ask = async (settings: NodeJS.ProcessEnv = {}, ...args: string[]) => {
    let output = '';
    const context = {
      args, env: { ...env, ...settings }, workshop, display: { columns: 80, color: false },
      print: (text: string) => { output += `${text}\n`; },
    };
    try {
      await doctor(context);
      return { ok: true, output };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return { ok: false, output: `${output}${error.message}\nNext: ${error.next}` };
    } finally {
      assert.doesNotMatch(output, /s3cret/);
    }
  };
  return { workshop, write, ask };
}

/** An environment with git, which finds no repository above the folder. */
const withGit = (workshop: string) => ({
  PATH: process.env['PATH'], GIT_CEILING_DIRECTORIES: dirname(workshop),
});

test('the loopback is checked without listening where a firewall would ask', async (t) => {
  const listen = t.mock.method(Server.prototype, 'listen');
  assert.equal(await checkLoopback(), '127.0.0.1 and localhost answer');
  assert.deepEqual(listen.mock.calls.map(({ arguments: args }) => args), [[0, '127.0.0.1']]);
});

describe('doctor', { concurrency: 3 }, () => {
  test('says that all is well, one line per check, wherever the workshop is', async (t) => {
    const { workshop, write, ask } = await healthy(t);
    // In this step, a proxy terminates HTTPS.
    await write('steps/09-secure-cookie/session.ts', 'a = {\n  secure: true,\n};\n');
    const { ok, output } = await ask({ HOME: undefined, USERPROFILE: undefined });
    assert.equal(ok, true, output);
    for (const line of [
      /^✔ Settings +there is no \.env$/m,
      /^✔ Node +v[\d.]+; 20\.19 or newer works, \d+ is recommended$/m,
      /^✔ Install +complete, 1 packages$/m,
      /^✔ Folder +can be written; the special characters in its path do no harm$/m,
      /^✔ Home +\w+ isn't set; .* is used/m,
      /^✔ Watching /m, /^✔ Line ends /m, /^✔ Starters /m, /^✔ Loopback /m, /^✔ Cookies /m,
      /^✔ Git +isn't installed; the workshop works without it$/m,
      /^✔ Port +\d+ is free$/m,
      /^✔ Database +stand-in /m,
      /^✔ Download +127\.0\.0\.1:1 doesn't answer: no network\? The stand-in needs none$/m,
      /^All is well\. Next: npm start$/m,
    ]) assert.match(output, line);

    const zip = await ask(withGit(workshop), '--json');
    const findings = JSON.parse(zip.output) as { name: string; ok: boolean; found: string }[];
    assert.equal(findings.length, output.match(/^[✔✖]/gm)?.length);
    assert.match(findings.find(({ name }) => name === 'Git')?.found ?? '', /no repository/);
  });

  test('says what to do when something is wrong', async (t) => {
    const { workshop, write, ask } = await healthy(t);
    const taken = createServer();
    onEnd(t, () => taken.close());
    const PORT = String(await listen(taken));
    await rm(join(workshop, 'node_modules', 'express'), { recursive: true });
    await rm(join(workshop, 'shared'), { recursive: true });
    await write('steps/02-memory-sessions/session.ts', 'a = {\n  secure: true,\n};\r\n');
    await write('.workshop', 'a file');
    await write('.env', 'SESSION_SECRET: s3cret\n');
    await promisify(execFile)('git', ['init', '--quiet'], { cwd: workshop });
    const { ok, output } = await ask({
      ...withGit(workshop), GIT_TEST_ASSUME_DIFFERENT_OWNER: '1',
      PORT, WORKSHOP_MONGO: '', MONGO_URL: 'mongodb://bob:s3cret',
    });
    assert.equal(ok, false);
    for (const lines of [
      /^✖ Settings +Line 1 of \.env .*\n +Next: correct line 1 of \.env to SESSION_SECRET=/m,
      /^✖ Install +1 packages are missing .* express\n +Next: npm install$/m,
      /^✖ Folder +.* can't be written .*\n +Next: copy /m,
      /^✖ Line ends +both kinds in steps\/02-memory-sessions\/session\.ts\n +Next: /m,
      /^✖ Starters +.* is missing.*\n +Next: git checkout shared/m,
      /^✖ Git +.*another user\n +Next: git config --global --add safe\.directory ".*50%"$/m,
      /^✖ Port +.*in use.*\n +Next: PORT=/m,
      /^✖ Database +MONGO_URL.*\n +Next: /m,
      /^✖ Cookies +steps\/02-memory-sessions\/session\.ts:2 .*\n +Next: .*npm run step:2$/m,
      /^9 to put right, beginning at the top\.\nNext: correct line 1/m,
    ]) assert.match(output, lines);
  });

  test('does not count a cockpit in another terminal as wrong', {
    skip: process.platform === 'win32' && 'Windows does not tell what a process was started with',
  }, async (t) => {
    const { ask } = await healthy(t);
    const listeners: [args: string[], who: string][] = [
      [['steps/01-hello-express/index.ts'], 'the app of steps/01-hello-express'],
      // From step 9 on, the workshop's proxy listens there.
      [['shared/commands/run.js', 'step', '9'], 'the workshop'],
    ];
    for (const [args, who] of listeners) {
      const PORT = String(await freePort());
      const listener = spawn(process.execPath, ['--eval', `
        require('node:http').createServer().listen(${PORT}, () => console.log('listens'));
      `, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
      onEnd(t, () => listener.kill());
      await once(listener.stdout, 'data');
      const { ok, output } = await ask({ PORT });
      assert.match(output, new RegExp(`^✔ Port .*${who}, running in another`, 'm'));
      assert.equal(ok, true, output);
    }
  });

  test('looks for the home folder where the system names it', () => {
    const place = { workshop: '', env: { HOME: '/home/ada', USERPROFILE: 'C:\\Users\\ada' } };
    assert.equal(checkHome(place, 'win32'), 'C:\\Users\\ada');
    for (const platform of ['darwin', 'linux'] as const) {
      assert.equal(checkHome(place, platform), '/home/ada');
    }
  });

  test('notices that saves go unnoticed', async (t) => {
    const { workshop } = await healthy(t);
    const place = { workshop, env: {} };
    const usedUp = () => {
      throw Object.assign(new Error('System limit reached'), { code: 'ENOSPC' });
    };
    // Like a real watcher, it keeps the process running until it's closed.
    const timer = setInterval(() => undefined, 1000);
    const silent = () => Object.assign(new EventEmitter(), {
      close: () => {
        clearInterval(timer);
      },
    });
    for (const [watch, why] of [[usedUp, /file watches \(ENOSPC\)/], [silent, /WSL/]] as const) {
      await assert.rejects(checkWatching(place, watch), (error) =>
        error instanceof Problem && why.test(error.message) && /POLLING=1/.test(error.next));
    }
  });
});
