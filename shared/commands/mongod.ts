import { stat } from 'node:fs/promises';
import { DownloadFailure, downloadMongod } from '../mongo/download.ts';
import { findMongod, tryBinary } from '../mongo/mongod.ts';
import { loadEnvFile } from '../app/settings.ts';
import { Problem, runCommand } from '../terminal/problem.ts';

const say = (line: string) => {
  console.log(line);
};

await runCommand(async () => {
  loadEnvFile();
  const found = await findMongod(process.env);
  if (typeof found !== 'string') {
    say(`There is already one: mongod ${found.version}, ${await place(found.path)}.`);
    return;
  }
  const path = await downloadMongod({ env: process.env, say }).catch((error: unknown) => {
    if (!(error instanceof DownloadFailure)) throw error;
    throw new Problem(
      `No mongod could be downloaded: ${error.message}.`,
      'npm run mongod once more later, or go on with npm run step:3: it uses the stand-in',
    );
  });
  const mongod = await tryBinary(path);
  if (typeof mongod === 'string') {
    throw new Problem(
      `The mongod that was downloaded cannot be used: ${mongod}.`,
      'go on with npm run step:3: it uses the stand-in',
    );
  }
  say(`mongod ${mongod.version} is ready, ${await place(path)}. The next npm run step:3 uses it.`);
});

async function place(path: string): Promise<string> {
  const { size } = await stat(path);
  return `${path} (${Math.round(size / 1024 ** 2)} MB)`;
}
