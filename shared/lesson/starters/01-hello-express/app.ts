import express, { type Express } from 'express';

export function createApp(): Express {
  const app = express();

  // TODO Move 1: answer GET / with the text Hello World.

  return app;
}
