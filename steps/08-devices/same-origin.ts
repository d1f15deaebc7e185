import type { Request, RequestHandler } from 'express';

/** Refuses what foreign pages make our visitors' browsers send. */
export const sameOrigin: RequestHandler = (req, res, next) => {
  if (isSafe(req.method) || isOurs(req)) next();
  else res.status(403).type('text').send("This request came from a page that isn't ours.");
};

/** Whether a method only reads, and changes nothing. */
function isSafe(method: string): boolean {
  return ['GET', 'HEAD', 'OPTIONS'].includes(method);
}

function isOurs(req: Request): boolean {
  const site = req.get('Sec-Fetch-Site');
  if (site) return site === 'same-origin' || site === 'none';

  // Browsers from before 2023 may send only Origin. A client that sends neither isn't one.
  const origin = req.get('Origin');
  return !origin || (URL.canParse(origin) && new URL(origin).host === req.get('Host'));
}
