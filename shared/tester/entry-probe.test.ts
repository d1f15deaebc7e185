import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { root } from '../lesson/steps.ts';
import { eventually, onEnd } from '../testing/workshop.ts';
import type { ProbeMessage } from './entry-probe.ts';

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
