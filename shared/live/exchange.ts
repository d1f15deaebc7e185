import {
  endOf, findSessionCookie, fits, readSessionCookie, readSetCookie,
  type SessionCookie, type SetCookie,
} from './cookie.ts';
import type { Report } from './report.ts';
import type { KnownSession, Sessions } from './sessions.ts';

/** What a request did to a session. */
export type Outcome = 'created' | 'read' | 'changed' | 'renewed' | 'destroyed' | 'refused';

/** A session's mark: the same on the whole page. */
export interface Mark {
  label: string;
  /** Counts the sessions from 0. */
  number: number;
}

/** A session cookie as the page shows it. */
export interface CookiePicture {
  name: string;
  /** The value, as it travels, is `s%3A` + id + `.` + signature. */
  id: string;
  signature: string;
  mark?: Mark;
}

/** One request to the app, as the page shows it. */
export interface Exchange {
  /** Tells exchanges apart. One that is told again replaces itself. */
  key: string;
  at: number;
  ms: number;
  state: Report['state'];
  method: string;
  path: string;
  status?: number;
  came?: CookiePicture;
  /** The names of other cookies that came. Their values are nobody's business here. */
  otherCookies: string[];
  went?: CookiePicture & { attributes: string };
  outcomes: Outcome[];
  /** What happened, in a sentence. */
  text: string;
  mark?: Mark;
}

export interface Context {
  readonly sessions: Sessions;
  readonly secret: string;
}

/** Turns a report into what the page shows, and notes what it tells about the session. */
export function tell(report: Report, { sessions, secret }: Context): Exchange {
  const went = findSetCookie(report, sessions);
  if (went && went.name !== sessions.cookieName) sessions.cookieName = went.name;
  if (report.session?.store !== undefined) sessions.storeName = report.session.store;

  const came = findSessionCookie(report.cookie, sessions.cookieName);
  const facts = { report, came, went, sessions, secret };
  const { outcomes, text, session } = report.state === 'answered' ? judge(facts) : pending(facts);
  return {
    key: `${report.pid}.${report.id}`,
    at: report.at,
    ms: report.ms,
    state: report.state,
    method: report.method,
    path: report.url,
    ...report.status !== undefined && { status: report.status },
    ...came && { came: picture(came, sessions) },
    otherCookies: otherNames(report, came),
    ...went && { went: wentPicture(went, sessions) },
    outcomes,
    text,
    ...session && { mark: markOf(session) },
  };
}

export function markOf({ label, number }: KnownSession): Mark {
  return { label, number };
}

export function picture(cookie: SessionCookie, sessions: Sessions): CookiePicture {
  const known = sessions.find(cookie.id);
  const [id, signature] = splitRaw(cookie.raw);
  return { name: cookie.name, id, signature, ...known && { mark: markOf(known) } };
}

interface Facts extends Context {
  report: Report;
  came: SessionCookie | undefined;
  went: SetCookie | undefined;
}

interface Judgement {
  outcomes: Outcome[];
  text: string;
  session?: KnownSession | undefined;
}

function pending({ report, came, sessions }: Facts): Judgement {
  const text = report.state === 'waiting'
    ? 'The app has not answered yet. Does every path of its code send a response?'
    : 'The visitor gave up before the app had answered.';
  return { outcomes: [], text, session: sessions.find(came?.id) };
}

function judge(facts: Facts): Judgement {
  const { report, came, went, sessions } = facts;
  const { session } = report;
  if (!session) {
    const text = came ? 'The app did not look at the session cookie.' : '';
    return { outcomes: [], text, session: undefined };
  }
  if (!session.alive) return judgeEnd(facts, session.id);
  const cookie = went && readSessionCookie(went.name, went.raw);
  if (session.id !== came?.id) return judgeNew(facts, session.id, cookie);

  const known = sessions.use(session.id, report.pid);
  const before = known.fingerprint;
  known.state = 'alive';
  known.signature = came.signature;
  if (session.fingerprint !== undefined) known.fingerprint = session.fingerprint;
  if (went) rememberCookie(sessions, known, went);
  const renewed: Outcome[] = cookie ? ['renewed'] : [];
  const alsoCookie = cookie ? ' The cookie was set anew.' : '';
  if (before === undefined) {
    const text = `The app found the session. It is older than this picture.${alsoCookie}`;
    return { outcomes: ['read', ...renewed], text, session: known };
  }
  return before === session.fingerprint
    ? { outcomes: ['read', ...renewed], text: `The session was read.${alsoCookie}`, session: known }
    : {
        outcomes: ['changed', ...renewed],
        text: `The app found the session and changed its data.${alsoCookie}`,
        session: known,
      };
}

/** express-session made a new session for this request. */
function judgeNew(facts: Facts, id: string, cookie: SessionCookie | undefined): Judgement {
  const { report, came, went, sessions } = facts;
  const old = sessions.find(came?.id);
  const refusal = came && whyRefused(facts, came, old);
  if (!went || cookie?.id !== id) {
    if (refusal) return { outcomes: ['refused'], text: refusal, session: old };
    const text = 'Nothing was stored for this visitor, so no cookie was set.';
    return { outcomes: [], text, session: undefined };
  }
  const known = sessions.use(id, report.pid);
  known.state = 'alive';
  known.signature = cookie.signature;
  if (report.session?.fingerprint !== undefined) known.fingerprint = report.session.fingerprint;
  rememberCookie(sessions, known, went);
  if (!refusal) {
    const text = 'A new visitor: the app created a session and set its cookie.';
    return { outcomes: ['created'], text, session: known };
  }
  const text = `${refusal} It created a new session.`;
  return { outcomes: ['refused', 'created'], text, session: known };
}

/** The session was destroyed, or set to null, in this request. */
function judgeEnd({ report, came, went, sessions, secret }: Facts, id: string): Judgement {
  const known = sessions.find(came?.id);
  const cleared = went?.raw === '' ? ' The browser was told to forget the cookie.' : '';
  if (came?.id !== id) {
    const text = came && !fits(came, secret)
      ? 'The signature does not fit, so there was no session to destroy.'
      : 'There was no session to destroy.';
    return { outcomes: [], text: text + cleared, session: known };
  }
  if ((report.status ?? 0) >= 500) {
    const text = 'The app answered with an error, and the request was left without its session. '
      + 'The store shows whether the session is still there.';
    return { outcomes: [], text: text + cleared, session: known };
  }
  if (known) known.state = 'destroyed';
  const kept = went ? '' : ' The browser keeps its cookie, which now leads nowhere.';
  const text = `The app destroyed the session.${cleared}${kept}`;
  return { outcomes: ['destroyed'], text, session: known };
}

function whyRefused(
  { report, secret, sessions }: Facts,
  came: SessionCookie,
  old: KnownSession | undefined,
): string {
  if (!fits(came, secret) && old?.signature !== came.signature) {
    return 'The app refused the cookie: its signature does not fit.';
  }
  if (old?.state === 'destroyed') return 'The app refused the cookie: its session was destroyed.';
  if (old?.expires !== undefined && old.expires <= report.at) {
    return 'The app refused the cookie: its session has expired.';
  }
  if (old && old.pid !== report.pid && sessions.storeName === 'MemoryStore') {
    return 'The app refused the cookie: the memory that held its session ended with the process.';
  }
  return 'The app refused the cookie: its store has no session of that id.';
}

/** The Set-Cookie header of the session: one with a session cookie's value, or that clears it. */
function findSetCookie({ setCookie }: Report, sessions: Sessions): SetCookie | undefined {
  const cookies = setCookie.map(readSetCookie).filter((cookie) => cookie !== undefined);
  const name = sessions.cookieName ?? 'connect.sid';
  // Of two for the same cookie, the browser obeys the later one.
  return cookies.findLast((cookie) =>
    readSessionCookie(cookie.name, cookie.raw) !== undefined
    || (cookie.name === name && (endOf(cookie) ?? Infinity) <= Date.now()));
}

function rememberCookie(sessions: Sessions, session: KnownSession, cookie: SetCookie): void {
  session.cookie = cookie;
  sessions.lastCookie = cookie;
}

function wentPicture(went: SetCookie, sessions: Sessions): CookiePicture & { attributes: string } {
  const cookie = readSessionCookie(went.name, went.raw);
  const attributes = went.attributes
    .map(([name, value]) => value ? `${name}=${value}` : name)
    .join('; ');
  const shown = cookie ? picture(cookie, sessions) : { name: went.name, id: '', signature: '' };
  return { ...shown, attributes };
}

function otherNames({ cookie }: Report, came: SessionCookie | undefined): string[] {
  const names = (cookie?.split(';') ?? []).map((pair) => pair.split('=')[0]?.trim() ?? '');
  return [...new Set(names)].filter((name) => name !== '' && name !== came?.name).slice(0, 10);
}

/** The id and the signature of a session cookie's value, as they travel. */
function splitRaw(raw: string): [id: string, signature: string] {
  const start = raw.startsWith('s:') ? 2 : 's%3A'.length;
  const dot = raw.lastIndexOf('.');
  return [raw.slice(start, dot), raw.slice(dot + 1)];
}
