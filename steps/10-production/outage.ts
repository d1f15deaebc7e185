import type { ErrorRequestHandler } from 'express';

// TODO Move 2: answer 503 with a Retry-After if the database couldn't be reached, or was silent.
// Pass any other error on with next(error).

/** Answers 503 while the database is away. Any other error stays a 500. */
export const outage: ErrorRequestHandler = (error, req, res, next) => {
};
