import { steps } from '../lesson/steps.ts';
import { paint } from '../terminal/text.ts';
import { readArguments } from './arguments.ts';
import type { Context } from './command.ts';

const groups: [title: string, commands: [command: string, does: string][]][] = [
  ['To work', [
    ['npm start', 'the first step that is not done: app, tests, hints'],
    ['npm run step:1', `the same for the step you choose, 1 to ${steps.length}`],
    ['npm run test:1', 'the tests of step 1, once'],
    ['npm run progress', 'which steps are done (--json: for a program)'],
  ]],
  ['When you are stuck', [
    ['npm run hint 1', 'the next hint: a nudge, a pointer, the code'],
    ['npm run diff 1', 'your step 1 beside the solution'],
    ['npm run solution:1', 'the finished app of step 1'],
    ['npm run reset 1', 'step 1 as it came; yours is kept'],
    ['npm run catch-up 3', 'steps 1 and 2 solved, 3 as it came; yours is kept'],
    ['npm run attack:5', 'part two: attacks the app that step:5 runs'],
    ['npm run doctor', 'what is wrong with this machine'],
    ['npm run mongod', 'fetches a real MongoDB; a stand-in does too'],
  ]],
  ['For instructors and maintainers', [
    ['npm run diff 3 -- --step', 'what step 3 changes: solution 2 to solution 3'],
    ['npm test', 'proves the workshop itself'],
    ['npm run check', 'types and style'],
    ['npm run check:stand-in', 'the stand-in for MongoDB beside its references'],
    ['npm run bench', 'how fast everything is'],
    ['npm run screenshots', 'takes the pictures of the text anew'],
  ]],
];

/** `npm run workshop`: all commands, in the order a learner needs them. */
export default function workshop({ display, print, ...input }: Context): Promise<void> {
  readArguments('workshop', [], input);
  for (const [title, commands] of groups) {
    print(paint('bold', title, display));
    for (const [command, does] of commands) print(`  ${command.padEnd(26)}${does}`);
  }
  print('The text is WORKSHOP.md, and then PART-TWO.md. Next: npm start');
  return Promise.resolve();
}
