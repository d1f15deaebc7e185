/*
 * npm run test:N: the tests of step N against the learner's code; with --solution, against the
 * solution.
 */
import { readArguments } from './arguments.ts';
import { runCommand } from '../terminal/problem.ts';
import { findStep } from '../lesson/steps.ts';
import { loadEnvFile } from '../app/settings.ts';
import { exitForGood } from '../tester/crash.ts';
import { messageOf } from '../tester/lesson.ts';
import { providePackages } from '../tester/packages.ts';
import { setSubject } from '../tester/subject.ts';
import { watchForBlocking } from '../tester/blocked.ts';

await runCommand(async () => {
  const { positionals: [text], flags: { solution } } = readArguments('test:N', ['solution']);
  const step = findStep(text, 'test:N');
  setSubject(step, solution ? 'solutions' : 'steps');
  loadEnvFile();
  process.env.NODE_ENV = 'test';
  // express-session speaks of missing options on every start; the tests say it better.
  process.env.NO_DEPRECATION = 'express-session';
  watchForBlocking();
  await providePackages(step);
  const file = `steps/${step.folder}/app.test.ts`;
  await import(new URL(`../../${file}`, import.meta.url).href).catch((error: unknown) => {
    console.error(`The tests cannot be loaded: ${messageOf(error)}\n`
      + `Next: git checkout ${file}, which brings them back as they came`);
    // Without a test node:test never comes to its end.
    exitForGood(1);
  });
});
