import type { Document } from 'mongodb';
import { endOf, findSessionCookie, fits, type SessionCookie, type SetCookie } from './cookie.ts';
import { picture as pictureOf, type CookiePicture } from './exchange.ts';
import type { KnownSession, Sessions } from './sessions.ts';
import type { Look } from './store.ts';

/** What the page shows of the looking browser's session, at one moment. */
export interface Picture {
  browser: BrowserPicture;
  thread: ThreadPicture;
  store: StorePicture;
}

export interface BrowserPicture {
  cookie?: CookiePicture;
  /** The attributes as the app set them, each with what it does; undefined: not seen. */
  attributes?: { text: string; means: string }[];
  /** When the browser forgets the cookie, in milliseconds since 1970; undefined: when it closes. */
  ends?: number;
  text: string;
}

export interface ThreadPicture {
  /** `open`: there is nothing to connect, or nobody knows. */
  state: 'open' | 'whole' | 'broken';
  /** At which end the thread is broken. */
  at?: 'browser' | 'store';
  title: string;
  text: string;
}

export interface StorePicture {
  kind: 'nothing' | 'memory' | 'document' | 'missing' | 'unreachable';
  /** Where the sessions are. */
  title: string;
  text: string;
  /** The document as JSON, with the parsed `session`; dates are `{ $date: … }`. */
  document?: unknown;
  /** When it ends, in milliseconds since 1970. */
  expires?: number;
  /** What deletes it then. */
  index?: string;
  /** How many other sessions there are. */
  others?: number;
}

/** How the app's process is. */
export interface AppState {
  state: 'running' | 'stopped' | 'crashed';
  pid: number;
  /** When the process began, in milliseconds since 1970. */
  since: number;
}

/** What is known when a browser asks for its picture. */
export interface Known {
  readonly step: number;
  /** The Cookie header of the browser that looks. */
  readonly cookieHeader: string | undefined;
  readonly secret: string;
  readonly sessions: Sessions;
  readonly app: AppState;
  /** What the database holds; an error if it does not answer; undefined: there is none. */
  readonly look: Look | Error | undefined;
  readonly now: number;
}

export function paint(known: Known): Picture {
  const { cookieHeader, sessions } = known;
  const cookie = findSessionCookie(cookieHeader, sessions.cookieName);
  const session = sessions.find(cookie?.id);
  const facts = { ...known, cookie, session, inMemory: isInMemory(known) };
  return { browser: paintBrowser(facts), thread: paintThread(facts), store: paintStore(facts) };
}

interface Facts extends Known {
  cookie: SessionCookie | undefined;
  session: KnownSession | undefined;
  inMemory: boolean;
}

/** Where the app keeps its sessions: what it was seen to use counts, else the step's subject. */
function isInMemory({ sessions, step, look }: Known): boolean {
  if (sessions.storeName !== undefined) return sessions.storeName === 'MemoryStore';
  return step === 2 || look === undefined;
}

function paintBrowser({ cookie, session, sessions, step }: Facts): BrowserPicture {
  if (!cookie) {
    const path = pathOf(sessions.lastCookie);
    if (path !== '/') {
      const text = `The app set its cookie for paths below ${path} only. The browser does not send `
        + 'it to this page, which is at /.';
      return { text };
    }
    const text = step === 1 && sessions.cookieName === undefined
      ? 'This browser holds no session cookie, and this app sets none. In step 2 it will.'
      : 'This browser holds no session cookie. Visit the app, and it sets one.';
    return { text };
  }
  const shown = { cookie: pictureOf(cookie, sessions) };
  const set = session?.cookie;
  if (!set) {
    const text = 'How the app set this cookie was not seen. Browsers send back only name and '
      + 'value, never the attributes.';
    return { ...shown, text };
  }
  const ends = endOf(set);
  return {
    ...shown,
    attributes: set.attributes.map(([name, value]) => ({
      text: value ? `${name}=${value}` : name,
      means: meaning(name, value),
    })),
    ...ends !== undefined && { ends },
    text: ends === undefined
      ? 'Without Expires or Max-Age, the cookie ends when the browser is closed.'
      : '',
  };
}

function meaning(name: string, value: string): string {
  switch (name.toLowerCase()) {
    case 'httponly': return 'No script can read it, not even this page’s.';
    case 'path': return value === '/' ? 'Sent with every path.' : `Sent only below ${value}.`;
    case 'domain': return `Sent to ${value} and the hosts below it.`;
    case 'secure': return 'Sent only over HTTPS; many browsers make an exception for localhost.';
    case 'expires':
    case 'max-age': return 'The browser forgets it then.';
    case 'samesite': switch (value.toLowerCase()) {
      case 'lax': return 'From another site it comes along only when somebody follows a link.';
      case 'strict': return 'It never comes along with what another site has started.';
      case 'none': return 'It also comes along with what other sites start.';
    }
  }
  return '';
}

function paintThread(facts: Facts): ThreadPicture {
  const { cookie, session, secret, step, app, sessions, inMemory } = facts;
  if (!cookie) {
    return step === 1 && sessions.cookieName === undefined
      ? open('Nothing to connect yet', 'A session has two halves: an id in a cookie, and data in a '
      + 'store. In step 2 the app gets both.')
      : open('No thread', 'Without a cookie the app cannot tell which session is '
      + 'this browser’s.');
  }
  const accepted = session?.signature === cookie.signature;
  if (!fits(cookie, secret) && !accepted) {
    return broken('browser', 'The signature does not fit', 'It was not made for this id with '
      + 'the app’s secret. The app refuses the cookie without asking the store.');
  }
  if (session?.state === 'destroyed') {
    return broken('store', 'The session was destroyed', 'The app has deleted it, as in a logout. '
      + 'The cookie alone opens nothing.');
  }
  const proof = fits(cookie, secret)
    ? 'The signature fits.'
    : 'The app accepts the signature; it signs with another secret than SESSION_SECRET.';
  if (inMemory) {
    if (session && session.pid !== app.pid) {
      return broken('store', 'The memory is gone', 'The process that knew this id has ended. The '
        + 'signature still fits, but the new process knows nobody.');
    }
    return session
      ? whole(`${proof} The app knew this id at its last visit.`)
      : open('Not asked yet', `${proof} Only the app can tell whether it knows the id: visit it.`);
  }
  return threadToDocument(facts, proof);
}

function threadToDocument({ look, session, now }: Facts, proof: string): ThreadPicture {
  if (look === undefined || look instanceof Error) {
    return open('The store cannot be seen', 'So nobody can tell whether it knows the id.');
  }
  if (look.document) {
    return look.expires !== undefined && look.expires <= now
      ? broken('store', 'The session has expired', 'The document is still there, but its end has '
      + 'passed: the app no longer gets it, and MongoDB will delete it.')
      : whole(`${proof} The id in the cookie is the document’s _id.`);
  }
  if (session?.expires !== undefined && session.expires <= now) {
    return broken('store', 'The session has expired', 'MongoDB has deleted its document. '
      + 'The signature still fits, but the id leads nowhere.');
  }
  return broken('store', 'No such document', session
    ? 'The app knew this id at its last visit, yet no document has it as its _id. Was it deleted '
    + 'since, or does the store change ids (transformId)?'
    : 'The signature fits, but no document has this id as its _id: the app does not know it.');
}

function paintStore(facts: Facts): StorePicture {
  const { step, look, inMemory, sessions, cookie } = facts;
  if (step === 1 && sessions.storeName === undefined) {
    return {
      kind: 'nothing',
      title: 'Nothing yet',
      text: 'This app remembers nobody. In step 2 it keeps sessions in its memory, in step 3 in '
        + 'MongoDB: then the documents are shown here.',
    };
  }
  if (inMemory) return paintMemory(facts);
  if (look === undefined) {
    return {
      kind: 'unreachable',
      title: sessions.storeName ?? 'A store',
      text: 'This page knows no way into this store.',
    };
  }
  if (look instanceof Error) {
    const text = `MongoDB does not answer: ${look.message}`;
    return { kind: 'unreachable', title: 'MongoDB', text };
  }
  const { namespace, document, expires, ttlSeconds, count } = look;
  const index = ttlSeconds === undefined
    ? 'There is no TTL index: MongoDB deletes nothing by itself.'
    : `TTL index on expires: MongoDB deletes a document ${
      ttlSeconds === 0 ? 'once its time has come' : `${ttlSeconds} s after its time has come`}.`;
  const others = Math.max(0, count - (document ? 1 : 0));
  if (!document) {
    const text = cookie
      ? 'No document has this browser’s id.'
      : 'No document is this browser’s.';
    return { kind: 'missing', title: namespace, text, index, others };
  }
  return {
    kind: 'document',
    title: namespace,
    text: '',
    document: readable(document),
    ...expires !== undefined && { expires },
    index,
    others,
  };
}

function paintMemory({ app, session, step }: Facts): StorePicture {
  const later = step > 2 ? ' The app uses MemoryStore; this step’s store is MongoDB.' : '';
  const where = 'Sessions are in a variable of the app’s process. No other process can look into '
    + 'it, and so this page cannot either.';
  const end = session && session.pid !== app.pid
    ? ` Process ${session.pid}, which knew this browser’s session, has ended, and its memory `
    + 'with it.'
    : ' When the process ends, all its sessions are gone: restart the app, and see.';
  return {
    kind: 'memory',
    title: `The memory of process ${app.pid}`,
    text: where + end + later,
  };
}

/** The document as JSON, the string `session` parsed; whatever is too long is cut. */
export function readable(document: Document): unknown {
  return simplify({ ...document, session: parsed(document['session']) }, 0);
}

function parsed(session: unknown): unknown {
  if (typeof session !== 'string') return session;
  try {
    return JSON.parse(session);
  } catch {
    // Not JSON: the app may encrypt it.
    return session;
  }
}

const longest = { text: 300, list: 30, depth: 6 };

function simplify(value: unknown, depth: number): unknown {
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? '?' : value };
  if (typeof value === 'string' && value.length > longest.text) {
    return `${value.slice(0, longest.text)}…`;
  }
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Object)) return value;
  // An ObjectId, a Decimal128 and so on.
  if ('_bsontype' in value) return JSON.stringify(value);
  if (depth >= longest.depth) return '…';
  if (Array.isArray(value)) {
    return value.slice(0, longest.list).map((item) => simplify(item, depth + 1));
  }
  const entries = Object.entries(value).slice(0, longest.list);
  return Object.fromEntries(entries.map(([name, item]) => [name, simplify(item, depth + 1)]));
}

function pathOf(cookie: SetCookie | undefined): string {
  return cookie?.attributes.find(([name]) => name.toLowerCase() === 'path')?.[1] ?? '/';
}

function open(title: string, text: string): ThreadPicture {
  return { state: 'open', title, text };
}

function whole(text: string): ThreadPicture {
  return { state: 'whole', title: 'One session', text };
}

function broken(at: 'browser' | 'store', title: string, text: string): ThreadPicture {
  return { state: 'broken', at, title, text };
}
