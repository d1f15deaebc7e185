import { EventEmitter, once } from 'node:events';
import type { App } from '../app/app.ts';
import { describeExchange, type Exchange } from './exchange.ts';
import type { AppState } from './picture.ts';
import { isBatch } from './report.ts';
import { Sessions } from './sessions.ts';
import type { StoreWindow } from './store.ts';

/** How many exchanges to keep. */
const mostExchanges = 50;

/** What has happened to an app: its processes, its requests and their sessions. */
export class History extends EventEmitter<{ change: [] }> {
  readonly sessions: Sessions;
  app: AppState = { state: 'stopped', pid: 0 };
  /** How many requests went by too fast to be examined. */
  left = 0;
  /** Increases with every change. */
  changes = 0;
  readonly #exchanges = new Map<string, Exchange>();
  /** Each session's newest exchange since its expiry was last looked up. */
  #fresh = new Map<string, Exchange>();

  /** @param secret the app's SESSION_SECRET */
  constructor(secret: string) {
    super();
    this.sessions = new Sessions(secret);
    this.setMaxListeners(0);
  }

  /** The exchanges, newest last. */
  get exchanges(): Exchange[] {
    return [...this.#exchanges.values()];
  }

  /** Follows an app from now on. @param second its second process, if it has two */
  follow(app: App, second?: App): void {
    for (const each of second ? [app, second] : [app]) {
      let pid = 0;
      const note = (state: AppState['state']) => {
        if (each === app) this.app = { state, pid };
        if (state !== 'running') this.#giveUp(pid);
        this.#change();
      };
      each.on('started', (started) => { pid = started; note('running'); })
        .on('stopped', () => { note('stopped'); }).on('crashed', () => { note('crashed'); })
        .on('message', (message) => { this.#receive(message); });
    }
  }

  /** Waits until a condition holds, for at most `ms` milliseconds. */
  async until(holds: () => boolean, ms: number): Promise<void> {
    const signal = AbortSignal.timeout(ms);
    while (!holds() && !signal.aborted) {
      await once(this, 'change', { signal }).catch(() => undefined);
    }
  }

  /** Notes whether reading a session has extended it: only the database knows. */
  async noteExtensions(store: Pick<StoreWindow, 'ends'>): Promise<void> {
    if (this.#fresh.size === 0) return;
    const fresh = this.#fresh;
    this.#fresh = new Map();
    const ends = await store.ends([...fresh.keys()]);
    for (const [id, exchange] of fresh) {
      const session = this.sessions.find(id);
      const end = ends.get(id);
      if (!session || end === undefined) continue;
      const isMoved = session.examinedExpires !== undefined && end > session.examinedExpires;
      session.expires = session.examinedExpires = end;
      if (!isMoved || !exchange.outcomes.includes('read')) continue;
      exchange.outcomes = ['read', 'extended'];
      exchange.text += ' Its end moved into the future.';
      this.#change();
    }
  }

  /**
   * Notes when a session ends, in ms since 1970. A request may have moved it and be reported only
   * later, so this doesn't count as having examined the request.
   */
  noteEnd(id: string, end: number): void {
    const session = this.sessions.find(id);
    if (!session) return;
    session.expires = end;
    session.examinedExpires ??= end;
  }

  /** What a process has left open when it ends won't be answered. */
  #giveUp(pid: number): void {
    const text = 'The app’s process ended before it answered.';
    for (const [key, exchange] of this.#exchanges) {
      if (exchange.state !== 'waiting' || !key.startsWith(`${pid}.`)) continue;
      this.#exchanges.set(key, { ...exchange, state: 'given up', text });
    }
  }

  #change(): void {
    this.changes++;
    this.emit('change');
  }

  #receive(message: unknown): void {
    if (!isBatch(message)) return;
    this.left += message.left;
    for (const report of message.reports) {
      const exchange = describeExchange(report, this.sessions);
      this.#exchanges.set(exchange.key, exchange);
      const { id } = exchange.setCookie ?? exchange.cookie ?? {};
      // A session is renewed at the end of a request: while one waits, it's too early to look.
      const isOver = exchange.state === 'answered';
      if (isOver && exchange.mark && id) this.#fresh.set(id, exchange);
    }
    for (const oldest of [...this.#exchanges.keys()].slice(0, -mostExchanges)) {
      this.#exchanges.delete(oldest);
    }
    // Without a viewer, nothing else limits this map.
    for (const oldest of [...this.#fresh.keys()].slice(0, -mostExchanges)) {
      this.#fresh.delete(oldest);
    }
    this.#change();
  }
}
