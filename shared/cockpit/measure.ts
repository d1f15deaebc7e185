import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { freePort, Workshop } from '../testing/workshop.ts';
import type { Step } from '../lesson/steps.ts';

/** What working in the cockpit costs. */
export interface CockpitFigures {
  /** From the command to the first verdict, in milliseconds. */
  startMs: number;
  /** From each save to its verdict, in milliseconds. */
  verdictMs: number[];
  /** All processes of the cockpit while nothing happens, in MB; undefined where it is not known. */
  memoryMb: number | undefined;
}

/**
 * Measures the cockpit of a step, in a copy of the workshop, with the stand-in: its solution is
 * saved, then spoilt, and so on.
 * @param saves how many saves
 */
export async function measureCockpit(step: Step, saves: number): Promise<CockpitFigures> {
  const workspace = await Workshop.copy();
  workspace.solve(step);
  const file = `steps/${step.folder}/app.ts`;
  const solved = await workspace.read(file);
  const spoilt = solved.replace('Hello World', 'Hello, World');

  const start = performance.now();
  const child = spawn(process.execPath, [
    'shared/commands/run.js', 'step', String(step.number), '--plain',
  ], {
    cwd: workspace.folder,
    env: { ...process.env, WORKSHOP_MONGO: 'stand-in', PORT: String(await freePort()) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  let check: () => void = () => undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    check();
  });
  /** Resolves at the first verdict after some output, when it has been printed. */
  const verdict = (from: number) => new Promise<void>((resolve, reject) => {
    const ended = () => {
      reject(new Error(`The cockpit has ended:\n${output}`));
    };
    check = () => {
      if (!/^Step \d {2}[●○]+ /m.test(output.slice(from))) return;
      child.off('exit', ended);
      resolve();
    };
    child.once('exit', ended);
    check();
  });

  try {
    await verdict(0);
    const startMs = performance.now() - start;
    const verdictMs: number[] = [];
    for (let save = 0; save < saves; save++) {
      // A person takes longer; by then the app runs and the next tests are ready.
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const from = output.length;
      const saved = performance.now();
      workspace.write(file, save % 2 === 0 ? spoilt : solved);
      await verdict(from);
      verdictMs.push(performance.now() - saved);
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const memoryMb = child.pid === undefined ? undefined : await memoryOf(child.pid);
    return { startMs, verdictMs, memoryMb };
  } finally {
    child.removeAllListeners('exit');
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'close');
    await workspace.remove();
  }
}

/** The memory of a process and of all below it: what they share counts once. Linux only. */
async function memoryOf(pid: number): Promise<number | undefined> {
  try {
    const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
    const [, kilobytes] = /^Pss:\s+(\d+)/m.exec(rollup) ?? [];
    let sum = Number(kilobytes) / 1024;
    for (const thread of await readdir(`/proc/${pid}/task`)) {
      const children = await readFile(`/proc/${pid}/task/${thread}/children`, 'utf8');
      for (const child of children.split(' ').filter(Boolean)) {
        sum += await memoryOf(Number(child)) ?? 0;
      }
    }
    return sum;
  } catch {
    return undefined;
  }
}
