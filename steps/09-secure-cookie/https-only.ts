import type { RequestHandler } from 'express';

// TODO Move 2: answer 403 to every request that came over plain HTTP. req.secure says how it came.

/** Refuses what came over plain HTTP, where anyone along the way can read and change it. */
export const httpsOnly: RequestHandler = (req, res, next) => {
};
