import {
  attributesOf, endOf, findSessionCookie, fits, readCookies, readSessionCookie, readSetCookie,
  type SessionCookie, type SetCookie,
} from './cookie.ts';
import type { Report } from './report.ts';
import type { KnownSession, Sessions } from './sessions.ts';

/** What a request did to a session; `forbidden` means that the app refused the request. */
export type Outcome = 'created' | 'read' | 'changed' | 'extended' | 'renewed id' | 'destroyed'
  | 'refused' | 'forbidden';

/** A session's label and colour: the same all over the page. */
export type Mark = Pick<KnownSession, 'label' | 'number' | 'user'>;

/** A session cookie as shown on the page. */
export interface CookiePicture {
  name: string;
  /** The value, as transmitted, is `s%3A` + id + `.` + signature. */
  id: string;
  signature: string;
  mark?: Mark;
}

/** One request to the app, as shown on the page. */
export interface Exchange extends Pick<Report, 'at' | 'ms' | 'state' | 'method' | 'status'> {
  /** Identifies an exchange. A later report with the same key replaces it. */
  key: string;
  path: string;
  cookie?: CookiePicture | undefined;
  /** The names of the other cookies. Their values are private. */
  otherCookies: string[];
  setCookie?: CookiePicture & { attributes: string } | undefined;
  /** The headers that say what made the browser send the request, if that matters. */
  from?: string | undefined;
  outcomes: Outcome[];
  /** What happened, in a sentence. */
  text: string;
  mark?: Mark | undefined;
}

/** Turns a report into an exchange for the page, and records what it says about the session. */
export function describeExchange(report: Report, sessions: Sessions): Exchange {
  const setCookie = findSetCookie(report, sessions);
  if (setCookie) sessions.cookieName = setCookie.name;
  if (report.session?.store !== undefined) sessions.storeName = report.session.store;

  const cookie = findSessionCookie(report.cookie, sessions.cookieName);
  const { outcomes, text, session } = judge({ report, cookie, setCookie, sessions });
  const { pid, id, at, ms, state, method, url: path, status } = report;
  return {
    key: `${pid}.${id}`,
    at, ms, state, method, path, status,
    cookie: cookie && pictureOf(cookie, sessions),
    otherCookies: [...readCookies(report.cookie).keys()].filter((name) => name !== cookie?.name)
      .slice(0, 10),
    setCookie: setCookie && {
      ...pictureOf({ name: setCookie.name, raw: setCookie.value }, sessions),
      attributes: attributesOf(setCookie).join('; '),
    },
    from: originOf(report),
    outcomes,
    text,
    mark: session && markOf(session),
  };
}

export function markOf({ label, number, user }: KnownSession): Mark {
  return { label, number, ...user !== undefined && { user } };
}

/** A cookie as the page shows it. If it has been cleared, id and signature are empty. */
export function pictureOf(
  { name, raw = '' }: { name: string; raw?: string | undefined },
  sessions: Sessions,
): CookiePicture {
  const known = sessions.find(readSessionCookie(name, raw)?.id);
  // As transmitted.
  const [, id = '', signature = ''] = /^(?:s:|s%3A)(.*)\.(.*)$/i.exec(raw) ?? [];
  return { name, id, signature, ...known && { mark: markOf(known) } };
}

interface Facts {
  report: Report;
  sessions: Sessions;
  cookie: SessionCookie | undefined;
  setCookie: SetCookie | undefined;
}

interface Judgement {
  outcomes: Outcome[];
  text: string;
  session?: KnownSession | undefined;
}

function judge(facts: Facts): Judgement {
  const { report: { state, status }, cookie, sessions } = facts;
  if (state !== 'answered') {
    const text = state === 'waiting'
      ? 'The app hasn’t answered yet. Does every path of its code send a response?'
      : 'The visitor gave up before the app had answered.';
    return { outcomes: [], text, session: sessions.find(cookie?.id) };
  }
  const judgement = judgeSession(facts);
  if (status !== 403) return judgement;
  return {
    ...judgement,
    outcomes: ['forbidden', ...judgement.outcomes],
    text: `The app refused this request. ${judgement.text}`,
  };
}

function judgeSession(facts: Facts): Judgement {
  const { report, cookie, setCookie, sessions } = facts;
  const { session } = report;
  if (!session) {
    return { outcomes: [], text: cookie ? 'It didn’t look at the session cookie.' : '' };
  }
  if (!session.alive) return judgeEnd(facts, session.id);
  if (session.id !== cookie?.id) return judgeNew(facts, session.id);

  const before = sessions.find(session.id)?.fingerprint;
  const known = note(facts, cookie);
  let outcome: Outcome = 'read';
  let text = 'The app read the session.';
  if (before === undefined) {
    text = 'The app found the session, which is older than this picture.';
  } else if (before !== session.fingerprint) {
    outcome = 'changed';
    text = 'The app found the session and changed its data.';
  }
  if (!setCookie) return { outcomes: [outcome], text, session: known };
  text += ' The cookie was set again.';
  return { outcomes: [outcome, 'extended'], text, session: known };
}

/** The request ended with a different session than it came with. */
function judgeNew(facts: Facts, id: string): Judgement {
  const { report, cookie, setCookie, sessions } = facts;
  const fresh = setCookie && readSessionCookie(setCookie.name, setCookie.value);
  const old = sessions.find(cookie?.id);
  const reason = cookie && reasonToRefuse(facts, cookie);
  const isRenewal = cookie && report.session?.regenerated === true && reason === undefined;
  const refusal = cookie && !isRenewal
    ? `The app refused the cookie: ${reason ?? 'its store has no session with that id.'}`
    : '';
  if (fresh?.id !== id) {
    if (refusal) return { outcomes: ['refused'], text: refusal, session: old };
    return { outcomes: [], text: 'Nothing was stored for this visitor, so no cookie was set.' };
  }
  const known = note(facts, fresh);
  if (isRenewal) {
    const before = old ? `Session ${old.label}` : 'The old session';
    if (old) old.state = 'replaced';
    const text = `The app gave this visitor a new id, as it should at a login. ${before} is gone, `
      + `and session ${known.label} takes its place.`;
    return { outcomes: ['renewed id'], text, session: known };
  }
  if (refusal) {
    const text = `${refusal} It created a new one.`;
    return { outcomes: ['refused', 'created'], text, session: known };
  }
  const text = 'A new visitor: the app created a session and set its cookie.';
  return { outcomes: ['created'], text, session: known };
}

/** The request destroyed the session or set it to null. */
function judgeEnd({ report, cookie, setCookie, sessions }: Facts, id: string): Judgement {
  const known = sessions.find(cookie?.id);
  const cleared = setCookie?.value === '' ? ' It told the browser to forget the cookie.' : '';
  if (cookie?.id !== id) {
    const text = cookie && !fits(cookie, sessions.secret)
      ? 'The signature doesn’t fit, so there was no session to destroy.'
      : 'There was no session to destroy.';
    return { outcomes: [], text: text + cleared, session: known };
  }
  if ((report.status ?? 0) >= 500) {
    const text = 'The app answered with an error, and the request was left without its session. '
      + 'The store shows whether the session is still there.';
    return { outcomes: [], text: text + cleared, session: known };
  }
  if (known) known.state = 'destroyed';
  const kept = setCookie ? '' : ' The browser keeps its cookie, which now leads nowhere.';
  const text = `The app destroyed the session.${cleared}${kept}`;
  return { outcomes: ['destroyed'], text, session: known };
}

/** Records that the app has used a session, and how. */
function note({ report, setCookie, sessions }: Facts, cookie: SessionCookie): KnownSession {
  const known = sessions.use(cookie.id, report.pid);
  const { fingerprint, user } = report.session ?? {};
  Object.assign(known, { state: 'alive', signature: cookie.signature, fingerprint, user });
  if (setCookie) {
    known.cookie = setCookie;
    sessions.lastCookie = setCookie;
  }
  return known;
}

/** Why the app can't have accepted a cookie, as far as we know. */
function reasonToRefuse({ report, sessions }: Facts, cookie: SessionCookie): string | undefined {
  const old = sessions.find(cookie.id);
  if (!sessions.accepts(cookie)) return 'its signature doesn’t fit.';
  if (old?.state === 'destroyed') return 'its session was destroyed.';
  if (old?.state === 'replaced') return 'its session was replaced by one with a new id.';
  if (old?.expires !== undefined && old.expires <= report.at) return 'its session has expired.';
  if (old && old.pid !== report.pid && sessions.storeName === 'MemoryStore') {
    return 'the memory that held its session ended with the process.';
  }
  return undefined;
}

/** The session's Set-Cookie header: it has a session cookie's value, or clears the cookie. */
function findSetCookie({ setCookie }: Report, sessions: Sessions): SetCookie | undefined {
  const name = sessions.cookieName ?? 'connect.sid';
  // If there are two for the same cookie, the later one wins in the browser.
  return setCookie.map(readSetCookie).findLast((cookie) =>
    readSessionCookie(cookie.name, cookie.value) !== undefined
    || (cookie.name === name && (endOf(cookie) ?? Infinity) <= Date.now()));
}

/** The origin headers of a request that was refused, or made by another origin's page. */
function originOf({ status, method, origin, site }: Report): string | undefined {
  const isForeign = !['GET', 'HEAD'].includes(method) && site !== undefined
    && !['same-origin', 'none'].includes(site);
  if (status !== 403 && !isForeign) return undefined;
  return `Origin: ${origin ?? '(not sent)'}, Sec-Fetch-Site: ${site ?? '(not sent)'}`;
}
