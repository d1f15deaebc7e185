import express, { type Express } from 'express';
import session from 'express-session';
import type { MongoClient } from 'mongodb';
import { sessionOptions } from './session.ts';

export function createApp(client: MongoClient): Express {
  const app = express();

  app.use(session(sessionOptions(client)));

  app.get('/', (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.send(`Hello World, visit ${req.session.visits}`);
  });

  return app;
}
