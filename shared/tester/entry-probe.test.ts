import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findStep, root } from '../lesson/steps.ts';
import { eventually, onEnd, temporaryFolder } from '../testing/workshop.ts';
import { Entry } from './entry.ts';
import type { ProbeMessage } from './entry-probe.ts';
import { setSubject, subjectOf } from './subject.ts';

test('an index.ts that names no host listens on this machine only', async (t) => {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', `
    import './shared/tester/entry-probe.ts';
    import { createServer } from 'node:http';

    createServer().listen(4000);
    createServer().listen('4001', () => undefined);
    createServer().listen({ port: 4002 });
  `], { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  onEnd(t, () => child.kill());
  const addresses: string[] = [];
  child.on('message', (message: ProbeMessage) => {
    if (message.type === 'listening') addresses.push(message.address);
  });
  await eventually('three servers listen', () => addresses.length === 3);
  assert.deepEqual(addresses, ['127.0.0.1', '127.0.0.1', '127.0.0.1']);
});

test('on Windows, a message stands for the signal that asks index.ts to end', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'index.ts'), `
    process.once('SIGTERM', () => { console.log('goodbye'); process.exit(); });
    setInterval(() => undefined, 1000);
    console.log('ready');`);
  setSubject(subjectOf(findStep(1), 'steps', folder));
  const entry = await Entry.start({});
  onEnd(t, () => entry.close());
  await entry.printed(/ready/);
  entry.signal('SIGTERM', 'win32');
  assert.ok(await entry.ended());
  assert.equal(entry.output, 'ready\ngoodbye\n');
});
