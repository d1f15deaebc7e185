import { pathToFileURL } from 'node:url';
import { folderOf, type Kind, type Step } from '../lesson/steps.ts';

/** The app under test. */
export interface Subject {
  readonly step: Step;
  /** Where its app.ts lies, ending in a slash. */
  readonly folder: URL;
  /** The folder as a person would write it: `steps/03-mongo-store`. */
  readonly name: string;
}

let subject: Subject | undefined;

/**
 * Chooses the app that is tested from now on.
 * @param step whose app: the tests of step 1 also run on the app of step 3
 * @param folder where else the app lies, ending in a slash
 */
export function setSubject(step: Step, kind: Kind = 'steps', folder?: URL): void {
  const own = pathToFileURL(`${folderOf(step, kind)}/`);
  subject = { step, folder: folder ?? own, name: `${kind}/${step.folder}` };
}

/** Whether the app to be tested has been chosen. */
export function hasSubject(): boolean {
  return subject !== undefined;
}

/** The app that is tested now. */
export function currentSubject(): Subject {
  if (!subject) throw new Error('No step has been chosen: call setSubject() first.');
  return subject;
}

/** The URL of one of the tested app's files. */
export function subjectFile(name: string): URL {
  return new URL(name, currentSubject().folder);
}
