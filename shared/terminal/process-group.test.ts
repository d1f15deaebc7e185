import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, isAlive } from '../testing/workshop.ts';
import { killGroup, ownGroup } from './process-group.ts';

test('a group is killed with all that was started in it', {
  skip: process.platform === 'win32',
}, async () => {
  const child = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!; wait'], {
    ...ownGroup(), stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [pid] = await once(child.stdout, 'data') as [Buffer];
  const exited = once(child, 'exit');
  killGroup(child);
  assert.deepEqual(await exited, [null, 'SIGKILL']);
  await eventually('its child has ended', () => !isAlive(Number(pid)));
  killGroup(child);
});

test('Windows has no groups: a detached process would outlive us there', () => {
  assert.equal(ownGroup('win32').detached, false);
});
