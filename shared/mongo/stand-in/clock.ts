/**
 * The real time and timers, captured when this module loads.
 *
 * A test may install a fake clock over `Date` and `setInterval` in the process that runs the
 * stand-in (`mock.timers` of node:test replaces the globals). A database server has its own clock,
 * so its TTL monitor mustn't follow the fake one.
 */
const RealDate = globalThis.Date;

export const { setInterval, clearInterval } = globalThis;

/** Milliseconds since 1970-01-01 UTC, by the real clock. */
export function now(): number {
  return RealDate.now();
}

/** The real date and time. */
export function currentDate(): Date {
  return new RealDate(now());
}
