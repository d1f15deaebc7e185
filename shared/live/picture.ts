import { attributesOf, endOf, fits, type SessionCookie } from './cookie.ts';
import { markOf, pictureOf, type CookiePicture, type Mark } from './exchange.ts';
import type { KnownSession, Sessions } from './sessions.ts';
import { parse, type Look } from './store.ts';

/** What the page shows of the viewing browser's session at one moment. */
export interface Picture {
  browser: BrowserPicture;
  link: LinkPicture;
  store: StorePicture;
}

export interface BrowserPicture {
  cookie?: CookiePicture;
  /** The attributes as the app set them, each with its effect; undefined: not seen. */
  attributes?: { text: string; means: string }[];
  /** When the browser discards the cookie, in ms since 1970; undefined: when it's closed. */
  ends?: number | undefined;
  text: string;
}

/** Whether the id in the cookie leads to a session. */
export interface LinkPicture {
  /** `open`: there's nothing to connect, or the state is unknown. */
  state: 'open' | 'whole' | 'broken';
  /** The end at which the link is broken. */
  at?: 'browser' | 'store';
  title: string;
  text: string;
}

export interface StorePicture {
  kind: 'nothing' | 'memory' | 'document' | 'missing' | 'unreachable';
  /** Where the sessions are stored. */
  title: string;
  text: string;
  /** The document, ready for JSON; dates are `{ $date: … }`. */
  document?: unknown;
  /** The parsed content of its field `session`, if that's a string of JSON. */
  session?: unknown;
  /** When it expires, in ms since 1970. */
  expires?: number | undefined;
  /** What deletes it then. */
  index?: string;
  /** How many other sessions there are. */
  others?: number;
  /** The names of the accounts, in order of creation. */
  accounts?: string[];
  /** Who is logged in, with the label of the session that names the login. */
  logins?: { id: string; user: string; since?: number; mark?: Mark; isOwn: boolean }[];
}

/** The state of the app's process. */
export interface AppState {
  state: 'running' | 'stopped' | 'crashed';
  pid: number;
}

/** What we know when a browser asks for its picture. */
export interface Known {
  readonly step: number;
  /** The viewing browser's session cookie. */
  readonly cookie: SessionCookie | undefined;
  readonly sessions: Sessions;
  readonly app: AppState;
  /** The database's content; an error if it doesn't respond; undefined if there is none. */
  readonly look: Look | Error | undefined;
}

export function paint(known: Known): Picture {
  const session = known.sessions.find(known.cookie?.id);
  const facts = { ...known, session, inMemory: isInMemory(known) };
  return { browser: paintBrowser(facts), link: paintLink(facts), store: paintStore(facts) };
}

interface Facts extends Known {
  session: KnownSession | undefined;
  inMemory: boolean;
}

/** Where the app keeps its sessions: what it was seen to use, else what the step is about. */
function isInMemory({ sessions, step, look }: Known): boolean {
  if (sessions.storeName !== undefined) return sessions.storeName === 'MemoryStore';
  return step === 2 || look === undefined;
}

function paintBrowser({ cookie, session, sessions, step }: Facts): BrowserPicture {
  if (!cookie) {
    const { path = '/' } = sessions.lastCookie ?? {};
    if (path !== '/') {
      return {
        text: `The app set its cookie only for paths below ${path}. This page isn’t below it, so `
          + 'the browser doesn’t send the cookie here.',
      };
    }
    return {
      text: step === 1 && sessions.cookieName === undefined
        ? 'This browser holds no session cookie, and this app sets none. In step 2 it will.'
        : 'This browser holds no session cookie. Visit the app, and it sets one.',
    };
  }
  const shown = pictureOf(cookie, sessions);
  const set = session?.cookie;
  if (!set) {
    const text = 'This page didn’t see how the app set this cookie. Browsers send back only the '
      + 'name and the value, never the attributes.';
    return { cookie: shown, text };
  }
  const ends = endOf(set);
  return {
    cookie: shown,
    attributes: attributesOf(set).map((text) => ({ text, means: meaning(text) })),
    ends,
    text: ends === undefined
      ? 'No Expires or Max-Age: it ends with the browser. One that reopens its windows may keep it.'
      : '',
  };
}

function meaning(attribute: string): string {
  const [name = '', value = ''] = attribute.split('=');
  switch (name) {
    case 'HttpOnly': return 'No script can read it, not even this page’s.';
    case 'Path': return value === '/' ? 'Sent with every path.' : `Sent only below ${value}.`;
    case 'Domain': return `Sent to ${value} and the hosts below it.`;
    case 'Secure': return 'Sent only over HTTPS; many browsers make an exception for localhost.';
    case 'Expires':
    case 'Max-Age': return 'Then the browser forgets it.';
    case 'Partitioned': return 'Kept apart for each site that embeds the app.';
    case 'SameSite': switch (value) {
      case 'Lax': return 'From another site it’s sent only when a link, or another GET, takes the '
        + 'browser to the app.';
      case 'Strict': return 'It’s never sent with what another site starts.';
      case 'None': return 'It’s sent with what other sites start, too.';
    }
  }
  return '';
}

function paintLink(facts: Facts): LinkPicture {
  const { cookie, session, step, app, sessions, inMemory } = facts;
  if (!cookie) {
    return step === 1 && sessions.cookieName === undefined
      ? open('Nothing to link yet', 'A session has two halves: an id in a cookie, and data in a '
      + 'store. In step 2 the app gets both.')
      : open('No link', 'Without a cookie the app can’t tell which session belongs to this '
      + 'browser.');
  }
  if (!sessions.accepts(cookie)) {
    return broken('browser', 'The signature doesn’t fit', 'It wasn’t made for this id with the '
      + 'app’s secret. The app refuses the cookie without asking the store.');
  }
  if (session?.state === 'destroyed') {
    return broken('store', 'The session was destroyed', 'The app has deleted it, as a logout '
      + 'does. The cookie alone opens nothing.');
  }
  if (session?.state === 'replaced') {
    return broken('store', 'The id was replaced', 'At the login the app gave its visitor a new '
      + 'id. This old one opens nothing any more.');
  }
  const proof = fits(cookie, sessions.secret)
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
  return linkToDocument(facts, proof);
}

function linkToDocument({ look, session }: Facts, proof: string): LinkPicture {
  if (look === undefined || look instanceof Error) {
    return open('The store can’t be seen', 'So nobody can tell whether it knows the id.');
  }
  const now = Date.now();
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
    ? 'The app knew this id at its last visit, yet no document of this database has it as its '
    + '_id. Was it deleted since? Does the store change ids (transformId), or use another '
    + 'database (dbName)?'
    : 'The signature fits, but no document has this id as its _id: the app doesn’t know it.');
}

function paintStore(facts: Facts): StorePicture {
  const { step, look, inMemory, sessions, cookie, session } = facts;
  if (step === 1 && sessions.storeName === undefined) {
    return {
      kind: 'nothing',
      title: 'Nothing yet',
      text: 'This app remembers nobody. In step 2 it keeps sessions in its memory, and from step 3 '
        + 'on in MongoDB, where you can see the documents.',
    };
  }
  if (inMemory) return paintMemory(facts);
  if (look === undefined) {
    const text = 'This page can’t look into this store.';
    return { kind: 'unreachable', title: sessions.storeName ?? 'A store', text };
  }
  if (look instanceof Error) {
    const text = `MongoDB doesn’t answer: ${look.message}`;
    return { kind: 'unreachable', title: 'MongoDB', text };
  }
  const { document, expires, ttlSeconds, count, accounts, logins } = look;
  const shown = {
    title: look.namespace,
    index: ttlSeconds === undefined
      ? 'There’s no TTL index: MongoDB deletes nothing by itself.'
      : `TTL index on expires: MongoDB deletes a document ${
        ttlSeconds === 0 ? 'soon after that' : `${ttlSeconds} s after that`}.`,
    others: Math.max(0, count - (document ? 1 : 0)),
    ...accounts.length > 0 && { accounts },
    ...logins.length > 0 && {
      logins: logins.map(({ session: id, ...login }) => {
        const known = sessions.find(id);
        const isOwn = id !== undefined && id === session?.id;
        return { ...login, ...known && { mark: markOf(known) }, isOwn };
      }),
    },
  };
  if (!document) {
    const text = `No document ${cookie ? 'has this browser’s id' : 'belongs to this browser'}.`;
    return { kind: 'missing', text, ...shown };
  }
  return {
    kind: 'document',
    text: '',
    document: readable(document),
    session: readable(parse(document['session'])),
    expires,
    ...shown,
  };
}

function paintMemory({ app, session, step }: Facts): StorePicture {
  const where = 'Sessions are in a variable of the app’s process. No other process can look into '
    + 'it, and so this page can’t either.';
  const end = session && session.pid !== app.pid
    ? ` Process ${session.pid}, which knew this browser’s session, has ended, and its memory `
    + 'with it.'
    : ' When the process ends, all its sessions are gone: restart the app, and see.';
  const later = step > 2 ? ' The app uses MemoryStore; this step’s store is MongoDB.' : '';
  return { kind: 'memory', title: `The memory of process ${app.pid}`, text: where + end + later };
}

const most = { text: 300, name: 60, entries: 30, depth: 6 };

/** Converts a database value for JSON. Long values are cut, and say so. */
export function readable(value: unknown, depth = 0): unknown {
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? '?' : value };
  if (typeof value === 'string') return cut(value, most.text);
  if (typeof value === 'bigint') return String(value);
  if (!(value instanceof Object)) return value;
  // An ObjectId, a Decimal128 and the like.
  if ('_bsontype' in value) return JSON.stringify(value);
  if (depth >= most.depth) return '…';
  const entries = Object.entries(value);
  const shown = entries.slice(0, most.entries)
    .map(([name, item]) => [cut(name, most.name), readable(item, depth + 1)] as const);
  const more = entries.length - shown.length;
  if (more > 0) shown.push(['…', `and ${more} more`]);
  return Array.isArray(value) ? shown.map(([, item]) => item) : Object.fromEntries(shown);
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

function open(title: string, text: string): LinkPicture {
  return { state: 'open', title, text };
}

function whole(text: string): LinkPicture {
  return { state: 'whole', title: 'One session', text };
}

function broken(at: 'browser' | 'store', title: string, text: string): LinkPicture {
  return { state: 'broken', at, title, text };
}
