import { fileURLToPath } from 'node:url';
import { Problem } from './problem.ts';

/** One step of the workshop: its number, the name of its folder in steps/ and solutions/. */
export interface Step {
  number: number;
  folder: string;
  title: string;
  /** Whether the step's app keeps its sessions in MongoDB. */
  needsDatabase: boolean;
}

export const steps: readonly Step[] = [
  { number: 1, folder: '01-hello-express', title: 'Hello, Express', needsDatabase: false },
  { number: 2, folder: '02-memory-sessions', title: 'Sessions in memory', needsDatabase: false },
  { number: 3, folder: '03-mongo-store', title: 'A store that survives', needsDatabase: true },
  { number: 4, folder: '04-logout', title: 'Logout', needsDatabase: true },
];

/** The workshop's root folder, where package.json is. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Finds the step that a person named on the command line.
 * @param text what was typed, such as `3`
 * @throws {Problem} when there is no such step
 */
export function findStep(text: string | undefined, command: string): Step {
  const step = steps.find(({ number }) => String(number) === text);
  if (step) return step;
  const problem = text === undefined ? 'Which step?' : `There is no step ${text}.`;
  throw new Problem(
    `${problem} The steps are 1 to ${steps.length}.`,
    `npm run ${command.replace('N', '1')}`,
  );
}
