import type { Failure } from '../tester/main.ts';
import { renderFailure, resultLine } from '../tester/render.ts';
import { passes, type Report, type TestReport } from '../tester/report.ts';
import { paint, type Size } from '../terminal/text.ts';

/*
 * The parts of a verdict, as lines. The screen leaves out what doesn't fit; plain output shows
 * everything.
 */

/** The passing tests, one per line. */
export function passLines({ tests }: Report, size: Size): string[] {
  return tests.filter(passes).map((test) => resultLine(test, size));
}

/** The failed tests after the first, and those not reached, one per line. */
export function otherLines({ tests }: Report, size: Size): string[] {
  const [, ...others] = tests.filter(({ failure }) => failure);
  return [...others, ...tests.filter(({ notRun }) => notRun)]
    .map((test) => resultLine(test, size));
}

/**
 * The first failure in full, cut to fit: what it observed and where to look are kept longest.
 * @param room the maximum number of lines
 */
export function openFailure({ tests }: Report, size: Size, room = Infinity): string[] {
  const first = tests.find(({ failure }) => failure);
  if (!first?.failure) return [];
  const withoutExchange = { ...first.failure, exchange: undefined };
  const versions: TestReport[] = [
    first,
    { ...first, failure: withoutExchange },
    { ...first, failure: { ...withoutExchange, why: '' } },
  ];
  let lines: string[] = [];
  for (const version of versions) {
    lines = renderFailure(version, { ...size, columns: Math.min(size.columns, 100) })
      .filter((line) => line.trim() !== '');
    if (lines.length <= room) return lines;
  }
  return [...lines.slice(0, Math.max(0, room - 1)), '    …'].slice(0, room);
}

/** Why there's no verdict, and what to type, in at most `room` lines. */
export function failureLines({ failure, next }: Failure, size: Size, room = 14): string[] {
  const [first, ...printed] = failure.split('\n');
  return [
    paint('red', `✖ ${first}`, size),
    ...printed.slice(-Math.max(1, room - 2)).map((line) => `    ${line}`),
    `    Next: ${next}`,
  ].slice(0, room);
}
