/*
 * Tests many answers in one process, one after the other, so that Node, tsx, Express and the
 * driver are started once: node … shared/proof/answers/batch.ts <jobs.json>
 */
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { exitForGood } from '../../harness/crash.ts';
import { leaveOutEntryTests } from '../../harness/harness.ts';
import { plan } from '../../harness/plan.ts';
import { setSubject } from '../../harness/subject.ts';
import { watchForBlocking } from '../../reporter/blocked.ts';
import { findStep } from '../../steps.ts';

/** An answer whose files lie in a folder of their own. */
export interface Job {
  /** The answer's step. */
  step: number;
  /** The step whose tests run. */
  tests: number;
  /** After which test the answer cannot change how index.ts starts any more. */
  entryTestsUntil: string | undefined;
  folder: string;
}

process.env.NODE_ENV = 'test';
process.env.NO_DEPRECATION = 'express-session';
watchForBlocking();

const jobs = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as Job[];
for (const { step, tests, folder, entryTestsUntil } of jobs) {
  setSubject(findStep(String(step), 'test:N'), pathToFileURL(`${folder}/`));
  const first = plan.length;
  leaveOutEntryTests(() => plan.slice(first).some(({ name }) => name === entryTestsUntil));
  const file = `../../../steps/${findStep(String(tests), 'test:N').folder}/app.test.ts`;
  // Its tests are defined anew each time it is read.
  await import(`${new URL(file, import.meta.url).href}?${plan.length}`);
  await Promise.all(plan.slice(first).map(({ ended }) => ended));
}

// What an answer left open would keep the process alive; the last report is on its way.
setTimeout(() => exitForGood(0), 500);
