import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../lesson/steps.ts';
import { temporaryFolder } from '../testing/workshop.ts';

test('loading takes a second on a slow machine, and an endless loop takes longer', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(path.join(folder, 'app.ts'), 'for (;;);\n');

  const { stdout, signal } = spawnSync(process.execPath, [
    '--import', 'tsx', '--input-type=module', '--eval', `
    import { pathToFileURL } from 'node:url';
    import { findStep } from './shared/lesson/steps.ts';
    import { setSubject, subjectOf } from './shared/tester/subject.ts';
    import { startWatchdog } from './shared/tester/watchdog.ts';
    import { writeSync } from 'node:fs';
    const folder = ${JSON.stringify(folder)};
    setSubject(subjectOf(findStep(1), 'steps', folder));
    startWatchdog((lesson) => writeSync(1, lesson.parts.frame + '\\n'));
    const { user, system } = process.cpuUsage();
    for (let now = { user, system }; now.user + now.system < user + system + 1.5e6;) {
      now = process.cpuUsage();
    }
    setTimeout(async () => {
      writeSync(1, 'still there\\n');
      await import(pathToFileURL(folder + '/app.ts').href);
    }, 200);`,
  ], { cwd: root, encoding: 'utf8', timeout: 60_000 });
  assert.equal(stdout, 'still there\nsteps/01-hello-express/app.ts:1\n');
  assert.equal(signal, 'SIGKILL');
});
