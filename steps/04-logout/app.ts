import express, { type Express } from 'express';
import session from 'express-session';
import { sessionOptions, type Settings } from './session.ts';

export function createApp(settings: Settings): Express {
  const app = express();

  app.use(session(sessionOptions(settings)));

  app.get('/', (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.send(`Hello World, visit ${req.session.visits}`);
  });

  // TODO Move 1: on POST /logout, destroy the session, wait until it's gone, then answer
  // `Logout complete`.

  // TODO Move 2: if the store can't delete the session, don't say that it did.

  // TODO Move 3: clear the cookie in the browser too.

  // TODO Move 4: on GET /logout, show a page with a button that posts to /logout.

  return app;
}
