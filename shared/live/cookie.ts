import { createHmac, timingSafeEqual } from 'node:crypto';

/** A cookie that express-session made: `name=s%3A<id>.<signature>`. */
export interface SessionCookie {
  readonly name: string;
  /** The value as it travels, percent-encoded. */
  readonly raw: string;
  readonly id: string;
  readonly signature: string;
}

/** One Set-Cookie header. */
export interface SetCookie {
  readonly name: string;
  readonly raw: string;
  /** Everything behind the value, in the header's order: `['Path', '/']`, `['HttpOnly', '']`. */
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

/** Reads a Cookie header the way express-session does: of two cookies of a name, the first wins. */
export function readCookies(header: string | undefined): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const pair of header?.split(';') ?? []) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const name = pair.slice(0, equals).trim();
    if (!cookies.has(name)) cookies.set(name, unquote(pair.slice(equals + 1).trim()));
  }
  return cookies;
}

/** Takes a cookie's value apart; undefined if express-session did not make it. */
export function readSessionCookie(name: string, raw: string): SessionCookie | undefined {
  const value = decode(raw);
  const dot = value.lastIndexOf('.');
  if (!value.startsWith('s:') || dot === -1) return undefined;
  return { name, raw, id: value.slice(2, dot), signature: value.slice(dot + 1) };
}

/**
 * Finds the session cookie among those that a browser sent, which may be of other apps on this
 * host too.
 * @param name the cookie name that the app uses, if it is known; else `connect.sid` comes first
 */
export function findSessionCookie(
  header: string | undefined,
  name = 'connect.sid',
): SessionCookie | undefined {
  const cookies = [...readCookies(header)];
  cookies.sort(([a], [b]) => Number(b === name) - Number(a === name));
  for (const [name, raw] of cookies) {
    const found = readSessionCookie(name, raw);
    if (found) return found;
  }
  return undefined;
}

/** Whether the signature was made for this id with this secret, as express-session decides it. */
export function fits({ id, signature }: SessionCookie, secret: string): boolean {
  const expected = Buffer.from(sign(id, secret));
  const actual = Buffer.from(signature);
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** The signature that express-session puts behind an id: HMAC-SHA256 in base64, unpadded. */
export function sign(id: string, secret: string): string {
  return createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '');
}

/** Reads a Set-Cookie header; undefined if it has no name and value. */
export function readSetCookie(header: string): SetCookie | undefined {
  const [pair = '', ...rest] = header.split(';');
  const equals = pair.indexOf('=');
  if (equals === -1) return undefined;
  const attributes = rest.map((part) => {
    const [name = '', ...value] = part.split('=');
    return [name.trim(), value.join('=').trim()] as const;
  });
  return { name: pair.slice(0, equals).trim(), raw: pair.slice(equals + 1).trim(), attributes };
}

/** Writes a Set-Cookie header. */
export function writeSetCookie({ name, raw, attributes }: SetCookie): string {
  const rest = attributes.map(([name, value]) => value ? `${name}=${value}` : name);
  return [`${name}=${raw}`, ...rest].join('; ');
}

/** When the browser forgets a cookie, in milliseconds since 1970; undefined: when it is closed. */
export function endOf({ attributes }: SetCookie, now = Date.now()): number | undefined {
  const find = (wanted: string) =>
    attributes.find(([name]) => name.toLowerCase() === wanted)?.[1];
  const maxAge = find('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return now + Number(maxAge) * 1000;
  const expires = Date.parse(find('expires') ?? '');
  return Number.isNaN(expires) ? undefined : expires;
}

/** The same cookie, to be forgotten by the browser. A cookie is told by name, domain and path. */
export function forgotten({ name, attributes }: SetCookie): SetCookie {
  const kept = attributes.filter(([name]) => !/^(expires|max-age)$/i.test(name));
  return { name, raw: '', attributes: [...kept, ['Expires', new Date(0).toUTCString()]] };
}

/** The same cookie with another first character in its signature. */
export function tampered(cookie: SetCookie): SetCookie {
  const place = cookie.raw.lastIndexOf('.') + 1;
  const other = cookie.raw[place] === 'A' ? 'B' : 'A';
  // The character may be percent-encoded.
  const length = cookie.raw[place] === '%' ? 3 : 1;
  const raw = cookie.raw.slice(0, place) + other + cookie.raw.slice(place + length);
  return { ...cookie, raw };
}

function unquote(value: string): string {
  return /^".*"$/.test(value) ? value.slice(1, -1) : value;
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
