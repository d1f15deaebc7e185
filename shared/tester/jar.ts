/*
 * A browser's cookies, by the rules that matter here: a cookie is known by its name and path, and
 * one that has come to its end is thrown away (RFC 6265, section 5.3).
 */

interface Cookie {
  name: string;
  value: string;
  path: string;
  /** Milliseconds since 1970; undefined until the browser is closed. */
  ends: number | undefined;
}

/** The cookies of one browser for one host. */
export class Jar {
  readonly #cookies = new Map<string, Cookie>();

  /** Takes the `Set-Cookie` headers of an answer to a request for `path`. */
  take(headers: readonly string[], path: string, host: string): void {
    for (const header of headers) {
      const [pair = '', ...rest] = header.split(';').map((part) => part.trim());
      const [name, value] = split(pair);
      const attributes = new Map(rest.map(split).map(([key, text]) => [key.toLowerCase(), text]));
      const domain = attributes.get('domain');
      if (domain && domain.replace(/^\./, '') !== host) continue;
      const given = attributes.get('path');
      const cookie = {
        name,
        value,
        path: given?.startsWith('/') ? given : folder(path),
        ends: end(attributes),
      };
      const key = `${cookie.name};${cookie.path}`;
      this.#cookies.delete(key);
      if (cookie.ends === undefined || cookie.ends > Date.now()) this.#cookies.set(key, cookie);
    }
  }

  /** The `Cookie` header of a request for `path`. */
  header(path: string): string {
    return [...this.#cookies.values()]
      .filter(({ ends }) => ends === undefined || ends > Date.now())
      .filter((cookie) => matches(path, cookie.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** The same cookies in another browser. */
  copy(): Jar {
    const copy = new Jar();
    for (const [key, cookie] of this.#cookies) copy.#cookies.set(key, cookie);
    return copy;
  }
}

function split(pair: string): [string, string] {
  const at = pair.indexOf('=');
  return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
}

function folder(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

function matches(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

function end(attributes: ReadonlyMap<string, string>): number | undefined {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) return Date.now() + Number(maxAge) * 1000;
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? undefined : expires;
}
