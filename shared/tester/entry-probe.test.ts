import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { root } from '../lesson/steps.ts';
import type { ProbeMessage } from './entry-probe.ts';

test('an index.ts that names no host listens on this machine only', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', `
    import './shared/tester/entry-probe.ts';
    import { createServer } from 'node:http';

    createServer().listen(4000);
    createServer().listen('4001', () => undefined);
    createServer().listen({ port: 4002 });
  `], { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const addresses: string[] = [];
  child.on('message', (message: ProbeMessage) => {
    if (message.type === 'listening') addresses.push(message.address);
    // With its channel, the process ends.
    if (addresses.length === 3) child.disconnect();
  });
  await once(child, 'exit');
  assert.deepEqual(addresses, ['127.0.0.1', '127.0.0.1', '127.0.0.1']);
});
