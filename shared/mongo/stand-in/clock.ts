/**
 * The real time and the real timers, taken when this module is loaded.
 *
 * A test may put a fake clock over `Date` and `setInterval` in the process where the stand-in
 * runs (`mock.timers` of node:test replaces the globals). A database server has its own clock:
 * its TTL monitor must not follow the fake one.
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
