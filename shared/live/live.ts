import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { App } from '../app/app.ts';
import { freePort, tryPort } from '../app/port.ts';
import type { Step } from '../lesson/steps.ts';
import { actions, type ActionContext } from './actions.ts';
import { findSessionCookie } from './cookie.ts';
import type { Exchange } from './exchange.ts';
import { refuse, safeHeaders, type Address } from './guard.ts';
import { History } from './history.ts';
import { paint, type AppState, type Picture } from './picture.ts';
import { StoreWindow, type Look } from './store.ts';

export interface LiveOptions {
  step: Pick<Step, 'number' | 'title'>;
  /** The app, not yet started, with {@link observer} among its `imports`. */
  app: App;
  /** The app's second process, if it has two. */
  second?: App | undefined;
  /** The port on which the app will listen. */
  appPort: number;
  /** The app's SESSION_SECRET; never leaves this process. */
  secret: string;
  /** The step's database, if any: its address including the app's database name, and its line. */
  database?: { url: string; line: string } | undefined;
  /** The page's preferred port, 4001 by default; if it's taken, another is used. */
  port?: number | undefined;
}

/** The live picture of a running app. */
export interface Live {
  /**
   * The page's full address. It ends in a key that other users of this machine don't know. The key
   * stays the same as long as the secret does, so an open page finds its server again.
   */
  readonly url: string;
  readonly port: number;
  /** Why the page isn't on the preferred port, as a sentence. */
  readonly note?: string;
  close(): Promise<void>;
}

/** The module that reports the app's requests; add it to the app's `imports`. */
export const observer = new URL('observer.js', import.meta.url).href;

/** How long a page waits for news, in ms: the store and the browser's cookie change silently. */
const newsMs = 1000;

/**
 * Serves a page with the viewing browser's session, on 127.0.0.1 only.
 * @throws {Error} when 127.0.0.1 has no port for it
 */
export async function startLive(options: LiveOptions): Promise<Live> {
  const { app, port: wanted = 4001, secret } = options;
  const key = createHmac('sha256', secret).update('live picture').digest('base64url').slice(0, 16);
  const page: Page = {
    ...options,
    history: new History(secret),
    store: options.database && new StoreWindow(options.database.url),
    jar: new Map(),
  };
  const server = createServer((request, response) => {
    void answer(page, { port, key }, request, response);
  });
  // The app's port is reserved, even if nothing listens there yet.
  const isFree = wanted !== options.appPort && await tryPort(wanted) === undefined;
  let port = isFree ? wanted : await freePort();
  const listen = () => once(server.listen(port, '127.0.0.1'), 'listening');
  await listen().catch(async () => {
    // Another program was quicker.
    port = await freePort();
    await listen();
  });
  // The page alone mustn't keep a command running.
  server.unref();
  page.history.follow(app, options.second);
  return {
    url: `http://localhost:${port}/${key}/`,
    port,
    ...port !== wanted && { note: `Port ${wanted} is taken, so the live picture is at ${port}.` },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await page.store?.close();
    },
  };
}

/** Everything the page shows. */
export interface Shown extends Picture {
  /** Changes whenever there's news. A page sends the version it has seen. */
  version: string;
  step: LiveOptions['step'];
  app: AppState & { port: number };
  /** The database's line, if the step has a database. */
  database?: string | undefined;
  exchanges: Exchange[];
  /** How many requests went by too fast to be examined. */
  left: number;
}

/** What it takes to answer a page's requests. */
type Page = LiveOptions & Omit<ActionContext, 'headers' | 'cookie'>;

const files = new Map([
  ['', ['index.html', 'text/html']],
  ['page.css', ['page.css', 'text/css']],
  ['page.js', ['page.js', 'text/javascript']],
]);

async function answer(
  page: Page,
  address: Address,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, type: string, body: string | Buffer, headers = {}) => {
    const contentType = { 'Content-Type': `${type}; charset=utf-8` };
    response.writeHead(status, { ...safeHeaders, ...contentType, ...headers }).end(body);
  };
  const { method, url = '' } = request;
  const [, name, query] = /^\/[^/]*(?:\/([^?]*)(?:\?(.*))?)?$/s.exec(url) ?? [];
  // Discard the body unread.
  request.resume();
  try {
    const refusal = refuse(request, address);
    const file = method === 'GET' && files.get(name ?? '');
    if (refusal) {
      send(refusal.status, 'text/plain', `${refusal.reason}\n`);
    } else if (name === undefined) {
      send(308, 'text/plain', '', { Location: `/${address.key}/` });
    } else if (method === 'POST' && actions.has(name)) {
      const { text, setCookies = [] } = await act(page, name, request);
      send(200, 'application/json', JSON.stringify({ text }), { 'Set-Cookie': setCookies });
    } else if (method === 'GET' && name === 'picture') {
      const shown = await show(page, new URLSearchParams(query).get('seen'), request);
      send(200, 'application/json', JSON.stringify(shown));
    } else if (file) {
      const [path = '', type = ''] = file;
      send(200, type, await readFile(new URL(`page/${path}`, import.meta.url)));
    } else {
      send(404, 'text/plain', 'Nothing here.\n');
    }
  } catch (error) {
    // A bug of ours; it mustn't take the command down.
    if (response.headersSent) response.destroy();
    else send(500, 'text/plain', String(error));
  }
}

async function act(page: Page, name: string, { headers }: IncomingMessage) {
  const { history } = page;
  const began = Date.now();
  const cookie = findSessionCookie(headers.cookie, history.sessions.cookieName);
  const effect = await actions.get(name)?.({ ...page, headers, cookie });
  // The app's process reports what a visit did a moment later.
  const isTold = () => history.exchanges.some(({ at }) => at >= began);
  if (name === 'visit' || name === 'visitor') await history.until(isTold, newsMs);
  return effect ?? { text: '' };
}

/** Waits for news and returns it. */
async function show(page: Page, seen: string | null, { headers }: IncomingMessage): Promise<Shown> {
  const { history, step, appPort, database } = page;
  const looker = createHash('sha256').update(headers.cookie ?? '').digest('base64url');
  const version = () => `${history.changes}.${looker}`;
  await history.until(() => version() !== seen, newsMs);

  const { sessions, app } = history;
  const before = version();
  const cookie = findSessionCookie(headers.cookie, sessions.cookieName);
  const look = await lookIntoStore(page, cookie?.id);
  return {
    ...paint({ step: step.number, cookie, sessions, app, look }),
    version: before,
    step,
    app: { ...app, port: appPort },
    database: database?.line,
    exchanges: history.exchanges,
    left: history.left,
  };
}

async function lookIntoStore(
  { store, history }: Page, id: string | undefined,
): Promise<Look | Error | undefined> {
  if (!store) return undefined;
  try {
    await history.noteExtensions(store);
    const look = await store.look(id);
    if (id !== undefined && look.expires !== undefined) history.noteEnd(id, look.expires);
    return look;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
