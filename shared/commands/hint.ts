/*
 * npm run hint N: the next hint of step N, for the first move whose tests are red: a nudge, then a
 * pointer, then the code. `--all` shows all hints of the step.
 */
import { readStep } from './arguments.ts';
import { readMoves, takeHint, type Hint, type Move } from '../lesson/hints.ts';
import { renderMarkdown } from '../terminal/markdown.ts';
import { paperOf } from '../terminal/paper.ts';
import { runCommand } from '../terminal/problem.ts';
import { loadEnvFile } from '../app/settings.ts';
import { runStepTests } from '../tester/step-tests.ts';
import type { Step } from '../lesson/steps.ts';
import { paint } from '../terminal/text.ts';

const paper = paperOf();

await runCommand(async () => {
  const { step, flags } = readStep('hint', ['all']);
  loadEnvFile();
  if (flags.all) {
    for (const move of await readMoves(step)) {
      for (const hint of move.hints) print(step, move, hint);
    }
    return;
  }
  const { tests } = await runStepTests(step);
  const red = tests.filter(({ passed }) => !passed);
  if (red.length === 0) {
    console.log(`Step ${step.number} is green: there is nothing to hint at.\n`
      + `Next: npm start, or npm run hint ${step.number} -- --all to read all hints`);
    return;
  }
  const { move, hint } = await takeHint(step, Math.min(...red.map((test) => test.move)));
  print(step, move, hint);
  console.log(hint.number < move.hints.length
    ? `Next: npm run hint ${step.number} shows one more.`
    : `That was the last hint. Next: npm run diff ${step.number}`);
});

function print(step: Step, move: Move, hint: Hint): void {
  const title = `Step ${step.number} · Move ${move.number}: ${move.title} · `
    + `Hint ${hint.number} of ${move.hints.length}: ${hint.name}`;
  console.log(`${paint('bold', title, paper)}\n\n${renderMarkdown(hint.text, paper).join('\n')}\n`);
}
