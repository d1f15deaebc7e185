import type { Step } from '../lesson/steps.ts';
import { passes, type Report } from '../tester/report.ts';
import type { Verdict } from '../tester/main.ts';

/** What the cockpit knows and shows. */
export interface State {
  step: Step;
  /** The learner's folder: `steps/03-mongo-store`. */
  folder: string;
  /** The app's address. */
  address: string;
  /** The address of the live picture, if available. */
  live?: string;
  /** The database's address, without a login, if the step has a database. */
  database?: string;
  /** Lines that stay: which MongoDB runs and why, that a secret was generated. */
  setUp: string[];
  /** What is currently being set up, such as a download. */
  progress: string;
  app: {
    status: 'waiting' | 'running' | 'crashed' | 'ended';
    /** The time of day when its newest process started. */
    since: string;
    /** How it ended, as the end of a sentence that begins with "The app". */
    ending: string;
    /** The reason, in the app's own words. */
    cause: string;
    /** The last lines printed by its newest process. */
    output: string[];
  };
  tests: {
    running: boolean;
    /** While they run: the step's own tests, if they pass. Those of earlier steps follow. */
    own?: Report | undefined;
    /** The newest verdict; it's out of date as soon as tests run again. */
    verdict?: Verdict;
    /** The time of day of the verdict. */
    at: string;
  };
  /** A sentence shown until the next key: what a key did, which file was saved. */
  notice: string;
  /** A text that covers everything else: a hint, the diff, the keys. */
  page?: Page | undefined;
}

/** A text to read and close. */
export interface Page {
  name: 'hint' | 'diff' | 'keys';
  title: string;
  lines: string[];
  /** How many lines have been scrolled off its top. */
  top: number;
}

/** An event in the cockpit. `at` is a time of day. */
export type Event =
  | { type: 'opened' }
  /** A line about the set-up: either it stays, or the next one replaces it. */
  | { type: 'said'; line: string; stays: boolean }
  /** Everything the app and the tests need is ready. */
  | { type: 'ready'; live?: string; database?: string }
  | { type: 'saved'; files: string[] }
  /** Files were saved that don't belong to this step. */
  | { type: 'saved elsewhere'; files: string[] }
  | { type: 'app started'; at: string }
  | { type: 'app printed'; line: string; stream: 'stdout' | 'stderr' }
  /** The app ended without being asked to. */
  | { type: 'app ended'; crashed: boolean; ending: string; cause: string }
  | { type: 'tests started' }
  | { type: 'own tests passed'; report: Report }
  | { type: 'tests ended'; verdict: Verdict; at: string }
  | { type: 'noticed'; notice: string }
  | { type: 'page opened'; name: Page['name']; title: string; lines: string[] }
  | { type: 'page scrolled'; by: number }
  | { type: 'page closed' };

/** Tells the cockpit of an event. */
export type Emit = (event: Event) => void;

/** How many lines of the app's output to keep. */
const OUTPUT_LINES = 40;

/** A step's initial state. */
export function initialState(step: Step, folder: string, address: string): State {
  return {
    step,
    folder,
    address,
    setUp: [],
    progress: '',
    app: { status: 'waiting', since: '', ending: '', cause: '', output: [] },
    tests: { running: false, at: '' },
    notice: '',
  };
}

/** The reducer: the state after an event. */
export function reduce(state: State, event: Event): State {
  const { app, page } = state;
  switch (event.type) {
    case 'opened':
      return state;
    case 'said':
      return event.stays
        ? { ...state, setUp: [...state.setUp, event.line], progress: '' }
        : { ...state, progress: event.line };
    case 'ready': {
      const { live, database } = event;
      return { ...state, progress: '', ...live && { live }, ...database && { database } };
    }
    case 'saved':
      // After a save, the verdict matters, so it replaces a hint or a diff.
      return { ...state, notice: describeSave(event.files, state), page: undefined };
    case 'saved elsewhere':
      return { ...state, notice: describeSave(event.files, state) };
    case 'app started':
      return {
        ...state,
        app: { status: 'running', since: event.at, ending: '', cause: '', output: [] },
      };
    case 'app printed':
      return {
        ...state,
        app: { ...app, output: [...app.output, event.line].slice(-OUTPUT_LINES) },
      };
    case 'app ended': {
      const { crashed, ending, cause } = event;
      return { ...state, app: { ...app, status: crashed ? 'crashed' : 'ended', ending, cause } };
    }
    case 'tests started':
      return { ...state, tests: { ...state.tests, running: true, own: undefined } };
    case 'own tests passed':
      return { ...state, tests: { ...state.tests, own: event.report } };
    case 'tests ended':
      return { ...state, tests: { running: false, verdict: event.verdict, at: event.at } };
    case 'noticed':
      return { ...state, notice: event.notice };
    case 'page opened': {
      const { name, title, lines } = event;
      return { ...state, notice: '', page: { name, title, lines, top: 0 } };
    }
    case 'page scrolled': {
      if (!page) return state;
      const top = Math.max(0, Math.min(page.top + event.by, page.lines.length - 1));
      return { ...state, page: { ...page, top } };
    }
    case 'page closed':
      return { ...state, page: undefined };
  }
}

/** The time of day, for an event that happens now. */
export function timeOfDay(): string {
  return new Date().toLocaleTimeString('en-GB');
}

/** What a save does; for a file of another step, where this step's files are. */
export function describeSave(files: string[], { step, folder }: State): string {
  const own = files.filter((file) => file.startsWith(`${folder}/`));
  const names = own.map((file) => file.slice(folder.length + 1));
  if (own.length > 0) return `Saved ${names.join(', ')}: starting the app again.`;
  const [file = '', ...others] = files;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  return `You saved ${file}${more}, but this is step ${step.number}: it runs ${folder}/.`;
}

/** How many tests pass; undefined until there is a report. */
export function countTests({ tests: { verdict } }: State):
{ passed: number; total: number } | undefined {
  if (!verdict || !('report' in verdict)) return undefined;
  const { tests } = verdict.report;
  return { passed: tests.filter(passes).length, total: tests.length };
}

/** Whether the newest verdict says the step is done. */
export function isGreen(state: State): boolean {
  const count = countTests(state);
  return count !== undefined && count.total > 0 && count.passed === count.total;
}

/** The first move with a red test; undefined if there is none, or no report. */
export function currentMove({ tests: { verdict } }: State): number | undefined {
  if (!verdict || !('report' in verdict)) return undefined;
  // Tests are in the order of the moves.
  return verdict.report.tests.find((test) => !passes(test))?.move;
}
