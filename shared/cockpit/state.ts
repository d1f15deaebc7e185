import type { Step } from '../lesson/steps.ts';
import { passes } from '../tester/report.ts';
import type { Verdict } from '../tester/test-process.js';

/** What the cockpit knows, and shows. */
export interface State {
  step: Step;
  /** Where the learner works: `steps/03-mongo-store`. */
  folder: string;
  /** The app's address. */
  address: string;
  /** The address of the live picture; only while it can be shown. */
  live?: string;
  /** The database's address, without a login; only where the step has one. */
  database?: string;
  /** Lines that stay to be read: which MongoDB runs and why, that a secret was made up. */
  setUp: string[];
  /** A line about what is being done now, such as a download. */
  progress: string;
  app: {
    status: 'waiting' | 'running' | 'crashed';
    /** How it ended, as the end of a sentence that begins with "The app". */
    ending: string;
    /** What it said about the reason. */
    cause: string;
    /** What the newest process of it has printed, the last lines of it. */
    output: string[];
  };
  tests: {
    running: boolean;
    /** The newest one; it is old as soon as tests run again. */
    verdict?: Verdict;
  };
  /** An answer to a key, until the next key. */
  notice: string;
  /** A text that stands over everything else: a hint, the diff. */
  page?: Page | undefined;
}

/** A text that a person reads and puts away. */
export interface Page {
  title: string;
  lines: string[];
  /** How many lines have been scrolled away at its top. */
  top: number;
}

/** What happens in the cockpit. */
export type Event =
  | { type: 'opened' }
  /** A line of the set-up; one that stays, or that only the next one replaces. */
  | { type: 'said'; line: string; stays: boolean }
  /** Everything is there that the app and the tests need. */
  | { type: 'ready'; live?: string; database?: string }
  | { type: 'saved'; files: string[] }
  | { type: 'app started' }
  | { type: 'app printed'; line: string; stream: 'stdout' | 'stderr' }
  | { type: 'app crashed'; ending: string; cause: string }
  | { type: 'tests started' }
  | { type: 'tests ended'; verdict: Verdict }
  | { type: 'noticed'; notice: string }
  | { type: 'page opened'; title: string; lines: string[] }
  | { type: 'page scrolled'; by: number }
  | { type: 'page closed' };

/** How many lines of the app's output are kept. */
const OUTPUT_LINES = 100;

/** The state in which a step's cockpit begins. */
export function beginning(step: Step, folder: string, address: string): State {
  return {
    step,
    folder,
    address,
    setUp: [],
    progress: '',
    app: { status: 'waiting', ending: '', cause: '', output: [] },
    tests: { running: false },
    notice: '',
  };
}

/** The state after an event. */
export function after(state: State, event: Event): State {
  const { app, tests, page } = state;
  switch (event.type) {
    case 'opened':
      return state;
    case 'said':
      return event.stays
        ? { ...state, setUp: [...state.setUp, event.line], progress: '' }
        : { ...state, progress: event.line };
    case 'ready':
      return {
        ...state,
        progress: '',
        ...event.live && { live: event.live },
        ...event.database && { database: event.database },
      };
    case 'saved':
      // Whoever saves wants to see what came of it, and no hint or diff any more.
      return { ...state, notice: '', page: undefined };
    case 'app started':
      return { ...state, app: { status: 'running', ending: '', cause: '', output: [] } };
    case 'app printed':
      return {
        ...state,
        app: { ...app, output: [...app.output, event.line].slice(-OUTPUT_LINES) },
      };
    case 'app crashed':
      return {
        ...state,
        app: { ...app, status: 'crashed', ending: event.ending, cause: event.cause },
      };
    case 'tests started':
      return { ...state, tests: { ...tests, running: true } };
    case 'tests ended':
      return { ...state, tests: { running: false, verdict: event.verdict } };
    case 'noticed':
      return { ...state, notice: event.notice };
    case 'page opened':
      return { ...state, notice: '', page: { title: event.title, lines: event.lines, top: 0 } };
    case 'page scrolled': {
      if (!page) return state;
      const top = Math.max(0, Math.min(page.top + event.by, page.lines.length - 1));
      return { ...state, page: { ...page, top } };
    }
    case 'page closed':
      return { ...state, page: undefined };
  }
}

/** How many tests pass; undefined as long as nobody knows. */
export function countTests({ tests: { verdict } }: State):
{ passed: number; total: number } | undefined {
  if (!verdict || !('report' in verdict)) return undefined;
  const { tests } = verdict.report;
  return {
    passed: tests.filter(passes).length,
    total: tests.length,
  };
}

/** Whether the newest verdict says that the step is done. */
export function isGreen(state: State): boolean {
  const count = countTests(state);
  return count !== undefined && count.total > 0 && count.passed === count.total;
}
