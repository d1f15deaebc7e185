import type { SetCookie } from './cookie.ts';

/** What has been seen of one session. */
export interface KnownSession {
  readonly id: string;
  /** A short name for people: A, B, …, Z, AA, AB, … in the order in which they were first seen. */
  readonly label: string;
  /** Counts the sessions from 0; decides the colour. */
  readonly number: number;
  /** The cookie as the app set it last. */
  cookie?: SetCookie;
  /** The signature that the app has accepted. */
  signature?: string;
  /** Tells whether the session's data are still the same. */
  fingerprint?: string;
  /** When the store's document ends, in milliseconds since 1970. */
  expires?: number;
  state: 'alive' | 'destroyed';
  /** The process of the app that used it last. */
  pid: number;
}

/** The sessions seen so far; of too many, the ones that were used last. */
export class Sessions {
  /** The name of the app's session cookie, once it is known. */
  cookieName: string | undefined;
  /** The name of the store's class, once it is known. */
  storeName: string | undefined;
  /** The cookie that the app set last, for whomever. */
  lastCookie: SetCookie | undefined;
  readonly #known = new Map<string, KnownSession>();
  readonly #limit: number;
  #count = 0;

  constructor(limit = 500) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#known.size;
  }

  find(id: string | undefined): KnownSession | undefined {
    return id === undefined ? undefined : this.#known.get(id);
  }

  /** Notes that a process of the app has used a session, which may be new to us. */
  use(id: string, pid: number): KnownSession {
    let session = this.#known.get(id);
    if (session) {
      // A Map keeps the order of insertion: the one used last goes to its end.
      this.#known.delete(id);
    } else {
      const number = this.#count++;
      session = { id, label: labelOf(number), number, state: 'alive', pid };
    }
    session.pid = pid;
    this.#known.set(id, session);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= this.#limit) break;
      this.#known.delete(oldest);
    }
    return session;
  }
}

/** 0 is A, 25 is Z, 26 is AA. */
export function labelOf(number: number): string {
  const letter = String.fromCharCode(65 + number % 26);
  return number < 26 ? letter : labelOf(Math.floor(number / 26) - 1) + letter;
}
