import type { RequestHandler } from 'express';

/** Refuses what came over plain HTTP, where anyone along the way can read and change it. */
export const httpsOnly: RequestHandler = (req, res, next) => {
  if (req.secure) next();
  else res.status(403).type('text').send('This app answers over HTTPS only.');
};
