import { join } from 'node:path';
import { root } from '../lesson/steps.ts';

/** Reads the workshop's optional `.env` into process.env. What is set already wins. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile(join(root, '.env'));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
