import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { root } from '../lesson/steps.ts';
import { startStandIn } from '../mongo/stand-in/server.ts';

/** connect-mongo 6 ships without its tests. This is the newest version that includes them. */
const tested = 'connect-mongo@5.1.0';

const testFiles = ['lib/MongoStore.spec.js', 'test/integration.spec.js', 'test/testHelper.js'];

/** Packages from its time, for which its tests were written. */
const packages = [tested, 'ava@3', 'express@4', 'express-session@1.17', 'mongodb@6', 'supertest@6'];

/**
 * `npm run check:stand-in`: the stand-in for MongoDB against its references, in full: its own
 * tests, the drivers' tests, 10,000 random cases of each kind against mingo, and connect-mongo's.
 */
export default async function checkStandIn(): Promise<void> {
  const folder = path.join(root, 'shared/mongo/stand-in');
  const tests = (await readdir(folder, { recursive: true }))
    .filter((name) => /\.(test|check)\.ts$/.test(name)).map((name) => path.join(folder, name));
  const options = ['--import', 'tsx', '--test', '--test-reporter=spec'];
  const ownTests = await run([...options, ...tests], root, { STAND_IN_CHECK: 'all' });
  const workplace = await mkdtemp(path.join(tmpdir(), 'check-stand-in-'));
  const theirTests = await runConnectMongo(workplace)
    .finally(() => rm(workplace, { recursive: true }));
  process.exitCode = ownTests && theirTests ? 0 : 1;
}

/** Runs connect-mongo's tests against the workshop's version of connect-mongo. */
async function runConnectMongo(workplace: string): Promise<boolean> {
  console.log(`\nThe tests of ${tested}, with the connect-mongo of this workshop:\n`);
  await writeFile(
    path.join(workplace, 'package.json'), '{"private":true,"overrides":{"kruptein":"3.0.8"}}',
  );
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  if (!await npm(['install', ...options, ...packages], workplace)) {
    console.log('npm could not fetch them; its message stands above. Run this again when the npm '
      + 'registry can be reached.');
    return false;
  }
  const standIn = await startStandIn();
  try {
    for (const name of testFiles) {
      const source = path.join(workplace, 'node_modules/connect-mongo/build/main', name);
      const target = path.join(workplace, 'suite', name);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, adapt(await readFile(source, 'utf8'), standIn.url));
    }
    const files = 'suite/**/*.spec.js';
    return await npm(['exec', '--', 'ava', '--serial', '--verbose', files], workplace);
  } finally {
    await standIn.close();
  }
}

/** Adapts a test to the stand-in, the workshop's store, and a message reworded in version 6. */
function adapt(text: string, url: string): string {
  const store = JSON.stringify(path.join(root, 'node_modules/connect-mongo'));
  return text
    .replaceAll('mongodb://root:example@127.0.0.1:27017', url)
    .replaceAll(/require\("(\.\/MongoStore|\.\.\/lib\/MongoStore|\.\.\/)"\)/g, `require(${store})`)
    .replace('/Cannot init client/', '/must provide either/');
}

/** Runs npm in a folder: the one that runs this command. On Windows its name isn't a program's. */
function npm(args: string[], cwd: string): Promise<boolean> {
  return run([process.env['npm_execpath'] ?? 'npm_execpath is not set', ...args], cwd);
}

/** Runs Node in a folder; true if its exit code was 0. */
function run(args: string[], cwd: string, env = {}): Promise<boolean> {
  return new Promise((resolve) => {
    spawn(process.execPath, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } })
      .on('error', (error) => { console.error(error.message); resolve(false); })
      .on('close', (code) => { resolve(code === 0); });
  });
}
