import { loadEnvFile } from '../app/settings.ts';
import { readMoves, takeHint, type PlacedHint } from '../lesson/hints.ts';
import { passes } from '../tester/report.ts';
import { runStepTests } from '../tester/test-process.ts';
import { renderMarkdown } from '../terminal/markdown.ts';
import { paint, wrap } from '../terminal/text.ts';
import { readStep } from './arguments.ts';
import type { Context } from './command.ts';

/**
 * `npm run hint N`: the next hint of step N, for the first move with red tests: a nudge, then a
 * pointer, then the code. `--all` shows all hints of the step.
 */
export default async function hint(context: Context, runTests = runStepTests): Promise<void> {
  const { workshop, print } = context;
  const { step, flags } = readStep('hint N', ['all'], context);
  if (flags.all) {
    for (const move of await readMoves(step, workshop)) {
      for (const hint of move.hints) print(render({ step, move, hint }, context));
    }
    return;
  }
  loadEnvFile();
  const { tests } = await runTests(step, { workshop });
  const red = tests.filter((test) => !passes(test));
  if (red.length === 0) {
    print(`Step ${step.number} is green: there's nothing left to hint at.\n`
      + `Next: npm start, or npm run hint ${step.number} -- --all to read all hints`);
    return;
  }
  const placed = await takeHint(step, Math.min(...red.map((test) => test.move)), workshop);
  print(render(placed, context));
  print(placed.hint.number < placed.move.hints.length
    ? `Next: npm run hint ${step.number} shows one more.`
    : `That was the last hint. Next: npm run diff ${step.number}`);
}

function render({ step, move, hint }: PlacedHint, { display }: Context): string {
  const title = `Step ${step.number} · Move ${move.number}: ${move.title} · `
    + `Hint ${hint.number} of ${move.hints.length}: ${hint.name}`;
  return [
    ...wrap(title, display.columns).map((line) => paint('bold', line, display)),
    '', ...renderMarkdown(hint.text, display), '',
  ].join('\n');
}
