import type { Request, RequestHandler } from 'express';

// TODO Move 1: answer 403 to every request that a page of others makes our visitors' browsers send.
// Sec-Fetch-Site says where it comes from. Methods that only look (GET, HEAD, OPTIONS) may pass.

// TODO Move 2: where there is no Sec-Fetch-Site, compare the host of Origin with our own.

/** Refuses what pages of others make our visitors' browsers send. */
export const sameOrigin: RequestHandler = (req, res, next) => {
};
