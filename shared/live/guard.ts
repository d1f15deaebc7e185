import type { IncomingMessage } from 'node:http';

/** The HTTP status of a refusal, and the reason as a sentence. */
export interface Refusal {
  readonly status: 403 | 405 | 421;
  readonly reason: string;
}

/** The address of the page. */
export interface Address {
  readonly port: number;
  /** The path's first part, which is known only from the terminal. */
  readonly key: string;
}

/**
 * Decides whether to refuse a request. The page shows session ids and controls the app, while other
 * users of this machine can reach it, and any page in a browser can send requests to localhost.
 *
 * - `Host` must be ours: another name that leads here (DNS rebinding) is refused. Port forwarding
 *   in Codespaces and dev tunnels sets it to localhost, along with `Origin`
 *   (https://github.com/symfony/demo/issues/1542), so requests pass here unchanged.
 * - `Origin`, if present, must be ours; a POST requires it. Other pages can neither read nor
 *   control anything.
 * - Without an `Origin`, `Sec-Fetch-Site` reveals frames, images and scripts of other pages.
 *   Following a link to the page is allowed.
 * - The path must begin with the key.
 */
export function refuse(
  { method, headers, url = '' }: Pick<IncomingMessage, 'method' | 'headers' | 'url'>,
  { port, key }: Address,
): Refusal | undefined {
  const { host = '', origin, 'sec-fetch-site': site } = headers;
  if (![`localhost:${port}`, `127.0.0.1:${port}`].includes(host.toLowerCase())) {
    const reason = `This page is only at http://localhost:${port}. If you reach it through a `
      + 'forwarded port, forward it with VS Code or Codespaces: they pass that on as the Host.';
    return { status: 421, reason };
  }
  if (!['GET', 'HEAD', 'POST'].includes(method ?? '')) {
    return { status: 405, reason: 'Only GET and POST are known here.' };
  }
  const isFollowed = method === 'GET' && headers['sec-fetch-mode'] === 'navigate'
    && headers['sec-fetch-dest'] === 'document';
  const isForeign = origin === undefined
    ? method === 'POST' || (site !== undefined && site !== 'same-origin' && site !== 'none')
    : origin !== `http://${host.toLowerCase()}`;
  if (isForeign && !(isFollowed && origin === undefined)) {
    return { status: 403, reason: 'Another page is asking. Only the live picture itself may.' };
  }
  if (url.split('/')[1] !== key) {
    return {
      status: 403,
      reason: 'The address of the live picture ends in a key, which changes when the app’s secret '
        + 'does. You find the whole address in the terminal, after “Live”.',
    };
  }
  return undefined;
}

/** Headers for every response: no caching, no outside content, no framing, no reading by others. */
export const safeHeaders = {
  'Content-Security-Policy': `default-src 'none'; script-src 'self'; style-src 'self'; `
    + `img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; `
    + `frame-ancestors 'none'`,
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};
