import express, { type Express } from 'express';

// TODO Move 1: take the settings that index.ts hands over.
export function createApp(): Express {
  const app = express();

  // TODO Move 2: put the session middleware here, above the routes.

  // TODO Move 3: count this browser's visits in req.session and show the number.
  app.get('/', (req, res) => {
    res.send('Hello World');
  });

  return app;
}
