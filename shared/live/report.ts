/** The observer's report on one request, from the app's process. */
export interface Report {
  /** Unique within its process; a request is reported again when its state changes. */
  readonly id: number;
  readonly pid: number;
  /** When the request arrived, in ms since 1970. */
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
  /** What express-session has left in the request, if the app uses it. */
  readonly session?: ReportedSession | undefined;
}

export interface ReportedSession {
  readonly id: string;
  /** Whether the session existed at the end of the request: a destroyed one leaves only its id. */
  readonly alive: boolean;
  /** Whether the app asked for a new id with `regenerate()`. */
  readonly regenerated: boolean;
  /** Shows whether the session's data has changed. */
  readonly fingerprint?: string | undefined;
  /** `session.user`. */
  readonly user?: string | undefined;
  /** The name of the store's class, such as `MemoryStore`. */
  readonly store?: string | undefined;
}

/** The observer's message: requests, oldest first; `left` counts those that didn't fit. */
export interface Batch {
  readonly type: 'live picture';
  readonly left: number;
  readonly reports: readonly Report[];
}

/** Whether a message from the app's process is the observer's. The app may send its own. */
export function isBatch(message: unknown): message is Batch {
  return message instanceof Object && 'type' in message && message.type === 'live picture';
}
