import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root, type Step } from '../steps.ts';

let subject: Step | undefined;

/** Chooses the step whose app is tested: the tests of step 1 also run on the app of step 3. */
export function setSubject(step: Step): void {
  subject ??= step;
}

/** The step whose app is tested. */
export function currentSubject(): Step {
  if (!subject) throw new Error('No step has been chosen: call setSubject() first.');
  return subject;
}

/**
 * The URL of one of the tested step's files, in steps/ or, under `--conditions=solutions`, in
 * solutions/ (see "imports" in package.json).
 */
export function subjectFile(name: string): URL {
  return new URL(import.meta.resolve(`#workshop/${currentSubject().folder}/${name}`));
}

/** The tested step's folder as a person would write it: `steps/03-mongo-store`. */
export function describeSubject(): string {
  const folder = path.dirname(fileURLToPath(subjectFile('app.ts')));
  return path.relative(root, folder).split(path.sep).join('/');
}
