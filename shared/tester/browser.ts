import request from 'supertest';
import { watchForCrashes } from './crash.ts';
import { Jar } from './jar.ts';
import { Lesson, messageOf } from './lesson.ts';
import { run } from './plan.ts';
import { currentSubject } from './subject.ts';

/** How long an answer may take, in milliseconds. */
const PATIENCE_MS = 2000;

/** After how many unanswered requests the tests lose their patience, and what is left of it. */
const TRIES = 3;
const SHORT_PATIENCE_MS = 500;

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

type Headers = Record<string, string>;

/** The fields of a form, by name, or a body as it stands. */
export type Form = Readonly<Record<string, string>> | string;

/** One visitor's browser: it keeps cookies and sends them back. */
export class Browser {
  readonly #url: string;
  readonly #jar: Jar;

  /** @param url where the app listens */
  constructor(url: string, jar = new Jar()) {
    this.#url = url;
    this.#jar = jar;
  }

  /** Where the app listens. */
  get url(): string {
    return this.#url;
  }

  /** @throws {Lesson} when no answer came */
  get(path: string): Promise<Exchange> {
    return this.#send('GET', path);
  }

  /**
   * @param form the fields of a form, or a body as it stands
   * @param headers what a browser adds by itself, such as Origin
   * @throws {Lesson} when no answer came
   */
  post(path: string, form?: Form, headers: Headers = {}): Promise<Exchange> {
    return this.#send('POST', path, form, headers);
  }

  /** The same request with a `Cookie` header of the test's own, past the cookie jar. */
  getWithCookie(path: string, cookie: string, headers: Headers = {}): Promise<Exchange> {
    return exchange('GET', path, cookie, request(this.#url).get(path).set(headers));
  }

  postWithCookie(path: string, cookie: string): Promise<Exchange> {
    return exchange('POST', path, cookie, request(this.#url).post(path));
  }

  /** The cookies that the browser holds now, as it would send them to /. */
  cookieHeader(): string {
    return this.#jar.header('/');
  }

  /** The session cookie, recognised by its value: its name is the app's own business. */
  sessionCookie(): SessionCookie | undefined {
    return findSessionCookie(this.cookieHeader().split('; '));
  }

  /** The cookies that the browser holds, with another signature on the session cookie. */
  tamperedCookieHeader(): string {
    const session = this.sessionCookie();
    const tampered = session && encodeURIComponent(
      decode(session.value).replace(/^(s:[^.]+\.)(.)/, (_, start: string, letter: string) => (
        start + (letter === 'x' ? 'y' : 'x')
      )),
    );
    return this.cookieHeader().split('; ').map((cookie) => (
      session && cookie.startsWith(`${session.name}=`) ? `${session.name}=${tampered}` : cookie
    )).join('; ');
  }

  /** The same browser, with its cookies, at another app: as when a server is restarted. */
  movedTo(app: { url: string }): Browser {
    return new Browser(app.url, this.#jar.copy());
  }

  async #send(
    method: 'GET' | 'POST',
    path: string,
    form?: Form,
    headers: Headers = {},
  ): Promise<Exchange> {
    const pending = method === 'GET' ? request(this.#url).get(path) : request(this.#url).post(path);
    pending.set(headers).redirects(0);
    if (form !== undefined) {
      pending.type('form').set(headers).send(typeof form === 'string' ? form : { ...form });
    }
    const answer = await exchange(method, path, this.#jar.header(path), pending);
    this.#jar.take(answer.setCookie, path, '127.0.0.1');
    return answer;
  }
}

/**
 * Finds the session cookie among `name=value` pairs or `Set-Cookie` headers. Others may be signed
 * as well; a session id is longer than what people sign.
 */
export function findSessionCookie(cookies: readonly string[]): SessionCookie | undefined {
  const found: SessionCookie[] = [];
  for (const cookie of cookies) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
    if (name === undefined || value === undefined) continue;
    const [, id] = /^s:([^.]+)\./.exec(decode(value)) ?? [];
    if (id !== undefined) found.push({ name, value, id });
  }
  return found.reduce<SessionCookie | undefined>((longest, each) => (
    longest && longest.id.length >= each.id.length ? longest : each
  ), undefined);
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Forgets the requests that an earlier app left unanswered. */
export function regainPatience(): void {
  unanswered = 0;
}

let unanswered = 0;

/** How long an answer may take now, in milliseconds. */
function patience(): number {
  return unanswered < TRIES ? PATIENCE_MS : SHORT_PATIENCE_MS;
}

async function exchange(
  method: string,
  path: string,
  cookie: string,
  pending: request.Test,
): Promise<Exchange> {
  const crash = watchForCrashes();
  const limit = patience();
  if (cookie !== '') pending.set('Cookie', cookie);
  run.request = `${method} ${path}`;
  try {
    // supertest resolves when the whole body has been read. Before that the database may not
    // be asked: express-session sends all but the last byte before the store has answered.
    const answer = await Promise.race([
      pending.timeout({ response: limit, deadline: limit }),
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
    if (isTimeout(error)) unanswered++;
    throw new Lesson({
      observed: isTimeout(error)
        ? `${method} ${path} got no answer within ${limit / 1000} s.`
        : `${method} ${path} got no complete answer: ${messageOf(error)}.`,
      why: 'Express does not send what a handler returns, and a callback that never answers '
        + 'leaves the browser waiting for ever: every way through a handler ends in '
        + 'res.send(), res.redirect() or next(error).'
        + (currentSubject().step.number > 1
          ? ' An object in the place of req.session has the same effect.'
          : ''),
      lookAt: `app.ts: does every way through ${method} ${path} send an answer?${
        currentSubject().step.needsDatabase ? ' And session.ts: is the store given `client`?' : ''
      }`,
    });
  } finally {
    run.request = undefined;
    crash.stop();
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'timeout' in error;
}
