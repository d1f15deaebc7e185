import { once } from 'node:events';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { parseSetCookie } from 'cookie';
import { Cookie, CookieJar } from 'tough-cookie';
import { watchForCrashes } from './crash.ts';
import { Lesson } from './lesson.ts';
import { patience } from './patience.ts';
import { keepSecret } from './printed.ts';
import { currentRun } from './run.ts';
import { currentSubject } from './subject.ts';
import { messageOf } from '../terminal/problem.ts';

/** How long an answer may take, in milliseconds, unless a browser has more patience. */
const PATIENCE_MS = 2000;

/** Session ids are at least this long. Shorter ones could be printed by chance. */
const ID_LENGTH = 16;

/** How many redirects a browser of the tests follows. */
const MAX_REDIRECTS = 5;

/** A request and its answer, read to the last byte. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** What the browser asked, where that isn't the app itself but its proxy: https://shop.example. */
  readonly origin?: string | undefined;
  /** The `Cookie` header that was sent. */
  readonly cookie: string;
  readonly status: number;
  readonly body: string;
  readonly location: string | undefined;
  readonly retryAfter?: string | undefined;
  /** With which a browser opens a dialog of its own for a name and a password: `Basic`. */
  readonly challenge?: string | undefined;
  /** What a browser takes the body for: its `Content-Type`, or `attachment`. */
  readonly type?: string;
  /** Who may keep the answer, and for how long: its `Cache-Control`. */
  readonly cacheControl?: string | undefined;
  /** Whose pages may read the answer, cookie and all: its `Access-Control-Allow-Origin`. */
  readonly readableBy?: string | undefined;
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
type Form = Record<string, string> | string;

/** What is sent. */
interface Sent {
  method: string;
  path: string;
  cookie: string;
  headers?: Headers | undefined;
  body?: string | undefined;
}

/**
 * One visitor's browser: it keeps cookies and sends them back by the rules of real ones. As in
 * Chromium and Firefox, http://127.0.0.1 counts as secure.
 */
export class Browser {
  readonly #app: string;
  readonly #jar: CookieJar;
  /** The origin of the app's pages, as the browser sees it: where it listens, or see {@link at}. */
  readonly url: string;
  readonly #patienceMs: number;

  /** @param app where the app listens */
  constructor(
    app: string,
    jar = new CookieJar(undefined, { prefixSecurity: 'strict' }),
    url = app,
    patienceMs = PATIENCE_MS,
  ) {
    this.#app = app;
    this.#jar = jar;
    this.url = url;
    this.#patienceMs = patienceMs;
  }

  /**
   * The same browser, with the same cookies, at an address from which a proxy leads to the app.
   * @param url an origin such as `https://shop.example`
   */
  at(url: string): Browser {
    return new Browser(this.#app, this.#jar, url);
  }

  /** The same browser, with another patience. @param ms how long an answer may take */
  patient(ms: number): Browser {
    return new Browser(this.#app, this.#jar, this.url, ms);
  }

  /**
   * Takes a cookie from another server, if a browser would.
   * @param setCookie the text of a Set-Cookie header
   * @param url the page that came with it
   */
  receive(setCookie: string, url: string): void {
    this.#jar.setCookieSync(setCookie, url, { ignoreError: true });
  }

  /** @throws {Lesson} when no answer came */
  get(path: string, headers?: Headers): Promise<Exchange> {
    return this.#visit({ method: 'GET', path, headers });
  }

  /** Asks for the headers of a page alone. @throws {Lesson} when no answer came */
  head(path: string): Promise<Exchange> {
    return this.#visit({ method: 'HEAD', path });
  }

  /**
   * Sends a form, as a button does.
   * @param headers what a browser adds by itself, such as Origin
   * @throws {Lesson} when no answer came
   */
  post(path: string, form: Form = {}, headers?: Headers): Promise<Exchange> {
    return this.#visit({
      method: 'POST',
      path,
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', ...headers },
      body: typeof form === 'string' ? form : String(new URLSearchParams(form)),
    });
  }

  /**
   * Follows redirects to their end, as a browser does: with a GET, or with the same method after
   * 307 and 308.
   * @returns the answer that is shown at last: the one that was given, if it's no redirect
   * @throws {Lesson} when they lead elsewhere, or in circles
   */
  async follow(answer: Exchange): Promise<Exchange> {
    let last = answer;
    for (let redirects = 0; last.status >= 300 && last.location !== undefined; redirects++) {
      const target = new URL(last.location, new URL(last.path, this.url));
      if (target.origin !== this.url || redirects === MAX_REDIRECTS) {
        throw new Lesson({
          observed: target.origin === this.url
            ? `${answer.method} ${answer.path} was redirected more than ${redirects} times.`
            : `${last.method} ${last.path} leads to ${last.location}, which is another server.`,
          why: target.origin === this.url
            ? 'The browser gives up and shows an error instead of a page.'
            : 'Your app may run at any address. A path alone, such as /, leads to the same server.',
          lookAt: 'app.ts: where does res.redirect() lead?',
          exchange: last,
        });
      }
      const keeps = last.status === 307 || last.status === 308;
      const path = `${target.pathname}${target.search}`;
      last = await this.#visit({ method: keeps ? last.method : 'GET', path });
    }
    return last;
  }

  /** The same request with a `Cookie` header of the test's own, past the cookie jar. */
  getWithCookie(path: string, cookie: string, headers?: Headers): Promise<Exchange> {
    return this.#send({ method: 'GET', path, cookie, headers });
  }

  postWithCookie(path: string, cookie: string): Promise<Exchange> {
    return this.#send({ method: 'POST', path, cookie });
  }

  /** The cookies that the browser holds now, as it would send them to /. */
  cookieHeader(): string {
    return this.#jar.getCookieStringSync(this.url);
  }

  /** The session cookie, recognised by its value: the app may choose any name. */
  sessionCookie(): SessionCookie | undefined {
    return findSessionCookie(this.cookieHeader().split('; '));
  }

  /** The cookies that the browser holds, with another signature on the session cookie. */
  tamperedCookieHeader(): string {
    const { value = '' } = this.sessionCookie() ?? {};
    // The signature's first character may be percent-encoded.
    const tampered = value.replace(/(?<=^s(?::|%3A)[^.]+\.)(?:%..|.)/i, (first) => (
      first === 'x' ? 'y' : 'x'
    ));
    return this.cookieHeader().replace(value, () => tampered);
  }

  /** The same browser, with its cookies, at another app: as when a server is restarted. */
  movedTo(app: { url: string }): Browser {
    return new Browser(app.url, this.#jar.cloneSync());
  }

  async #visit(sent: Omit<Sent, 'cookie'>): Promise<Exchange> {
    const url = new URL(sent.path, this.url).href;
    const cookie = this.#jar.getCookieStringSync(url);
    const answer = await this.#send({ ...sent, cookie });
    for (const header of answer.setCookie) {
      const cookie = Cookie.parse(header);
      const needsSecure = cookie?.sameSite === 'none' || /;\s*partitioned\s*(;|$)/i.test(header);
      if (!cookie || (needsSecure && !cookie.secure)) continue;
      this.#jar.setCookieSync(cookie, url, { ignoreError: true });
    }
    return answer;
  }

  /** Sends a request to the app, with the headers that a proxy adds, if there's one. */
  async #send(sent: Sent): Promise<Exchange> {
    if (this.url === this.#app) return exchange(this.#app, sent, this.#patienceMs);
    const { protocol, host, origin } = new URL(this.url);
    const headers = { Host: host, 'X-Forwarded-Proto': protocol.replace(':', ''), ...sent.headers };
    const answer = await exchange(this.#app, { ...sent, headers }, this.#patienceMs);
    return { ...answer, origin };
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
    const [, id] = /^s:([^.]+)\./.exec(parseSetCookie(cookie).value ?? '') ?? [];
    if (id !== undefined) found.push({ name, value, id });
  }
  const [longest] = found.toSorted((one, other) => other.id.length - one.id.length);
  return longest;
}

async function exchange(url: string, sent: Sent, patienceMs: number): Promise<Exchange> {
  const { method, path, cookie, headers, body } = sent;
  const crash = watchForCrashes();
  const abort = new AbortController();
  const enough = patience(patienceMs);
  const run = currentRun();
  run.request = `${method} ${path}`;
  try {
    const pending = request(new URL(path, url), {
      method,
      headers: { ...headers, ...cookie !== '' && { Cookie: cookie } },
      // A connection that is kept alive could be closed by the app while it's being used again.
      agent: false,
      signal: abort.signal,
    });
    pending.end(body);
    const answer = await Promise.race([readAnswer(pending), crash.promise, enough.isOver]);
    if (answer) {
      const { id = '' } = findSessionCookie(answer.setCookie) ?? {};
      if (id.length >= ID_LENGTH) keepSecret(id, 'the id of a session');
      return { method, path, cookie, ...answer };
    }
    throw noAnswer(sent, `got no answer within ${patienceMs / 1000} s`, true);
  } catch (error) {
    abort.abort();
    throw error instanceof Lesson
      ? error
      : noAnswer(sent, `got no complete answer: ${messageOf(error)}`, false);
  } finally {
    run.request = undefined;
    enough.stop();
    crash.stop();
  }
}

/**
 * Reads the answer to a request to its last byte. Only then may a test look into the database:
 * express-session sends all but the last byte before the store has answered.
 */
export async function readAnswer(pending: ClientRequest) {
  const [answer] = await once(pending, 'response') as [IncomingMessage];
  // An app may answer before the form has come, and close the connection.
  pending.on('error', () => undefined);
  return {
    status: answer.statusCode ?? 0,
    body: await text(answer),
    location: answer.headers.location,
    retryAfter: answer.headers['retry-after'],
    challenge: answer.headers['www-authenticate'],
    type: /^attachment/i.exec(answer.headers['content-disposition'] ?? '')?.[0]
      ?? answer.headers['content-type'] ?? '',
    cacheControl: answer.headers['cache-control'],
    readableBy: answer.headers['access-control-allow-credentials'] === 'true'
      ? answer.headers['access-control-allow-origin']
      : undefined,
    setCookie: answer.headers['set-cookie'] ?? [],
  };
}

function noAnswer({ method, path }: Sent, observed: string, hangs: boolean): Lesson {
  const { number, needsDatabase } = currentSubject().step;
  return new Lesson({
    observed: `${method} ${path} ${observed}.`,
    why: "Express doesn't send what a handler returns, and a callback that never answers "
      + 'leaves the browser waiting forever: every path through a handler has to end in '
      + 'res.send(), res.redirect() or next(error).'
      + (number > 1
        ? ' `app.use(session)` instead of `app.use(session(…))` has the same effect, and so does '
        + 'replacing req.session with another object.'
        : ''),
    lookAt: `app.ts: does every way through ${method} ${path} send an answer?${number > 5
      ? ' And does every middleware above it call next(), or send one?'
      : needsDatabase ? ' And session.ts: is the store given `client`?' : ''
    }`,
    hangs,
  });
}
