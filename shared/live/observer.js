// Loaded into the app's process before the app, which knows nothing of it: reports the requests
// that the app answers to the runner. It listens where Node itself tells about them, never reads
// a body, and takes next to nothing of the app's time: under load, most requests are only counted.
// It is not TypeScript, so that tsx has nothing to compile.
import { hash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';

/** How many exchanges a message holds at most; of more, the first ones and the last. */
const LIMIT = 50;
/** How long after an exchange its message is sent, and the least time between two, in ms. */
const SOON_MS = 10;
const APART_MS = 250;
/** After how long an answer that has not come is worth telling, in ms. */
const PATIENCE_MS = 1000;
/** Of more requests than these at once, some are not told about before they are answered. */
const MOST_OPEN = 500;

/** The requests without an answer so far, with `{ id, at, response, told }`. */
const open = new Map();
/** What the next message will hold. Requests are not kept for it: that would cost memory. */
let exchanges = [];
/** The latest one beyond the limit, and how many others there were. */
let last;
let left = 0;
let lastId = 0;
let sentAt = 0;
let timer;
let sweeper;
let sending = false;

if (process.send) {
  subscribe('http.server.request.start', ({ request, response }) => {
    if (open.size >= MOST_OPEN) return;
    open.set(request, { id: ++lastId, at: Date.now(), response, told: false });
    sweeper ??= setTimeout(sweep, PATIENCE_MS).unref();
  });
  subscribe('http.server.response.finish', ({ request, response }) => {
    const { id, at } = open.get(request) ?? { id: ++lastId, at: Date.now() };
    open.delete(request);
    add({ id, at, ms: Date.now() - at, state: 'answered', request, response });
  });
}

function add(exchange) {
  if (exchanges.length < LIMIT - 1) {
    exchanges.push(describe(exchange));
  } else {
    if (last) left++;
    last = exchange;
  }
  if (timer === undefined && !sending) schedule();
}

function schedule() {
  const delay = Math.max(SOON_MS, sentAt + APART_MS - Date.now());
  timer = setTimeout(send, delay).unref();
}

function send() {
  timer = undefined;
  if (!process.connected) return;
  if (last) exchanges.push(describe(last));
  const message = { type: 'exchanges', pid: process.pid, left, exchanges };
  exchanges = [];
  last = undefined;
  left = 0;
  sentAt = Date.now();
  sending = true;
  // While the channel is busy, what is beyond the limit is counted, not queued.
  process.send(message, undefined, undefined, () => {
    sending = false;
    if (exchanges.length > 0) schedule();
  });
}

/** Tells about requests that nobody answers, or that nobody waits for any more. */
function sweep() {
  sweeper = undefined;
  const now = Date.now();
  for (const [request, entry] of open) {
    const { id, at, response, told } = entry;
    const ms = now - at;
    if (response.destroyed || request.socket?.destroyed) {
      open.delete(request);
      add({ id, at, ms, state: 'given up', request, response });
    } else if (!told && ms >= PATIENCE_MS) {
      entry.told = true;
      add({ id, at, ms, state: 'waiting', request, response });
    }
  }
  if (open.size > 0) sweeper = setTimeout(sweep, PATIENCE_MS).unref();
}

function describe({ id, at, ms, state, request, response }) {
  return {
    id,
    at,
    ms,
    state,
    method: request.method,
    url: String(request.originalUrl ?? request.url).slice(0, 500),
    status: state === 'answered' ? response.statusCode : undefined,
    cookie: request.headers.cookie,
    setCookie: [response.getHeader('set-cookie') ?? []].flat().map(String),
    session: describeSession(request),
  };
}

/** What express-session has left in the request. Of the data, only whether it changed. */
function describeSession(request) {
  try {
    const { sessionID: id, session, sessionStore: store } = request;
    if (typeof id !== 'string') return undefined;
    return {
      id,
      alive: session instanceof Object,
      fingerprint: session instanceof Object ? fingerprint(session) : undefined,
      store: store?.constructor?.name,
    };
  } catch {
    // The app put something else in that place.
    return undefined;
  }
}

/** Tells whether data changed. connect-mongo may add `lastModified` when it reads: no change. */
function fingerprint(session) {
  const { cookie, lastModified, ...data } = session;
  return hash('sha1', JSON.stringify(data), 'base64');
}
