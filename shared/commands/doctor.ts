/*
 * npm run doctor: looks for what is wrong with this machine, a line a thing, each with what to do.
 * `--json` prints the same as one line of JSON.
 */
import { readArguments } from './arguments.ts';
import type { Check } from '../doctor/check.ts';
import {
  checkFolder, checkInstall, checkLineEndings, checkNode, checkTsx,
} from '../doctor/installation.ts';
import { runCommand } from '../terminal/problem.ts';
import { paint, paperOf } from '../terminal/text.ts';

await runCommand(async () => {
  const { flags } = readArguments('doctor', ['json']);
  const checks: Check[] = [checkNode, checkInstall, checkTsx, checkFolder, checkLineEndings];
  const findings = await Promise.all([...checks, ...await others()].map((check) => check()));
  if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
  if (flags.json) {
    console.log(JSON.stringify(findings));
    return;
  }
  const paper = paperOf();
  for (const { name, ok, found, next } of findings) {
    const mark = ok ? paint('green', '✔', paper) : paint('red', '✖', paper);
    console.log(`${mark} ${name.padEnd(10)} ${found}`);
    if (next !== undefined) console.log(`${' '.repeat(13)}Next: ${next}`);
  }
  const bad = findings.filter(({ ok }) => !ok).length;
  console.log(bad === 0 ? '\nAll is well. Next: npm start' : `\n${bad} to put right.`);
});

// A DNS look-up that nobody waits for any more should not keep us.
setTimeout(() => process.exit(), 500).unref();

/** The checks that need packages: without an install there is nothing that they could say. */
async function others(): Promise<Check[]> {
  try {
    const { loadEnvFile } = await import('../app/settings.ts');
    loadEnvFile();
    const found = await import('../doctor/surroundings.ts');
    return [
      found.checkPort, found.checkLoopback, found.checkDatabase, found.checkDownload,
      found.checkCookies, found.checkStarters,
    ];
  } catch {
    return [];
  }
}
