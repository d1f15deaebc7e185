import type { Exchange } from './browser.ts';
import { passes, type Report, type TestReport } from './report.ts';
import { redact } from './lesson.ts';
import { afterStep, textOf } from '../lesson/steps.ts';
import { paint, wrap, type Display } from '../terminal/text.ts';

/** The report as a learner reads it: the first failure open, the others one line each. */
export function renderReport(report: Report, display: Display): string {
  const failed = report.tests.filter((test) => !passes(test));
  const [first] = failed;
  const lines = [
    title(report, display),
    ...wrap(report.database ?? '', display.columns, '').map((line) => paint('dim', line, display)),
    '',
    ...report.tests.filter((test) => !failed.includes(test))
      .map((test) => resultLine(test, display)),
    ...failed.flatMap((test) => (
      test === first ? ['', ...renderFailure(test, display), ''] : [resultLine(test, display)]
    )),
    ...(first ? [] : ['']),
    next(report, failed.length),
  ];
  return `${lines.join('\n').replaceAll(/\n{3,}/g, '\n\n')}\n`;
}

/** What's known once a step's own tests pass, while those of earlier steps run. */
export function renderOwnPass({ step: { number } }: Report): string {
  return `✔ All tests of step ${number} pass. Checking what the earlier steps asked for …`;
}

/** How a test ended, in a line. */
export function resultLine(
  { name, notRun, failure, promisedIn }: TestReport, display: Display,
): string {
  if (notRun) return paint('dim', `- not run  ${name}`, display);
  if (!failure) return paint('green', `✔ pass  ${name}`, display);
  const from = promisedIn ? ` (since step ${promisedIn.step})` : '';
  return paint('red', `✖ fail  ${name}${from}`, display);
}

/** One failure, open: the fact, why it matters, where to look, the exchange that showed it. */
export function renderFailure(test: TestReport, display: Display): string[] {
  const { failure } = test;
  if (!failure) return [];
  const indent = '    ';
  const label = (name: string, text: string) => (
    wrap(text, display.columns, `${indent}${name.padEnd(10)}`, indent + ' '.repeat(10))
  );
  return [
    resultLine(test, display),
    ...wrap(failure.observed, display.columns, indent),
    ...wrap(failure.why, display.columns, indent),
    ...label('Look at:', failure.lookAt),
    ...(failure.frame === undefined ? [] : label('Line', failure.frame)),
    ...(failure.exchange ? renderExchange(failure.exchange, label) : []),
    ...lesson(test, display, label),
  ];
}

function title({ step, kind, tests }: Report, display: Display): string {
  const whose = kind === 'solutions' ? ' · the solution' : '';
  const left = `Step ${step.number} · ${step.title}${whose}`;
  const passed = tests.filter(passes).length;
  const right = `${passed} of ${tests.length} tests pass`;
  const gap = display.columns - left.length - right.length;
  return paint('bold', left + (gap < 3 ? `\n${' '.repeat(6)}` : ' '.repeat(gap)) + right, display);
}

function next({ step, kind }: Report, failures: number): string {
  if (kind === 'solutions') return failures === 0 ? 'All pass.' : '';
  if (failures > 0) return `Next: Change your code, then npm run test:${step.number}`;
  const { done, next } = afterStep(step);
  return `${done}. Next: ${next}`;
}

/** Where to read on, and the command that gives a hint. On one line if there is room for both. */
function lesson(test: TestReport, { columns }: Display, label: Label): string[] {
  const { step, move } = test.promisedIn ?? test;
  const [where = ''] = label('Lesson', `${textOf(step)} › Step ${step} › Move ${move}`);
  if (test.promisedIn) return [where];
  const hint = `Hint  npm run hint ${step}`;
  const line = `${where.padEnd(50)} ${hint}`;
  return line.length <= columns ? [line] : [where, ...label('Hint', `npm run hint ${step}`)];
}

type Label = (name: string, text: string) => string[];

function renderExchange(exchange: Exchange, label: Label): string[] {
  const { method, origin = '', path, cookie, status, setCookie } = exchange;
  return [
    ...label('Request', `${method} ${origin}${path}${cookie && `  Cookie: ${redact(cookie)}`}`),
    ...label('Answer', [
      String(status),
      ...setCookie.map((header) => `Set-Cookie: ${redact(header)}`),
    ].join('  ')),
  ];
}
