import type { ErrorRequestHandler } from 'express';
import { MongoNetworkError, MongoServerSelectionError } from 'mongodb';

/** Answers 503 while the database is away. Any other error stays a 500. */
export const outage: ErrorRequestHandler = (error, req, res, next) => {
  if (res.headersSent || !isOutage(error)) {
    next(error);
    return;
  }
  // Without a session nothing is stored, and the answer doesn't wait for the database again.
  Reflect.deleteProperty(req, 'session');
  res.status(503).set('Retry-After', '5').type('text').send('Please try again in a moment.');
};

/** Whether the database couldn't be reached, or didn't answer in time. */
function isOutage(error: unknown): boolean {
  return error instanceof MongoNetworkError || error instanceof MongoServerSelectionError;
}
