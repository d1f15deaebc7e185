import { writeSync } from 'node:fs';
import { renderReport } from './render.ts';
import { reportSoFar, type Report } from './report.ts';
import { Lesson } from './lesson.ts';
import { run } from './plan.ts';
import { BLOCKED_MS, startWatchdog } from './watchdog.ts';

type Render = (report: Report) => string;

let render: Render = (report) => renderReport(report, { width: 80, color: false });

/** Chooses how {@link watchForBlocking} shows the report. */
export function whenBlocked(chosen: Render): void {
  render = chosen;
}

/**
 * Watches for an app that blocks the whole process, and then shows what is known so far. The
 * event loop will never run again: all of it happens at once.
 */
export function watchForBlocking(): void {
  startWatchdog((stack) => {
    const report = reportSoFar(new Lesson({
      observed: `${run.request ?? 'app.ts'} kept your server busy: nothing else has run for `
        + `${BLOCKED_MS / 1000} s.`,
      why: 'JavaScript does one thing at a time. A loop that never ends holds up the whole '
        + 'process, for every visitor, and the tests with it: they stop here.',
      lookAt: 'app.ts: which loop does not come to its end?',
    }, stack));
    if (report) writeAll(render(report));
  });
}

/** Writes to the standard output, which may be a pipe that is full for a moment. */
function writeAll(text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
    }
  }
}
