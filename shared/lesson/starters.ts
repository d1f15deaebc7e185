import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parseMoves } from './hints.ts';
import { Problem } from '../terminal/problem.ts';
import { deviations } from './contract.ts';
import { root, steps, type Step } from './steps.ts';

/** A step's files as they came: their paths from the step's folder, and what is in them. */
export type Starter = Map<string, Buffer>;

/**
 * Finds a step's starter: the step's folder in the newest commit in which it is one. Nothing of the
 * repository is changed.
 * @throws {Problem} when there is no git, no repository, or no such commit in it
 */
export async function findStarter(step: Step): Promise<Starter> {
  const prefix = (await git(step, ['rev-parse', '--show-prefix'])).trim();
  const folder = `steps/${step.folder}`;
  const log = await git(step, ['log', '--format=%H', '--', folder, `solutions/${step.folder}`]);
  for (const commit of log.split('\n').filter(Boolean)) {
    const starter = await withCommit(step, commit, prefix, async (workshop) => (
      await isStarter(step, workshop) ? readFolder(path.join(workshop, folder)) : undefined
    ));
    if (starter) return starter;
  }
  throw new Problem(
    `The git history here holds no commit in which ${folder}/ is a starter.`,
    withoutHistory(step),
  );
}

/**
 * Whether a step's folder is its starter: it keeps the starter contract, and every move is still to
 * be done. The contract alone also holds for the finished step.
 * @param workshop the folder that holds `steps`, `solutions` and WORKSHOP.md
 */
export async function isStarter(step: Step, workshop = root): Promise<boolean> {
  const starter = path.join(workshop, 'steps', step.folder);
  const solution = path.join(workshop, 'solutions', step.folder);
  try {
    if ((await deviations(step, workshop)).length > 0) return false;
    let todos = '';
    for (const name of (await readdir(starter)).filter(isLearners)) {
      const text = await readFile(path.join(starter, name), 'utf8');
      const solved = await readFile(path.join(solution, name), 'utf8');
      if (!/\/\/\s*TODO\b/.test(text)) continue;
      // Somebody did the work and left the comment.
      if (codeOf(text) === codeOf(solved)) return false;
      todos += text;
    }
    const text = await readFile(path.join(workshop, 'WORKSHOP.md'), 'utf8').catch(() => '');
    const moves = parseMoves(text, step.number);
    return todos !== '' && moves.every(({ number }) => todos.includes(`TODO Move ${number}:`));
  } catch {
    // The commit has no such folders.
    return false;
  }
}

/** Whether a file of a step's folder is the learner's to change: the tests are not. */
export function isLearners(name: string): boolean {
  return !name.endsWith('.test.ts');
}

/** The learner's files of a folder, those in folders below it included; none if it is missing. */
export async function readFolder(folder: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    .catch(() => []);
  const files = entries.filter((entry) => entry.isFile() && isLearners(entry.name));
  return new Map(await Promise.all(files.map(async (entry): Promise<[string, Buffer]> => {
    const file = path.join(entry.parentPath, entry.name);
    return [path.relative(folder, file).split(path.sep).join('/'), await readFile(file)];
  })));
}

function codeOf(text: string): string {
  return text.split(/\r?\n/).filter((line) => line.trim() && !/^\s*\/\//.test(line)).join('\n');
}

/** Writes the workshop of a commit into a temporary folder for as long as somebody looks at it. */
async function withCommit<T>(
  step: Step,
  commit: string,
  prefix: string,
  look: (workshop: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), 'workshop-starter-'));
  try {
    // An index of our own: that of the repository, with what is staged there, stays as it is.
    const env = { GIT_INDEX_FILE: path.join(folder, 'index') };
    await git(step, ['read-tree', commit], env);
    const previous = steps.find(({ number }) => number === step.number - 1);
    const wanted = [`steps/${step.folder}`, `solutions/${step.folder}`, 'WORKSHOP.md',
      ...previous ? [`solutions/${previous.folder}`] : []];
    const files = (await git(step, ['ls-files', '-z', '--', ...wanted], env)).split('\0');
    const out = path.join(folder, 'out');
    await git(step, ['checkout-index', `--prefix=${out}/`, '--', ...files.filter(Boolean)], env);
    return await look(path.join(out, prefix));
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function git(step: Step, args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('git', args, {
      cwd: root, env: { ...process.env, ...env }, maxBuffer: 32 * 1024 ** 2, windowsHide: true,
    });
    return stdout;
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const stderr = 'stderr' in error ? String(error.stderr) : '';
    const [words = ''] = stderr.split('\n');
    let why = `git does not tell what the starter is: ${words}`;
    if (error.code === 'ENOENT') why = 'git is not installed, and only it knows the starters.';
    if (stderr.includes('not a git repository')) {
      why = 'This folder is no git repository (a download as a zip is none), and only git knows '
        + 'the starters.';
    }
    throw new Problem(why, withoutHistory(step));
  }
}

/** What to do where the starter is not known. */
function withoutHistory({ folder }: Step): string {
  return `get the workshop once more, into another folder, and copy steps/${folder} from there`;
}
