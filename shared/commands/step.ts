import { randomBytes } from 'node:crypto';
import { constants } from 'node:os';
import { dirname, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from '../database/database.ts';
import { withDatabase } from '../database/url.ts';
import { runCommand } from '../problem.ts';
import { App } from '../runner/app.ts';
import { untilEnd } from '../runner/ending.ts';
import { findPort, loadEnvFile } from '../runner/settings.ts';
import { watchFolder } from '../runner/watch.ts';
import { findStep, root } from '../steps.ts';

const say = (line: string) => {
  console.log(line);
};

await runCommand(async () => {
  // The condition `solutions` decides to which folder this leads.
  const find = (path: string) => fileURLToPath(import.meta.resolve(`#workshop/${path}`));
  const kind = relative(root, find('index.ts')).startsWith('solutions') ? 'solution' : 'step';
  const step = findStep(process.argv[2], `${kind}:N`);
  const command = `${kind}:${step.number}`;
  const entry = find(`${step.folder}/index.ts`);
  const folder = relative(root, dirname(entry)).replaceAll(sep, '/');

  loadEnvFile();
  const port = await findPort(process.env, command);
  say(`Step ${step.number} · ${step.title} · ${folder}/`);

  const env: NodeJS.ProcessEnv = { ...process.env, PORT: String(port) };
  if (!env['SESSION_SECRET']) {
    env['SESSION_SECRET'] = randomBytes(32).toString('hex');
    // In step 1 nobody knows yet what it is.
    if (step.number > 1) say('SESSION_SECRET is not set: made one up for this run.');
  }

  const app = new App({ entry, env });
  app.on('output', (line, stream) => {
    if (stream === 'stdout') console.log(line);
    else console.error(line);
  });
  app.on('crashed', (code, signal) => {
    say(`\nThe app ${manner(code, signal)}. Waiting for the next save in ${folder}/.`);
  });
  const end = untilEnd(() => {
    app.kill();
    process.exit(1);
  });

  let database;
  if (step.needsDatabase) {
    const opening = openDatabase({ inProcess: false, mayDownload: true, say });
    // Whatever was being started or downloaded ends with this process.
    database = await Promise.race([opening, end]);
    if (typeof database === 'string') {
      setExitCode(database);
      return;
    }
    env['MONGO_URL'] = withDatabase(database.url, 'workshop', { keep: true });
    say(database.line);
  }

  say(`
  App     http://localhost:${port}
  Check   npm run test:${step.number}
  Text    WORKSHOP.md › Step ${step.number}

Saving a file starts the app again. Ctrl-C ends everything.
`);

  const stopWatching = await watchFolder(dirname(entry), (files) => {
    say(`\nSaved ${files.join(', ')}: starting the app again.`);
    return app.restart();
  });
  await app.start();

  const ending = await end;
  setExitCode(ending);
  await stopWatching();
  // The app first: closing its connection needs a database that still answers.
  await app.stop(ending);
  await database?.close();
});

// Nothing should be left that keeps us; a DNS look-up that nobody waits for any more may.
setTimeout(() => process.exit(), 500).unref();

function manner(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `was ended by ${signal}`;
  if (code === 0) return 'has ended by itself: it waits for no request';
  return `has crashed (exit code ${code ?? 'unknown'})`;
}

/** Ctrl-C is how this command normally ends; only other endings are worth an exit code. */
function setExitCode(ending: NodeJS.Signals): void {
  process.exitCode = ending === 'SIGINT' ? 0 : 128 + constants.signals[ending];
}
