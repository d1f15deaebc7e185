import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { App } from '../app/app.ts';
import type { Step } from '../lesson/steps.ts';
import { actions, type ActionContext, type Effect } from './actions.ts';
import { Pages } from './events.ts';
import { tell, type Exchange } from './exchange.ts';
import { refuse, safeHeaders } from './guard.ts';
import { findSessionCookie } from './cookie.ts';
import { paint, type AppState, type Picture } from './picture.ts';
import { listenNear } from './port.ts';
import { readBatch } from './report.ts';
import { Sessions } from './sessions.ts';
import { StoreWindow, type Look } from './store.ts';
import { Visitor } from './visitor.ts';

export interface LiveOptions {
  step: Step;
  /** The app, not started yet, with {@link observer} among its `imports`. */
  app: App;
  /** The port on which the app will listen. */
  appPort: number;
  /** The app's SESSION_SECRET; never leaves this process. */
  secret: string;
  /** The database, if the step has one: its address with the app's database name, and its line. */
  database?: { url: string; line: string };
  /** The page's port; if it is taken, another is used. 4001 if not given. */
  port?: number;
}

/** The live picture of a running app. */
export interface Live {
  /** The page's address. */
  readonly url: string;
  /** Why the page is not at the wanted port, in a sentence. */
  readonly note?: string;
  close(): Promise<void>;
}

/** The module that reports the app's requests: belongs into the app's `imports`. */
export const observer = new URL('observer.js', import.meta.url).href;

/** How many exchanges are kept. */
const mostExchanges = 50;

/**
 * Serves a page that shows the looking browser's session, on 127.0.0.1 only.
 * @throws {Error} when no port of 127.0.0.1 is free
 */
export async function startLive(options: LiveOptions): Promise<Live> {
  const { app, port: wanted = 4001 } = options;
  const live = new LivePicture(options);
  const server = createServer((request, response) => {
    void live.answer(request, response);
  });
  const port = await listenNear(server, wanted, options.appPort);
  live.port = port;
  // The page alone keeps no command running.
  server.unref();
  const stopListening = live.listen(app);
  return {
    url: `http://localhost:${port}`,
    ...port !== wanted && { note: `Port ${wanted} is taken, so the live picture is at ${port}.` },
    close: async () => {
      stopListening();
      live.pages.close();
      server.close();
      server.closeAllConnections();
      await live.store?.close();
    },
  };
}

/** All that a page needs to begin with. */
export interface Snapshot {
  /** What the page's buttons send, so that nobody else can press them. */
  token: string;
  step: { number: number; title: string };
  appPort: number;
  /** One line about the database, if the step has one. */
  database?: string;
  app: AppState;
  exchanges: Exchange[];
  /** How many requests went by too fast to be looked at. */
  left: number;
}

class LivePicture implements ActionContext {
  readonly options: LiveOptions;
  readonly sessions = new Sessions();
  readonly store: StoreWindow | undefined;
  readonly visitor = new Visitor();
  readonly pages: Pages;
  port = 0;
  readonly #token = randomBytes(24).toString('base64url');
  readonly #exchanges = new Map<string, Exchange>();
  /** How many requests went by too fast to be looked at. */
  #left = 0;
  #app: AppState = { state: 'stopped', pid: 0, since: Date.now() };
  #asking = false;
  /** Whose ends are to be asked for: the newest request of each session, and the end before it. */
  #used = new Map<string, { exchange: Exchange; end: number | undefined }>();

  constructor(options: LiveOptions) {
    this.options = options;
    if (options.database) this.store = new StoreWindow(options.database.url);
    this.pages = new Pages(() => this.#snapshot());
  }

  get app(): App {
    return this.options.app;
  }

  get appUrl(): string {
    return `http://localhost:${this.options.appPort}/`;
  }

  /** Follows the app's processes. Returns how to stop. */
  listen(app: App): () => void {
    const onStarted = (pid: number) => {
      this.#changeApp({ state: 'running', pid, since: Date.now() });
    };
    const onEnd = (state: 'stopped' | 'crashed') => () => {
      this.#changeApp({ ...this.#app, state });
      this.#giveUp();
    };
    const onStopped = onEnd('stopped');
    const onCrashed = onEnd('crashed');
    const onMessage = (message: unknown) => {
      void this.#receive(message);
    };
    app.on('started', onStarted).on('stopped', onStopped).on('crashed', onCrashed)
      .on('message', onMessage);
    return () => {
      app.off('started', onStarted).off('stopped', onStopped).off('crashed', onCrashed)
        .off('message', onMessage);
    };
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = safeHeaders(this.options.appPort);
    const refusal = refuse(request, this.port, this.#token);
    const path = request.url?.split('?')[0] ?? '/';
    try {
      if (refusal) {
        response.writeHead(refusal.status, { ...headers, 'Content-Type': 'text/plain' })
          .end(`${refusal.reason}\n`);
      } else if (request.method === 'POST') {
        await this.#act(path.slice(1), request, response, headers);
      } else if (path === '/events') {
        this.pages.add(response, headers);
      } else if (path === '/picture') {
        sendJson(response, headers, await this.#paint(request.headers.cookie));
      } else {
        await sendFile(path, response, headers);
      }
    } catch (error) {
      // A defect of ours; the page must not take the runner with it.
      const reason = error instanceof Error ? error.message : String(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(500, { ...headers, 'Content-Type': 'text/plain' }).end(reason);
    }
  }

  async #act(
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
    headers: Record<string, string>,
  ): Promise<void> {
    // Whatever a body holds, nobody reads it.
    request.resume();
    const action = actions.get(name);
    if (!action) {
      response.writeHead(404, headers).end();
      return;
    }
    const cookie = findSessionCookie(request.headers.cookie, this.sessions.cookieName);
    const effect: Effect = await action(this, cookie);
    const { setCookie, text } = effect;
    sendJson(response, { ...headers, ...setCookie && { 'Set-Cookie': setCookie } }, { text });
  }

  async #paint(cookieHeader: string | undefined): Promise<Picture> {
    const { step, secret } = this.options;
    const { sessions } = this;
    const id = findSessionCookie(cookieHeader, sessions.cookieName)?.id;
    const look = await this.#look(id);
    const session = sessions.find(id);
    if (session && look && 'expires' in look && look.expires !== undefined) {
      session.expires = look.expires;
    }
    const app = this.#app;
    const now = Date.now();
    return paint({ step: step.number, cookieHeader, secret, sessions, app, look, now });
  }

  async #look(id: string | undefined): Promise<Look | Error | undefined> {
    try {
      return await this.store?.look(id);
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #changeApp(app: AppState): void {
    this.#app = app;
    this.pages.send('app', app);
  }

  /** Nobody will answer what the app's last process has left open. */
  #giveUp(): void {
    const open = [...this.#exchanges.values()].filter(({ state }) => state === 'waiting');
    for (const exchange of open) {
      exchange.state = 'given up';
      exchange.text = 'The app’s process has ended before it had answered.';
    }
    if (open.length > 0) this.#publish(open);
  }

  async #receive(message: unknown): Promise<void> {
    const batch = readBatch(message);
    if (!batch) return;
    this.#left += batch.left;
    const context = { sessions: this.sessions, secret: this.options.secret };
    const exchanges = batch.reports.map((report) => tell(report, context));
    const noted = this.#noteRenewals(exchanges);
    this.#publish(exchanges);
    await noted;
  }

  #publish(exchanges: Exchange[]): void {
    for (const exchange of exchanges) this.#exchanges.set(exchange.key, exchange);
    for (const oldest of this.#exchanges.keys()) {
      if (this.#exchanges.size <= mostExchanges) break;
      this.#exchanges.delete(oldest);
    }
    this.pages.send('exchanges', { exchanges, left: this.#left });
  }

  /** Whether reading a session has moved its end: only the database can tell. */
  async #noteRenewals(exchanges: Exchange[]): Promise<void> {
    for (const exchange of exchanges) {
      if (!exchange.mark || !exchange.came) continue;
      const { id } = exchange.came;
      // The page, once it knows of the request, looks at the session as well.
      const end = this.#used.get(id)?.end ?? this.sessions.find(id)?.expires;
      this.#used.set(id, { exchange, end });
    }
    if (!this.store || this.#asking) return;
    this.#asking = true;
    while (this.#used.size > 0) {
      const used = this.#used;
      this.#used = new Map();
      const ends = await this.store.ends([...used.keys()]).catch(() => new Map<string, number>());
      for (const [id, { exchange, end }] of used) this.#noteRenewal(exchange, end, ends.get(id));
    }
    this.#asking = false;
  }

  #noteRenewal(exchange: Exchange, before: number | undefined, now: number | undefined): void {
    const session = this.sessions.find(exchange.came?.id);
    if (!session || now === undefined) return;
    session.expires = now;
    const moved = before !== undefined && now > before;
    if (!moved || !exchange.outcomes.includes('read')) return;
    exchange.outcomes = [...new Set<Exchange['outcomes'][number]>([
      ...exchange.outcomes, 'renewed',
    ])];
    exchange.text += ' Its end was moved into the future.';
    if (this.#exchanges.has(exchange.key)) this.#publish([exchange]);
  }

  #snapshot(): Snapshot {
    const { step, appPort, database } = this.options;
    return {
      token: this.#token,
      step: { number: step.number, title: step.title },
      appPort,
      ...database && { database: database.line },
      app: this.#app,
      exchanges: [...this.#exchanges.values()],
      left: this.#left,
    };
  }
}

const files = new Map([
  ['/', ['index.html', 'text/html; charset=utf-8']],
  ['/page.css', ['page.css', 'text/css; charset=utf-8']],
  ['/page.js', ['page.js', 'text/javascript; charset=utf-8']],
] as const);

async function sendFile(
  path: string,
  response: ServerResponse,
  headers: Record<string, string>,
): Promise<void> {
  const file = new Map<string, readonly [string, string]>(files).get(path);
  if (!file) {
    response.writeHead(404, { ...headers, 'Content-Type': 'text/plain' }).end('Nothing here.\n');
    return;
  }
  const [name, type] = file;
  const content = await readFile(new URL(`page/${name}`, import.meta.url));
  response.writeHead(200, { ...headers, 'Content-Type': type }).end(content);
}

function sendJson(
  response: ServerResponse,
  headers: Record<string, string>,
  value: unknown,
): void {
  response.writeHead(200, { ...headers, 'Content-Type': 'application/json' })
    .end(JSON.stringify(value));
}
