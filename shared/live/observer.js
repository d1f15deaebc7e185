// @ts-check
// Loaded into the app's process before the app, which doesn't know about it. It reports the app's
// requests to our parent, using Node's own diagnostics; it never reads a body and costs the app
// hardly any time: under load, most requests are only counted. It isn't TypeScript, so that tsx
// has nothing to compile.
import { hash } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { performance } from 'node:perf_hooks';

/** @typedef {import('./report.ts').Report} Report */
/** @typedef {import('node:http').ServerResponse} Response */
/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {Request & Record<string, any>} ExpressRequest */
/** @typedef {{ id: number, at: number, start: number, response: Response, told: boolean }} Open */

/** The most reports in one message; beyond that, it holds the first ones and the last. */
const LIMIT = 50;
/** How long after a response to send its message, and the minimum interval between two, in ms. */
const SOON_MS = 10;
const APART_MS = 250;
/** How long a response may take before we report the waiting request, in ms. */
const PATIENCE_MS = 1000;
/** With more requests open than this, some aren't reported until they're answered. */
const MOST_OPEN = 500;

/** The requests without a response so far. @type {Map<Request, Open>} */
const open = new Map();
/** Reports for the next message. They don't hold on to requests, which would cost memory. */
/** @type {Report[]} */
let reports = [];
/** The latest request beyond the limit; `left` counts the others. */
/** @type {(() => Report) | undefined} */
let last;
let left = 0;
let lastId = 0;
let sentAt = -APART_MS;
let sending = false;
/** @type {NodeJS.Timeout | undefined} */
let timer;
/** @type {NodeJS.Timeout | undefined} */
let sweeper;

if (process.send) {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = exchangeOf(message);
    if (open.size < MOST_OPEN) open.set(request, begin(response));
    sweeper ??= setTimeout(sweep, PATIENCE_MS).unref();
  });
  subscribe('http.server.response.finish', (message) => {
    const { request, response } = exchangeOf(message);
    const entry = open.get(request) ?? begin(response);
    open.delete(request);
    add('answered', request, entry);
  });
}

/** @returns {{ request: ExpressRequest, response: Response }} */
function exchangeOf(/** @type {any} */ message) {
  return message;
}

/** @returns {Open} */
function begin(/** @type {Response} */ response) {
  return { id: ++lastId, at: Date.now(), start: performance.now(), response, told: false };
}

/** @param {Report['state']} state @param {ExpressRequest} request @param {Open} entry */
function add(state, request, entry) {
  const ms = Math.round(performance.now() - entry.start);
  if (reports.length < LIMIT - 1) {
    reports.push(describe(state, request, entry, ms));
  } else {
    if (last) left++;
    last = () => describe(state, request, entry, ms);
  }
  if (timer === undefined && !sending) schedule();
}

function schedule() {
  timer = setTimeout(send, Math.max(SOON_MS, sentAt + APART_MS - performance.now())).unref();
}

function send() {
  timer = undefined;
  if (!process.connected) return;
  if (last) reports.push(last());
  const message = { type: 'live picture', left, reports };
  reports = [];
  last = undefined;
  left = 0;
  sentAt = performance.now();
  sending = true;
  // While the channel is busy, requests beyond the limit are counted, not queued.
  process.send?.(message, undefined, undefined, () => {
    sending = false;
    if (reports.length > 0) schedule();
  });
}

/** Reports requests that are still waiting, or whose client has gone. */
function sweep() {
  sweeper = undefined;
  for (const [request, entry] of open) {
    if (entry.response.destroyed || request.socket.destroyed) {
      open.delete(request);
      add('given up', request, entry);
    } else if (!entry.told && performance.now() - entry.start >= PATIENCE_MS) {
      entry.told = true;
      add('waiting', request, entry);
    }
  }
  if (open.size > 0) sweeper = setTimeout(sweep, PATIENCE_MS).unref();
}

/**
 * @param {Report['state']} state @param {ExpressRequest} request @param {Open} entry
 * @param {number} ms @returns {Report}
 */
function describe(state, request, { id, at, response }, ms) {
  const { cookie, origin, 'sec-fetch-site': site } = request.headers;
  return {
    id, pid: process.pid, at, ms, state,
    method: request.method ?? '',
    url: String(request.originalUrl ?? request.url).slice(0, 500),
    status: state === 'answered' ? response.statusCode : undefined,
    cookie, origin, site: site?.toString(),
    setCookie: [response.getHeader('set-cookie') ?? []].flat().map(String),
    session: describeSession(request),
  };
}

/**
 * The session that express-session left in the request: of its data, only the user and a hash.
 * @param {ExpressRequest} request @returns {Report['session']}
 */
function describeSession({ sessionID: id, session, sessionStore }) {
  try {
    if (typeof id !== 'string') return undefined;
    const store = sessionStore?.constructor?.name;
    if (!(session instanceof Object)) return { id, alive: false, regenerated: false, store };
    const { user } = session;
    return {
      id,
      alive: true,
      // express-session gives every session that it loads or creates its own `save`, except for
      // one made by `regenerate()`.
      regenerated: !Object.hasOwn(session, 'save'),
      fingerprint: fingerprint(session),
      user: typeof user === 'string' ? user.slice(0, 40) : undefined,
      store,
    };
  } catch {
    // The app has put something else there.
    return undefined;
  }
}

/**
 * A hash that changes with the data. connect-mongo may add `lastModified` on a read: no change.
 * @param {Record<string, unknown>} session
 */
function fingerprint({ cookie, lastModified, ...data }) {
  return hash('sha1', JSON.stringify(data), 'base64');
}
