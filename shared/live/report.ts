/** What the observer in the app's process tells about one request. */
export interface Report {
  /** Unique in its process; a request is told again when its state changes. */
  readonly id: number;
  readonly pid: number;
  /** When the request came, in milliseconds since 1970. */
  readonly at: number;
  /** How long it has taken so far, in milliseconds. */
  readonly ms: number;
  readonly state: 'answered' | 'waiting' | 'given up';
  readonly method: string;
  readonly url: string;
  readonly status: number | undefined;
  /** The request's Cookie header. */
  readonly cookie: string | undefined;
  /** The response's Set-Cookie headers. */
  readonly setCookie: readonly string[];
  /** What express-session left in the request, if the app uses it. */
  readonly session: ReportedSession | undefined;
}

export interface ReportedSession {
  readonly id: string;
  /** Whether there was a session at the end of the request: a destroyed one leaves only its id. */
  readonly alive: boolean;
  /** Tells whether the session's data are still the same. */
  readonly fingerprint: string | undefined;
  /** The name of the store's class, such as `MemoryStore`. */
  readonly store: string | undefined;
}

/** The requests of one message, the oldest first; `left` are the ones it has no room for. */
export interface Batch {
  readonly left: number;
  readonly reports: readonly Report[];
}

/**
 * Reads a message of the app's process. The app may send messages of its own: those, and whatever
 * is not well-formed, are left alone.
 */
export function readBatch(message: unknown): Batch | undefined {
  if (!isRecord(message) || message['type'] !== 'exchanges') return undefined;
  const { pid, left, exchanges } = message;
  if (typeof pid !== 'number' || typeof left !== 'number' || !Array.isArray(exchanges)) {
    return undefined;
  }
  const reports = exchanges.map((exchange: unknown) => readReport(pid, exchange));
  return { left, reports: reports.filter((report) => report !== undefined) };
}

function readReport(pid: number, exchange: unknown): Report | undefined {
  if (!isRecord(exchange)) return undefined;
  const { id, at, ms, state, method, url, status, cookie, setCookie, session } = exchange;
  if (typeof id !== 'number' || typeof at !== 'number' || typeof ms !== 'number') return undefined;
  if (state !== 'answered' && state !== 'waiting' && state !== 'given up') return undefined;
  if (typeof method !== 'string' || typeof url !== 'string') return undefined;
  return {
    id, pid, at, ms, state, method, url,
    status: typeof status === 'number' ? status : undefined,
    cookie: text(cookie),
    setCookie: Array.isArray(setCookie) ? setCookie.map(String) : [],
    session: readSession(session),
  };
}

function readSession(session: unknown): ReportedSession | undefined {
  if (!isRecord(session) || typeof session['id'] !== 'string') return undefined;
  const { id, alive, fingerprint, store } = session;
  return { id, alive: alive === true, fingerprint: text(fingerprint), store: text(store) };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
