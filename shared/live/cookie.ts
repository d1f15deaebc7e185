import { createHmac } from 'node:crypto';
import { parseCookie, parseSetCookie, stringifySetCookie, type SetCookie } from 'cookie';

export type { SetCookie };

/** A cookie set by express-session: `name=s%3A<id>.<signature>`. */
export interface SessionCookie {
  readonly name: string;
  /** The value as transmitted, percent-encoded. */
  readonly raw: string;
  readonly id: string;
  readonly signature: string;
}

/** Reads and writes values as transmitted, so that they stay the same to the byte. */
const asIs = { decode: (value: string) => value, encode: (value: string) => value };

/** The cookies of a Cookie header, by name. As in express-session, the first of each name wins. */
export function readCookies(header = ''): Map<string, string> {
  return new Map(Object.entries(parseCookie(header, asIs)).map(([name, raw = '']) => [name, raw]));
}

export function readSetCookie(header: string): SetCookie {
  return parseSetCookie(header, asIs);
}

export function writeSetCookie(cookie: SetCookie): string {
  return stringifySetCookie(cookie, asIs);
}

/** A Set-Cookie header's attributes, such as `Path=/` and `HttpOnly`. */
export function attributesOf(cookie: SetCookie): string[] {
  return writeSetCookie({ ...cookie, name: 'any', value: '' }).split('; ').slice(1);
}

/** Parses a cookie's value. @returns undefined if it isn't from express-session */
export function readSessionCookie(name: string, raw = ''): SessionCookie | undefined {
  const { value = '' } = parseSetCookie(`${name}=${raw}`);
  const dot = value.lastIndexOf('.');
  if (!value.startsWith('s:') || dot === -1) return undefined;
  return { name, raw, id: value.slice(2, dot), signature: value.slice(dot + 1) };
}

/**
 * Finds the session cookie among those that a browser sent: other apps on this host have theirs.
 * @param name the app's cookie name, which is tried first
 */
export function findSessionCookie(
  header: string | undefined,
  name = 'connect.sid',
): SessionCookie | undefined {
  const cookies = readCookies(header);
  for (const [other, raw] of [[name, cookies.get(name)] as const, ...cookies]) {
    const found = readSessionCookie(other, raw);
    if (found) return found;
  }
  return undefined;
}

/** Whether the signature was made for this id with this secret. */
export function fits({ id, signature }: SessionCookie, secret: string): boolean {
  return signature === sign(id, secret);
}

/** The signature that express-session appends to an id: HMAC-SHA256 in base64, unpadded. */
export function sign(id: string, secret: string): string {
  return createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
}

/** When the browser discards a cookie, in ms since 1970; undefined: when it's closed. */
export function endOf({ maxAge, expires }: SetCookie, now = Date.now()): number | undefined {
  return maxAge === undefined ? expires?.getTime() : now + maxAge * 1000;
}

/** A copy of the cookie with the first character of its signature changed. */
export function tampered(cookie: SetCookie): SetCookie {
  // The character may be percent-encoded.
  const value = cookie.value?.replace(/(?<=\.)(%..|.)(?=[^.]*$)/, (first) => (
    first === 'A' ? 'B' : 'A'
  ));
  return { ...cookie, value };
}
