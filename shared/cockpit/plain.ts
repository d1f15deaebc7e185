import { after, countTests, isGreen, type Event, type State } from './state.ts';
import { paint, progress, type Size } from '../terminal/text.ts';
import { failureLines, greenLines, openFailure, otherLines } from './verdict.ts';

/** What plain output says when something happens: lines, one below the other, and no screen. */
export function describe(before: State, event: Event, size: Size): string[] {
  const state = after(before, event);
  const { step, folder, address } = state;
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
          ...event.live === undefined ? [] : [['Live', event.live] as const],
          ...event.database === undefined ? [] : [['Database', event.database] as const],
          ['Check', `npm run test:${step.number}`],
          ['Text', `WORKSHOP.md › Step ${step.number}`],
        ]),
        '',
        'Saving a file starts the app again. Ctrl-C ends everything.',
        '',
      ];
    case 'saved':
      return ['', `Saved ${event.files.join(', ')}: starting the app again.`];
    case 'app crashed':
      return ['', `The app ${event.ending}. Waiting for the next save in ${folder}/.`];
    case 'tests ended':
      return ['', ...describeVerdict(state, isGreen(before), size)];
    default:
      return [];
  }
}

function table(rows: (readonly [name: string, text: string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`);
}

function describeVerdict(state: State, wasGreen: boolean, size: Size): string[] {
  const { step, tests: { verdict } } = state;
  if (!verdict) return [];
  if ('failure' in verdict) return failureLines(verdict.failure, size);
  const { report } = verdict;
  const count = countTests(state) ?? { passed: 0, total: 0 };
  const title = paint('bold', `Step ${step.number}  ${progress(count)}`, size);
  if (isGreen(state)) {
    return wasGreen ? [title] : [title, '', ...greenLines(step, count.total, size, false), ''];
  }
  const others = otherLines(report, size);
  return [
    title,
    '',
    ...openFailure(report, size),
    ...others.length > 0 ? ['', ...others] : [],
    '',
    `Next: save a file in ${state.folder}/, or npm run hint ${step.number}`,
  ];
}
