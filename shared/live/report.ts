/** What the observer in the app's process tells about one request. */
export interface Report {
  /** Unique in its process; a request is told again when its state changes. */
  readonly id: number;
  readonly pid: number;
  /** When the request came, in ms since 1970. */
  readonly at: number;
  /** How long it has taken so far, in ms. */
  readonly ms: number;
  readonly state: 'answered' | 'waiting' | 'given up';
  readonly method: string;
  readonly url: string;
  readonly status?: number | undefined;
  /** The request's Cookie, Origin and Sec-Fetch-Site headers. */
  readonly cookie?: string | undefined;
  readonly origin?: string | undefined;
  readonly site?: string | undefined;
  /** The response's Set-Cookie headers. */
  readonly setCookie: readonly string[];
  /** What express-session left in the request, if the app uses it. */
  readonly session?: ReportedSession | undefined;
}

export interface ReportedSession {
  readonly id: string;
  /** Whether there was a session at the end of the request: a destroyed one leaves only its id. */
  readonly alive: boolean;
  /** Whether the app asked for a new id with `regenerate()`. */
  readonly regenerated: boolean;
  /** Tells whether the session's data are still the same. */
  readonly fingerprint?: string | undefined;
  /** `session.user`. */
  readonly user?: string | undefined;
  /** The name of the store's class, such as `MemoryStore`. */
  readonly store?: string | undefined;
}

/** The requests of one message, the oldest first; `left` are those it has no room for. */
export interface Batch {
  readonly type: 'exchanges';
  readonly left: number;
  readonly reports: readonly Report[];
}

/**
 * Whether a message of the app's process is the observer's. The app may send messages of its own,
 * even ones that look alike: those that aren't well-formed are left alone.
 */
export function isBatch(message: unknown): message is Batch {
  return has(message, { type: 'string', left: 'number' }) && message['type'] === 'exchanges'
    && Array.isArray(message['reports']) && message['reports'].every(isReport);
}

function isReport(report: unknown): report is Report {
  return has(report, { id: 'number', pid: 'number', at: 'number', ms: 'number' })
    && ['answered', 'waiting', 'given up'].includes(String(report['state']))
    && has(report, { method: 'string', url: 'string' })
    && has(report, { status: 'number', cookie: 'string', origin: 'string', site: 'string' }, true)
    && Array.isArray(report['setCookie'])
    && report['setCookie'].every((header) => typeof header === 'string')
    && (report['session'] === undefined || isSession(report['session']));
}

function isSession(session: unknown): session is ReportedSession {
  return has(session, { id: 'string', alive: 'boolean', regenerated: 'boolean' })
    && has(session, { fingerprint: 'string', user: 'string', store: 'string' }, true);
}

/** Whether a value is an object with fields of these types; optional ones may be missing. */
function has(
  value: unknown,
  types: Record<string, string>,
  optional = false,
): value is Record<string, unknown> {
  return value instanceof Object && Object.entries(types).every(([name, type]) => {
    const field: unknown = Reflect.get(value, name);
    return typeof field === type || (optional && field === undefined);
  });
}
