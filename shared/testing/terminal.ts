import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { eventually, onEnd, Workshop } from './workshop.ts';
import { folderOf, steps, texts } from '../lesson/steps.ts';

/** The learner's index.ts: an app that listens and says so. */
export const index = `
import { createApp } from './app.ts';

createApp().listen(Number(process.env['PORT']), () => {
  console.log('Server running, process', process.pid);
});
`;

/** The learner's app, with these routes. */
export const app = (...routes: string[]) => `
import express from 'express';

export function createApp() {
  const app = express();
${routes.map((route) => `  app.get('${route}', (_, res) => res.send('${route}'));`).join('\n')}
  return app;
}
`;

/** Tests of two moves: the first wants the route /one, the second /two. */
const tests = (step: number) => `
import { expect, testsOfStep } from '#harness';

const { test } = testsOfStep(${step});
for (const [move, path] of [[1, '/one'], [2, '/two']] as const) {
  test(\`GET \${path} is answered\`, { move }, async (bench) => {
    const app = await bench.openApp();
    const { status } = await app.newBrowser().get(path);
    expect(status === 200, {
      observed: \`GET \${path} answered with status \${status}.\`,
      why: 'A route was asked for.',
      lookAt: 'app.ts: is there a route?',
    });
  });
}
`;

const hints = (move: number, path: string) => `
### Move ${move}: Answer ${path}

${['a nudge', 'a pointer', 'the code'].map((name, index) => `
<details>
<summary>Hint ${index + 1}: ${name}</summary>

Hint ${index + 1} of move ${move}.

</details>
`).join('')}`;

const text = steps.map(({ number, title }) =>
  `## Step ${number}: ${title}\n${hints(1, '/one')}${hints(2, '/two')}`).join('\n');

/**
 * A workshop with small tests for every step, a text with hints, our solutions, and starters based
 * on them.
 */
export async function learnersWorkshop(t: TestContext): Promise<Workshop> {
  const workshop = await Workshop.create(t);
  for (const name of texts) workshop.write(name, text);
  for (const step of steps) {
    const { number, folder } = step;
    const previous = steps.find((step) => step.number === number - 1);
    for (const name of readdirSync(folderOf(step, 'solutions'))) {
      const solution = join(folderOf(step, 'solutions'), name);
      const before = previous && join(folderOf(previous, 'solutions'), name);
      const todos = name === 'app.ts' ? '\n// TODO Move 1: this.\n\n// TODO Move 2: that.\n' : '';
      const starter = (before && existsSync(before) ? readFileSync(before, 'utf8') : '') + todos;
      workshop.write(`solutions/${folder}/${name}`, readFileSync(solution, 'utf8'));
      workshop.write(`shared/lesson/starters/${folder}/${name}`, starter);
      workshop.write(`steps/${folder}/${name}`, starter);
    }
    workshop.write(`steps/${folder}/app.test.ts`, tests(number));
  }
  return workshop;
}

/** A terminal to type commands into: tmux, on its own server. */
export class Terminal {
  readonly #socket = `workshop-${randomUUID()}`;

  /** Whether tmux is installed. */
  static async exists(): Promise<boolean> {
    return promisify(execFile)('tmux', ['-V']).then(() => true, () => false);
  }

  /** Opens a terminal of 80 by 24 characters with a shell, until the test ends. */
  static async open(t: TestContext, cwd: string, env: NodeJS.ProcessEnv): Promise<Terminal> {
    const terminal = new Terminal();
    const settings = Object.entries(env).flatMap(([name, value]) => (
      value === undefined ? [] : ['-e', `${name}=${value}`]
    ));
    await terminal.#tmux('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', '-c', cwd,
      ...settings, '/bin/sh');
    onEnd(t, () => terminal.close());
    return terminal;
  }

  /** Types keys by their tmux names; other text is typed literally. */
  async type(...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys);
  }

  async resize(columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The current content of the screen. */
  screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p');
  }

  /** Waits until the screen shows something. @returns the whole screen */
  async shows(pattern: RegExp): Promise<string> {
    let screen = '';
    try {
      return await eventually(String(pattern), async () => {
        screen = await this.screen();
        return pattern.test(screen) ? screen : undefined;
      });
    } catch (error) {
      throw new Error(`${String(error)}\nThe screen is:\n${screen}`);
    }
  }

  /** Closes the terminal's window, as a user may while a command runs in it. */
  async close(): Promise<void> {
    await this.#tmux('kill-server').catch(() => undefined);
  }

  async #tmux(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('tmux', ['-L', this.#socket, ...args]);
    return stdout;
  }
}
