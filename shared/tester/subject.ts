import { pathToFileURL } from 'node:url';
import { folderOf, type Kind, type Step } from '../lesson/steps.ts';

/** The app under test. */
export interface Subject {
  readonly step: Step;
  readonly kind: Kind;
  /** Where its app.ts lies, ending in a slash. */
  readonly folder: URL;
  /** The folder as a person would write it: `steps/03-mongo-store`. */
  readonly name: string;
}

/** @param folder where the app lies, if not in the folder of its step */
export function subjectOf(step: Step, kind: Kind, folder = folderOf(step, kind)): Subject {
  const url = pathToFileURL(`${folder}/`);
  return { step, kind, folder: url, name: `${kind}/${step.folder}` };
}

let subject: Subject | undefined;

/** Chooses the app that is tested from now on. */
export function setSubject(chosen: Subject): void {
  subject = chosen;
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
