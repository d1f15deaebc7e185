import { steps, textOf } from '../lesson/steps.ts';
import { paint, progress, type Size } from '../terminal/text.ts';
import { greenLines, table } from './screen.ts';
import { countTests, describeSave, isGreen, type Event, type State } from './state.ts';
import { failureLines, openFailure, otherLines } from './verdict.ts';

/** Describes an event as lines of plain output. */
export function describe(before: State, event: Event, after: State, size: Size): string[] {
  const { step, folder, address } = after;
  switch (event.type) {
    case 'opened':
      return [`Step ${step.number} · ${step.title} · ${folder}/`];
    case 'said':
    case 'app printed':
      return [event.line];
    case 'noticed':
      return [event.notice];
    case 'ready':
      return [
        '',
        ...table([
          ['App', address],
          ['Live', event.live],
          ['Database', event.database],
          ['Check', `npm run test:${step.number}`],
          ['Text', `${textOf(step.number)} › Step ${step.number}`],
        ]).map((line) => `  ${line}`),
        '',
        'Saving a file starts the app again. Ctrl-C ends everything.',
        '',
      ];
    case 'saved':
    case 'saved elsewhere':
      return ['', describeSave(event.files, after)];
    case 'app ended':
      return ['', `The app ${event.ending}. Waiting for the next save in ${folder}/.`];
    case 'tests ended':
      return ['', ...describeVerdict(after, isGreen(before), size)];
    default:
      return [];
  }
}

function describeVerdict(state: State, wasGreen: boolean, size: Size): string[] {
  const { step, tests: { verdict } } = state;
  if (!verdict) return [];
  if ('failure' in verdict) return failureLines(verdict, size);
  const { report } = verdict;
  const count = countTests(state) ?? { passed: 0, total: 0 };
  const title = paint('bold', `Step ${step.number}  ${progress(count)}`, size);
  if (isGreen(state)) {
    const following = steps.find(({ number }) => number === step.number + 1);
    const next = following ? `npm run step:${following.number}` : 'npm run progress';
    return wasGreen ? [title] : [title, '', ...greenLines(state, size, next), ''];
  }
  const others = otherLines(report, size);
  return [
    title,
    '',
    ...openFailure(report, size),
    ...others.length > 0 ? ['', ...others] : [],
    '',
    `Stuck? npm run hint ${step.number} gives a hint.`,
  ];
}
