import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface Asked {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** The HTTP status of a refusal, and what is wrong in a sentence. */
export interface Refusal {
  readonly status: 403 | 405 | 421;
  readonly reason: string;
}

/**
 * Decides whether a request may be answered. The page shows session ids and steers the app, and
 * every page that this browser shows can send requests to localhost.
 *
 * - `Host` has to be ours: a name of somebody else's that leads here (DNS rebinding) is refused.
 * - `Origin`, where there is one, has to be ours: no page elsewhere reads or steers.
 * - Without an `Origin`, `Sec-Fetch-Site` tells about frames, images and scripts of other pages.
 *   A link may be followed to the page.
 * - POST needs an `Origin` and the token, which only our page is told.
 */
export function refuse(asked: Asked, port: number, token: string): Refusal | undefined {
  const { method, headers } = asked;
  const host = headers.host?.toLowerCase();
  if (host !== `localhost:${port}` && host !== `127.0.0.1:${port}`) {
    return { status: 421, reason: `This page is only at http://localhost:${port}.` };
  }
  const own = `http://${host}`;
  if (headers.origin !== undefined && headers.origin !== own) {
    return { status: 403, reason: 'Another page asks. Only this one may.' };
  }
  if (method === 'GET' || method === 'HEAD') {
    const site = headers['sec-fetch-site'];
    const followed = headers['sec-fetch-mode'] === 'navigate'
      && headers['sec-fetch-dest'] === 'document';
    if (site === undefined || site === 'same-origin' || site === 'none' || followed) {
      return undefined;
    }
    return { status: 403, reason: 'Another page asks. Only this one may.' };
  }
  if (method !== 'POST') return { status: 405, reason: 'Only GET and POST are known here.' };
  if (headers.origin !== own || !isToken(headers['x-live-token'], token)) {
    return { status: 403, reason: 'The buttons work only on the page itself. Reload it.' };
  }
  return undefined;
}

/**
 * Headers for every answer: nothing is kept, loaded from elsewhere, framed or read by other pages.
 * @param appPort the page may visit the app at this port
 */
export function safeHeaders(appPort: number): Record<string, string> {
  const app = ['localhost', '127.0.0.1'].map((host) => `http://${host}:${appPort}`).join(' ');
  return {
    'Content-Security-Policy': [
      `default-src 'none'`,
      `script-src 'self'`,
      `style-src 'self'`,
      `img-src data:`,
      `connect-src 'self' ${app}`,
      `base-uri 'none'`,
      `form-action 'none'`,
      `frame-ancestors 'none'`,
    ].join('; '),
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  };
}

function isToken(given: string | string[] | undefined, token: string): boolean {
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
