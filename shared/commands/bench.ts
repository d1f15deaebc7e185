/*
 * npm run bench: how long a learner waits for a verdict, in a terminal and in the cockpit, and what
 * a session costs. Beside each command stands its floor: a Node process that imports the same
 * packages and ends. npm's own start is not counted.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { measureCockpit } from '../cockpit/measure.ts';
import { benchSessions } from '../live/bench.ts';
import { root, steps } from '../lesson/steps.ts';

/** How often each command is timed, after one run that does not count. */
const RUNS = 7;

const packageJson = JSON.parse(
  readFileSync(path.join(root, 'package.json'), 'utf8'),
) as { scripts: Record<string, string> };

console.log(`Node ${process.version}, ${process.platform}, ${availableParallelism()} cores`);
console.log(`Command to verdict on the solutions, in ms: median of ${RUNS} (least to most)\n`);
console.log(`${'command'.padEnd(16)}${'verdict'.padEnd(20)}${'floor'.padEnd(20)}ratio`);
for (const { number, needsDatabase } of steps) {
  const packages = [
    'node:test', 'express', 'supertest',
    ...(number > 1 ? ['express-session'] : []),
    ...(needsDatabase ? ['connect-mongo', 'mongodb'] : []),
  ];
  const imports = packages.map((name) => `import '${name}';`).join('');
  const [verdict = [], floor = []] = inTurns(
    [...nodeArguments(`test:${number}`), '--solution'],
    ['--import', 'tsx', '--input-type=module', '--eval', imports],
  );
  const ratio = (median(verdict) / median(floor)).toFixed(2);
  console.log(`${`test:${number}`.padEnd(16)}${spoken(verdict)}${spoken(floor)}${ratio}`);
}

console.log('\nCockpit: start-up, save to verdict (median of 10), memory of all its processes');
for (const step of steps) {
  const { startMs, verdictMs, memoryMb } = await measureCockpit(step, 10);
  const memory = memoryMb === undefined ? 'memory not known' : `${Math.round(memoryMb)} MB`;
  const figures = [`${Math.round(startMs)} ms`.padEnd(10), spoken(verdictMs), memory].join('');
  console.log(`${`step:${step.number}`.padEnd(16)}${figures}`);
}

console.log('\nWhat does a session cost?');
await benchSessions(console.log);

/** What an npm script hands to node. */
function nodeArguments(script: string): string[] {
  return packageJson.scripts[script]?.split(' ').slice(1) ?? [];
}

/** Times several commands in turns, so that a machine that slows down does so for all. */
function inTurns(...commands: string[][]): number[][] {
  const times = commands.map((): number[] => []);
  for (let run = 0; run <= RUNS; run++) {
    for (const [index, args] of commands.entries()) {
      const start = performance.now();
      const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'ignore' });
      if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`);
      if (run > 0) times[index]?.push(performance.now() - start);
    }
  }
  return times;
}

function median(times: number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}

function spoken(times: number[]): string {
  const [least, most] = [Math.min(...times), Math.max(...times)].map(Math.round);
  return `${Math.round(median(times))} (${least} to ${most})`.padEnd(20);
}
