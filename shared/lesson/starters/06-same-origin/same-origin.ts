import type { Request, RequestHandler } from 'express';

// TODO Move 1: answer 403 when a foreign page makes one of our visitors' browsers send a request.
// Sec-Fetch-Site says where it comes from. Methods that only read (GET, HEAD, OPTIONS) may pass.

// TODO Move 2: if there's no Sec-Fetch-Site, compare the host in Origin with our own.

/** Refuses what foreign pages make our visitors' browsers send. */
export const sameOrigin: RequestHandler = (req, res, next) => {
};
