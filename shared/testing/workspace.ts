import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { makeFolder, removeFolder } from './workshop.ts';
import { root } from '../lesson/steps.ts';

/** What a command printed, on both outputs, and its exit code. */
export interface Outcome {
  code: number | null;
  output: string;
}

/**
 * A copy of the workshop in a temporary folder, in which files can be changed and commands be run
 * as a learner does. Only node_modules is shared.
 */
export class Workspace {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Workspace> {
    const folder = await makeFolder();
    for (const entry of ['package.json', 'tsconfig.json', '.env.example', 'steps', 'solutions',
      'shared', 'WORKSHOP.md', 'README.md']) {
      await cp(path.join(root, entry), path.join(folder, entry), { recursive: true })
        .catch((error: unknown) => {
          if (!isMissing(error)) throw error;
        });
    }
    await symlink(path.join(root, 'node_modules'), path.join(folder, 'node_modules'), 'junction');
    return new Workspace(folder);
  }

  read(file: string): Promise<string> {
    return readFile(path.join(this.folder, file), 'utf8');
  }

  /**
   * Writes a file, at once: between opening and writing, a busy machine could otherwise take longer
   * than whoever watches waits, and that would be two saves.
   */
  async write(file: string, text: string): Promise<void> {
    await mkdir(path.dirname(path.join(this.folder, file)), { recursive: true });
    writeFileSync(path.join(this.folder, file), text);
  }

  /** Puts the solution's files in the place of the step's, so that a change can be made to them. */
  async solve(stepFolder: string): Promise<void> {
    const solution = path.join(root, 'solutions', stepFolder);
    await cp(solution, path.join(this.folder, 'steps', stepFolder), { recursive: true });
  }

  /**
   * Runs `node` with these arguments in the workspace.
   * @param timeoutMs after how many milliseconds it is killed
   */
  async node(args: string[], env: NodeJS.Dict<string> = {}, timeoutMs = 60_000): Promise<Outcome> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: AbortSignal.timeout(timeoutMs),
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => { output += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { output += text; });
    child.on('error', (error) => { output += `\n${error.message}`; });
    await once(child, 'close');
    return { code: child.exitCode, output };
  }

  async remove(): Promise<void> {
    await removeFolder(this.folder);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
