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

  return app;
}
