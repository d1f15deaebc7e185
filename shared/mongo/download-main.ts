// Downloads a mongod, as a process that download.ts starts, watches and may end at any moment.
import { rmSync } from 'node:fs';

const folder = process.env['MONGOMS_DOWNLOAD_DIR'] ?? '';

// The process that started us tidies up; where it ended before it could, we do. So nothing else
// may end us before.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.once('disconnect', () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit();
});

const { MongoBinary } = await import('mongodb-memory-server-core');
process.send?.({ type: 'requesting' });
try {
  process.send?.({ type: 'done', path: await MongoBinary.getPath() });
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const code = error instanceof Error && 'code' in error ? String(error.code) : name;
  process.send?.({ type: 'failed', code, message });
}
