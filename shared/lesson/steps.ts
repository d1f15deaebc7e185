import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '../terminal/problem.ts';

/** One step of the workshop: its number, the name of its folder in steps/ and solutions/. */
export interface Step {
  number: number;
  folder: string;
  title: string;
  /** Whether the step's app keeps its sessions in MongoDB. */
  needsDatabase: boolean;
  /** What the learner knows after this step. */
  learned: string;
  /** Whether an HTTPS-terminating proxy stands in front of the app. */
  behindProxy?: true;
  /** How many processes the app runs as, if more than one. Allows causing outages. */
  processes?: 2;
  /** Whether a move in part two changes index.ts, which is given in part two's other steps. */
  changesIndex?: true;
  /** What this step completes. */
  ends?: 'the workshop' | 'part two';
}

export const steps: readonly Step[] = [
  {
    number: 1,
    folder: '01-hello-express',
    title: 'Hello, Express',
    needsDatabase: false,
    learned: 'You learned: a route says which requests get an answer, and an app says "running" '
      + 'only once it really listens.',
  },
  {
    number: 2,
    folder: '02-memory-sessions',
    title: 'Sessions in memory',
    needsDatabase: false,
    learned: 'You learned: the browser holds a signed id, the server holds the data. In the '
      + "app's memory that data ends with the app.",
  },
  {
    number: 3,
    folder: '03-mongo-store',
    title: 'A store that survives',
    needsDatabase: true,
    learned: 'You learned: with a store, sessions outlive the app. Each is a document with an '
      + 'expiry date, and MongoDB deletes it after that.',
  },
  {
    number: 4,
    folder: '04-logout',
    title: 'Logout',
    needsDatabase: true,
    learned: 'You learned: a logout ends the session where it lives, on the server, and says so '
      + "only when that's done. Clearing the cookie is only tidying up.",
    ends: 'the workshop',
  },
  {
    number: 5,
    folder: '05-login',
    title: 'Login',
    needsDatabase: true,
    learned: 'You learned: a login begins a new session and throws the old one away, because you '
      + "can't know who else has its cookie.",
  },
  {
    number: 6,
    folder: '06-same-origin',
    title: 'Same origin',
    needsDatabase: true,
    learned: 'You learned: a cookie says whose browser it is, and not whose click it was. '
      + 'Sec-Fetch-Site and Origin tell which page a request comes from.',
  },
  {
    number: 7,
    folder: '07-logins',
    title: 'Logins',
    needsDatabase: true,
    learned: 'You learned: a session is a copy that every request carries along and may write '
      + 'back. What must not come back is kept outside it, and looked up each time.',
  },
  {
    number: 8,
    folder: '08-devices',
    title: 'Devices',
    needsDatabase: true,
    learned: 'You learned: logins kept in a collection can be listed and ended by their owner, one '
      + 'or all. What matters most asks for the password again.',
  },
  {
    number: 9,
    folder: '09-secure-cookie',
    title: 'A cookie for HTTPS',
    needsDatabase: true,
    learned: 'You learned: a browser sends a Secure cookie over HTTPS only, and lets no other host '
      + 'set a __Host- cookie. Behind a proxy, X-Forwarded-Proto says how a request came.',
    behindProxy: true,
  },
  {
    number: 10,
    folder: '10-production',
    title: 'Production',
    needsDatabase: true,
    learned: "You learned: an error can be answered, and silence can't, so whatever an app waits "
      + 'for needs a deadline. Processes end, and sessions in a store outlive them.',
    behindProxy: true,
    processes: 2,
    changesIndex: true,
    ends: 'part two',
  },
];

/** The files with the lessons: part one takes an afternoon, part two continues from there. */
export const texts = ['WORKSHOP.md', 'PART-TWO.md'] as const;

/** The file with a step's lesson. @param step its number */
export function textOf(step: number): string {
  return texts[isPartOne(step) ? 0 : 1];
}

/** Whether a step belongs to part one. @param step its number */
export function isPartOne(step: number): boolean {
  return step <= steps.findIndex(({ ends }) => ends === 'the workshop') + 1;
}

/** Whether learners write index.ts in a step. In the others it's given. */
export function writesIndex({ number, changesIndex }: Step): boolean {
  return isPartOne(number) || changesIndex === true;
}

/** The packages that a step's app imports. */
export function packagesOf({ number, needsDatabase }: Step): string[] {
  return ['express', ...number > 1 ? ['express-session'] : [],
    ...needsDatabase ? ['mongodb', 'connect-mongo'] : []];
}

/** What a finished step completes, and what to do next. */
export function afterStep({ number, ends }: Step, goOn?: string): { done: string; next: string } {
  const following = steps.find((step) => step.number === number + 1);
  return {
    done: ends ? `Step ${number} is done, and so is ${ends}` : `Step ${number} is done`,
    next: following
      ? `${goOn ?? `npm run step:${following.number}`}${ends ? ' for part two, if you like' : ''}`
      : 'npm run progress',
  };
}

/** The workshop's root folder, which holds package.json. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Whose code: the learner's, in steps/, or ours, in solutions/. */
export type Kind = 'steps' | 'solutions';

/** The path of a step's folder. @param workshop the folder that holds steps/ and solutions/ */
export function folderOf({ folder }: Step, kind: Kind, workshop = root): string {
  return path.join(workshop, kind, folder);
}

/**
 * Finds a step by its number.
 * @param named such as 3, or `3` from the command line
 * @param command what to type instead, if that was wrong
 * @throws {Problem} when there's no such step
 */
export function findStep(named: number | string | undefined, command = 'test:N'): Step {
  const step = steps.find(({ number }) => String(number) === String(named));
  if (step) return step;
  const problem = named === undefined ? 'Which step?' : `There is no step ${named}.`;
  throw new Problem(
    `${problem} The steps are 1 to ${steps.length}.`,
    `npm run ${command.replace('N', '1')}`,
  );
}
