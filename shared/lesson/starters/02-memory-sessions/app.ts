import express, { type Express } from 'express';

export function createApp(): Express {
  const app = express();

  // TODO Move 1: put the session middleware here, above the routes.

  // TODO Move 2: count this browser's visits in req.session and show the number.
  app.get('/', (req, res) => {
    res.send('Hello World');
  });

  return app;
}
