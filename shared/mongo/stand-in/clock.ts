/**
 * The real time and timers, captured when this module loads.
 *
 * A test may install a fake clock over `Date` and `setInterval` in the process that runs the
 * stand-in (`mock.timers` of node:test replaces the globals). A database server has its own clock,
 * so its TTL monitor mustn't follow the fake one.
 */
export const { Date: RealDate, setInterval, clearInterval } = globalThis;
