import { steps } from '../lesson/steps.ts';
import { paint } from '../terminal/text.ts';
import { readArguments } from './arguments.ts';
import type { Context } from './command.ts';

const groups: [title: string, commands: [command: string, does: string][]][] = [
  ['To work', [
    ['npm start', "the first step that isn't done: app, tests, hints"],
    ['npm run step:1', `the same for the step you choose, 1 to ${steps.length}`],
    ['npm run test:1', 'the tests of step 1, once'],
    ['npm run progress', 'which steps are done (--json: for programs)'],
  ]],
  ["When you're stuck", [
    ['npm run hint 1', 'the next hint: a nudge, a pointer, the code'],
    ['npm run diff 1', 'your step 1 beside the solution'],
    ['npm run solution:1', 'the finished app of step 1'],
    ['npm run reset 1', 'step 1 as it came; your work is saved'],
    ['npm run catch-up 3', 'step 3, with 1 and 2 solved; your work is saved'],
    ['npm run attack:5', 'part two: attacks the app that step:5 runs'],
    ['npm run doctor', 'checks this machine and says what to do'],
    ['npm run mongod', 'downloads a real MongoDB; the stand-in will do too'],
  ]],
  ['For instructors and maintainers', [
    ['npm run diff 3 -- --step', 'what step 3 changes: solution 2 to solution 3'],
    ['npm test', 'checks the workshop itself'],
    ['npm run check', 'types, lint and format'],
    ['npm run check:stand-in', 'compares the stand-in with its references'],
    ['npm run bench', 'how fast everything is'],
    ['npm run screenshots', "takes WORKSHOP.md's pictures again"],
  ]],
];

/** `npm run workshop`: all commands, in the order a learner needs them. */
export default function workshop({ display, print, ...input }: Context): Promise<void> {
  readArguments('workshop', [], input);
  for (const [title, commands] of groups) {
    print(paint('bold', title, display));
    for (const [command, does] of commands) print(`  ${command.padEnd(26)}${does}`);
  }
  print('Read WORKSHOP.md, then PART-TWO.md. Next: npm start');
  return Promise.resolve();
}
