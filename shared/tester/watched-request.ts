/*
 * A request that a test watches: it can send its body late, and tells when its answer begins. And a
 * connection that's kept alive after it.
 */
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { readAnswer, type Exchange } from './browser.ts';
import { Lesson } from './lesson.ts';
import { within } from './patience.ts';

/** How long the answer may take once the whole request is sent, in milliseconds. */
const PATIENCE_MS = 5000;

/** How long its head may take before that, in milliseconds. */
const HEAD_MS = 2000;

/**
 * Begins to send a form.
 * @param url where the app listens
 * @param length how many bytes the whole body will have, if `body` is only its beginning
 */
export function beginRequest(
  url: string,
  path: string,
  {
    method = 'POST', cookie = '', body = '', length = Buffer.byteLength(body), headers = {},
    connection,
  }: {
    method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
    connection?: KeptAlive;
    cookie?: string;
    body?: string;
    length?: number;
    headers?: Record<string, string>;
  },
) {
  const outgoing = request(new URL(path, url), {
    method,
    agent: connection?.agent ?? false,
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'Content-Length': length,
      ...cookie && { Cookie: cookie },
      ...headers,
    },
  });
  outgoing.flushHeaders();
  if (body !== '') outgoing.write(body);
  const begun = once(outgoing, 'continue');
  begun.catch(() => undefined);
  let status: number | undefined;
  outgoing.once('response', ({ statusCode }) => { status = statusCode; });
  const answer = readAnswer(outgoing).then(
    (read): Exchange => ({ method, path, cookie, ...read }),
    (error: unknown) => {
      throw new Lesson({
        observed: `${method} ${path} got no complete answer: ${String(error)}.`,
        why: 'Every path through a handler has to end in res.send(), res.redirect() or '
          + 'next(error).',
        lookAt: `app.ts: does every way through ${method} ${path} send an answer?`,
      });
    },
  );
  answer.catch(() => undefined);
  const finish = (rest = '') => {
    outgoing.end(rest);
    outgoing.setTimeout(PATIENCE_MS, () => {
      outgoing.destroy(new Error(`none came within ${PATIENCE_MS / 1000} s`));
    });
  };
  if (Buffer.byteLength(body) >= length) finish();
  return {
    /** The status, once the head of the answer has come; undefined before that. */
    get status() { return status; },
    /** Waits up to two seconds for the head of the answer. @returns whether it has come */
    isAnswered: () => within(HEAD_MS, () => Promise.resolve(status !== undefined)),
    /** Resolves once the app has it. Only with a header `Expect: 100-continue`. */
    begun,
    /** Sends the rest of the body. */
    finish,
    /** The whole answer. */
    answer,
  };
}

/** A connection that is kept alive for the next request, as a proxy's are. */
export class KeptAlive {
  readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  /** @returns the status; undefined if the connection, and any other, is closed */
  async get(url: string): Promise<number | undefined> {
    try {
      const { status } = await readAnswer(request(url, { agent: this.agent }).end());
      return status;
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.agent.destroy();
  }
}
