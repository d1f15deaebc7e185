import { CookieAccessInfo } from 'cookiejar';
import request from 'supertest';
import { crashed } from './crash.ts';
import { Lesson, messageOf } from './lesson.ts';

/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 2000;

/** A request and its answer, read to the last byte. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** The `Cookie` header that was sent. */
  readonly cookie: string;
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
  /** The `Set-Cookie` headers that came back. */
  readonly setCookie: readonly string[];
}

/** A session cookie as express-session makes it: `s:` + id + `.` + signature, URL-encoded. */
export interface SessionCookie {
  readonly name: string;
  readonly value: string;
  readonly id: string;
}

/** One visitor's browser: it keeps cookies and sends them back. */
export class Browser {
  readonly #url: string;
  readonly #agent: ReturnType<typeof request.agent>;

  /** @param url where the app listens */
  constructor(url: string) {
    this.#url = url;
    this.#agent = request.agent(url);
  }

  /** @throws {Lesson} when no answer came */
  get(path: string): Promise<Exchange> {
    return exchange('GET', path, this.cookieHeader(), this.#agent.get(path));
  }

  /** @throws {Lesson} when no answer came */
  post(path: string): Promise<Exchange> {
    return exchange('POST', path, this.cookieHeader(), this.#agent.post(path));
  }

  /** The same request with a `Cookie` header of the test's own, past the cookie jar. */
  getWithCookie(path: string, cookie: string): Promise<Exchange> {
    return exchange('GET', path, cookie, request(this.#url).get(path).set('Cookie', cookie));
  }

  postWithCookie(path: string, cookie: string): Promise<Exchange> {
    return exchange('POST', path, cookie, request(this.#url).post(path).set('Cookie', cookie));
  }

  /** The cookies that the browser holds now, as it would send them to the app. */
  cookieHeader(): string {
    return this.#agent.jar
      .getCookies(new CookieAccessInfo('127.0.0.1', '/', false, false))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
  }

  /** The session cookie, recognised by its value: its name is the app's own business. */
  sessionCookie(): SessionCookie | undefined {
    return findSessionCookie(this.cookieHeader().split('; '));
  }

  /** The same browser, with its cookies, at another app: as when a server is restarted. */
  movedTo(app: { url: string }): Browser {
    const browser = new Browser(app.url);
    browser.#agent.jar.setCookies(this.cookieHeader().split('; '), '127.0.0.1', '/');
    return browser;
  }
}

/** Finds the session cookie among `name=value` pairs or `Set-Cookie` headers. */
export function findSessionCookie(cookies: readonly string[]): SessionCookie | undefined {
  for (const cookie of cookies) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (name === undefined || value === undefined) continue;
    const [, id] = /^s:([^.]+)\./.exec(decodeURIComponent(value)) ?? [];
    if (id !== undefined) return { name, value, id };
  }
  return undefined;
}

async function exchange(
  method: string,
  path: string,
  cookie: string,
  pending: request.Test,
): Promise<Exchange> {
  const crash = crashed();
  try {
    // supertest resolves when the whole body has been read. Before that the database may not
    // be asked: express-session sends all but the last byte before the store has answered.
    const answer = await Promise.race([
      pending.timeout({ response: PATIENCE_MS, deadline: PATIENCE_MS }),
      crash.promise,
    ]);
    return {
      method,
      path,
      cookie,
      status: answer.status,
      body: answer.text,
      location: answer.get('Location'),
      setCookie: answer.get('Set-Cookie') ?? [],
    };
  } catch (error) {
    if (error instanceof Lesson) throw error;
    throw new Lesson({
      observed: isTimeout(error)
        ? `${method} ${path} got no answer within ${PATIENCE_MS / 1000} s.`
        : `${method} ${path} got no complete answer: ${messageOf(error)}.`,
      why: 'Express does not send what a handler returns, and a callback that never answers '
        + 'leaves the browser waiting for ever: every way through a handler ends in '
        + 'res.send(), res.redirect() or next(error).',
      lookAt: `app.ts: does every way through ${method} ${path} send an answer?`,
    });
  } finally {
    crash.forget();
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'timeout' in error;
}
