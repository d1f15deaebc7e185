import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually, isAlive } from '../testing/workshop.ts';

/** Runs code with the lifeline. */
function start(code: string) {
  const lifeline = new URL('lifeline.js', import.meta.url).href;
  return spawn(process.execPath, ['--import', lifeline, '--eval', code], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

const ready = 'process.send("ready"); process.channel.unref();';

test('the message in place of a signal runs the handler of the app', async () => {
  const child = start(`
    const timer = setInterval(() => {}, 1000);
    process.on('SIGTERM', () => { clearInterval(timer); process.exitCode = 7; });
    ${ready}`);
  await once(child, 'message');
  child.send({ type: 'stop', signal: 'SIGTERM' });
  assert.deepEqual(await once(child, 'exit'), [7, null]);
});

test('the message ends an app without a handler', async () => {
  const child = start(`setInterval(() => {}, 1000); ${ready}`);
  await once(child, 'message');
  child.send({ type: 'stop', signal: 'SIGTERM' });
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('the app ends with the channel', async () => {
  const child = start(`setInterval(() => {}, 1000); ${ready}`);
  await once(child, 'message');
  child.disconnect();
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

test('the channel does not keep an app running', async () => {
  assert.deepEqual(await once(start(''), 'exit'), [0, null]);
});

test('an app stuck in a loop ends with the process that started it', async () => {
  const lifeline = new URL('lifeline.js', import.meta.url).href;
  const parent = spawn(process.execPath, ['--eval', `
    const { spawn } = require('node:child_process');
    const loop = 'process.send(process.pid); for (;;);';
    spawn(process.execPath, ['--import', '${lifeline}', '--eval', loop], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    }).on('message', (pid) => process.send(pid));
  `], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [pid] = await once(parent, 'message') as [number];
  try {
    parent.kill('SIGKILL');
    await eventually('it has ended', () => !isAlive(pid));
  } finally {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
});
