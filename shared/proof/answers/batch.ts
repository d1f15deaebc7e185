/*
 * Tests many answers in one process, one after the other, so that Node, tsx, Express and the
 * driver are started once: node … shared/proof/answers/batch.ts <jobs.json>
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { exitForGood } from '../../tester/crash.ts';
import { leaveOutTests } from '../../tester/harness.ts';
import { providePackages } from '../../tester/packages.ts';
import { plan } from '../../tester/plan.ts';
import { setSubject } from '../../tester/subject.ts';
import { watchForBlocking } from '../../tester/blocked.ts';
import { findStep } from '../../lesson/steps.ts';

/** An answer whose files lie in a folder of their own. */
export interface Job {
  /** The answer's step. */
  step: number;
  /** The step whose tests run. */
  tests: number;
  /** The test that catches it. What comes after that the learner reads later. */
  caughtBy: string | undefined;
  /** Which of the later tests run all the same. */
  laterTests: { 'app.ts': boolean; 'index.ts': boolean };
  folder: string;
}

process.env.NODE_ENV = 'test';
process.env.NO_DEPRECATION = 'express-session';
watchForBlocking();

const jobs = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Job[];
for (const { step, tests, folder, caughtBy, laterTests } of jobs) {
  const subject = findStep(String(step), 'test:N');
  await providePackages(subject);
  setSubject(subject, 'steps', pathToFileURL(`${folder}/`));
  const first = plan.length;
  leaveOutTests((tested) => (
    !laterTests[tested] && plan.slice(first).some(({ name }) => name === caughtBy)
  ));
  const file = `../../../steps/${findStep(String(tests), 'test:N').folder}/app.test.ts`;
  // Its tests are defined anew each time it is read.
  await import(`${new URL(file, import.meta.url).href}?${plan.length}`);
  await Promise.all(plan.slice(first).map(({ ended }) => ended));
}

// What an answer left open would keep the process alive; the last report is on its way.
setTimeout(() => exitForGood(0), 500);
