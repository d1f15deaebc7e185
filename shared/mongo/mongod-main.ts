// A mongod in memory-server's care, as a process that database.ts starts: it is told of the binary
// by MONGOMS_SYSTEM_BINARY, and ends with the process that started it.
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoMemoryServer } from 'mongodb-memory-server-core';

// Whoever started us says when to end: a Ctrl-C is first for the app, which still needs us.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
const disconnected = once(process, 'disconnect');

// The library would leave its own folder behind when mongod does not start.
const dbPath = await mkdtemp(join(tmpdir(), 'workshop-mongod-'));
try {
  const server = await MongoMemoryServer.create({
    // Expired sessions go within a second instead of a minute, so that one can watch it.
    instance: { dbPath, args: ['--setParameter', 'ttlMonitorSleepSecs=1'] },
  });
  const { instance } = await server.ensureInstance();
  if (process.connected) {
    const version = process.env['MONGOMS_VERSION'];
    process.send?.({ type: 'listening', url: server.getUri(), version });
    // A mongod that ends by itself ends us too, which is how our parent learns of it.
    await Promise.race([disconnected, once(instance, 'instanceClosed')]);
  }
  await server.stop();
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  if (process.connected) process.send?.({ type: 'failed', message });
} finally {
  await rm(dbPath, { recursive: true, force: true, maxRetries: 5 });
}
if (process.connected) process.disconnect();
