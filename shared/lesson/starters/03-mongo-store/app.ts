import express, { type Express } from 'express';
import session from 'express-session';
import { sessionOptions } from './session.ts';

// TODO Move 1: take the MongoClient that index.ts hands over.
export function createApp(): Express {
  const app = express();

  // TODO Move 2: hand the client on to sessionOptions().
  app.use(session(sessionOptions()));

  app.get('/', (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.send(`Hello World, visit ${req.session.visits}`);
  });

  return app;
}
