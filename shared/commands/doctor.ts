import {
  checkFolder, checkGit, checkHome, checkInstall, checkLineEndings, checkNode, checkSettings,
  checkStarters, checkWatching,
} from '../doctor/installation.ts';
import {
  checkCookies, checkDatabase, checkDownload, checkLoopback, checkPort,
} from '../doctor/surroundings.ts';
import { messageOf, Problem } from '../terminal/problem.ts';
import { paint } from '../terminal/text.ts';
import { readArguments } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * Each returns its finding in a few words, or throws a Problem that says what to do. They leave
 * nothing behind. The first one loads the environment for the others.
 */
const checks = {
  Settings: checkSettings,
  Node: checkNode,
  Install: checkInstall,
  Folder: checkFolder,
  Home: checkHome,
  Watching: checkWatching,
  'Line ends': checkLineEndings,
  Starters: checkStarters,
  Git: checkGit,
  Port: checkPort,
  Loopback: checkLoopback,
  Database: checkDatabase,
  Download: checkDownload,
  Cookies: checkCookies,
};

/**
 * `npm run doctor`: checks this machine for problems, one line per check, each with what to do.
 * `--json` prints the same as one line of JSON.
 */
export default async function doctor({ print, display, ...context }: Context): Promise<void> {
  const { flags } = readArguments('doctor', ['json'], context);
  const findings = await Promise.all(Object.entries(checks).map(async ([name, check]) => {
    try {
      return { name, ok: true, found: await check(context) };
    } catch (error) {
      const next = error instanceof Problem ? error.next : 'npm install, then npm run doctor';
      return { name, ok: false, found: messageOf(error), next };
    }
  }));
  if (flags.json) print(JSON.stringify(findings));
  else {
    for (const { name, ok, found, next } of findings) {
      const mark = ok ? paint('green', '✔', display) : paint('red', '✖', display);
      print(`${mark} ${name.padEnd(10)} ${found}`);
      if (next !== undefined) print(`${' '.repeat(13)}Next: ${next}`);
    }
  }
  const wrong = findings.filter(({ ok }) => !ok);
  if (wrong[0]?.next !== undefined) {
    throw new Problem(`\n${wrong.length} to put right, beginning at the top.`, wrong[0].next);
  }
  if (!flags.json) print('\nAll is well. Next: npm start');
}
