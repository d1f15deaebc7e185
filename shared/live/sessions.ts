import { fits, type SessionCookie, type SetCookie } from './cookie.ts';

/** What we've seen of one session. */
export interface KnownSession {
  readonly id: string;
  /** A short name for people: A, B, …, Z, AA, AB, … in the order first seen. */
  readonly label: string;
  /** The session's number, from 0; decides its colour. */
  readonly number: number;
  /** `session.user`: who has logged in. */
  user?: string | undefined;
  /** The cookie as the app last set it. */
  cookie?: SetCookie;
  /** The signature that the app has accepted. */
  signature?: string;
  /** Shows whether the session's data has changed. */
  fingerprint?: string | undefined;
  /** When the store's document expires, in ms since 1970. */
  expires?: number;
  /** The same, as of the last request that was examined: later means that a request moved it. */
  examinedExpires?: number;
  /** `replaced`: its visitor got a new id, for example at a login. */
  state: 'alive' | 'destroyed' | 'replaced';
  /** The process of the app that used it last. */
  pid: number;
}

/** How many sessions to remember: those used last. */
const mostSessions = 500;

/** The sessions seen so far. */
export class Sessions {
  /** The app's SESSION_SECRET. */
  readonly secret: string;
  /** The name of the app's session cookie, once known. */
  cookieName: string | undefined;
  /** The name of the store's class, once known. */
  storeName: string | undefined;
  /** The cookie that the app set last, for any visitor. */
  lastCookie: SetCookie | undefined;
  readonly #known = new Map<string, KnownSession>();
  #count = 0;

  constructor(secret: string) {
    this.secret = secret;
  }

  find(id: string | undefined): KnownSession | undefined {
    return id === undefined ? undefined : this.#known.get(id);
  }

  /** Whether the app accepts the signature: it fits SESSION_SECRET, or the app was seen to. */
  accepts(cookie: SessionCookie): boolean {
    return fits(cookie, this.secret) || this.find(cookie.id)?.signature === cookie.signature;
  }

  /** Records that a process of the app has used a session, which may be new to us. */
  use(id: string, pid: number): KnownSession {
    const session = this.#known.get(id) ?? this.#name(id, pid);
    session.pid = pid;
    // A Map keeps insertion order: move the most recently used to its end.
    this.#known.delete(id);
    this.#known.set(id, session);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostSessions && oldest !== undefined) this.#known.delete(oldest);
    return session;
  }

  #name(id: string, pid: number): KnownSession {
    const number = this.#count++;
    return { id, label: labelOf(number), number, state: 'alive', pid };
  }
}

/** 0 is A, 25 is Z, 26 is AA. */
export function labelOf(number: number): string {
  const letter = String.fromCharCode(65 + number % 26);
  return number < 26 ? letter : labelOf(Math.floor(number / 26) - 1) + letter;
}
