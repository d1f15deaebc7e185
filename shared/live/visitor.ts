import { readSetCookie, endOf } from './cookie.ts';

/** How long the app may take to answer, in milliseconds. */
const answerMs = 3000;

/** A visitor with a cookie jar of its own, like a second browser. */
export class Visitor {
  readonly #jar = new Map<string, string>();

  /**
   * Visits a page of the app.
   * @returns the beginning of its text, and whether the visitor has a cookie now
   * @throws {Error} when the app does not answer within 3 s
   */
  async visit(url: string): Promise<{ read: string; hasCookie: boolean }> {
    const cookie = [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      headers: { 'user-agent': 'second visitor', ...cookie && { cookie } },
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    });
    for (const header of response.headers.getSetCookie()) {
      const set = readSetCookie(header);
      if (!set) continue;
      if ((endOf(set) ?? Infinity) <= Date.now()) this.#jar.delete(set.name);
      else this.#jar.set(set.name, set.raw);
    }
    const text = await response.text();
    return { read: text.slice(0, 80), hasCookie: this.#jar.size > 0 };
  }
}
