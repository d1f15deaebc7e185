import { loadEnvFile } from '../app/settings.ts';
import { startMongod } from '../mongo/mongod.ts';
import { ServerFailure } from '../mongo/server-process.ts';
import { Problem } from '../terminal/problem.ts';
import type { Context } from './command.ts';

/** `npm run mongod`: finds or downloads a mongod, and starts it once to check that it runs. */
export default async function mongod({ env, print }: Context): Promise<void> {
  loadEnvFile();
  try {
    const { version, path, close } = await startMongod({ env, download: 'now', say: print });
    await close();
    print(`mongod ${version} is ready: ${path ?? ''}\nNext: npm run step:3`);
  } catch (error) {
    if (!(error instanceof ServerFailure)) throw error;
    throw new Problem(
      `There is no mongod: ${error.message}.`,
      'npm run step:3, which runs the stand-in instead',
    );
  }
}
