import type { IncomingHttpHeaders } from 'node:http';
import type { App } from '../app/app.ts';
import {
  endOf, readSetCookie, tampered, writeSetCookie, type SessionCookie, type SetCookie,
} from './cookie.ts';
import type { History } from './history.ts';
import type { Sessions } from './sessions.ts';
import type { StoreWindow } from './store.ts';

/** What a button does: headers for the browser that pressed it, and what to show now. */
export interface Effect {
  setCookies?: string[];
  text: string;
}

/** What the buttons need. */
export interface ActionContext {
  readonly app: App;
  readonly appPort: number;
  readonly history: History;
  readonly store: StoreWindow | undefined;
  /** The second visitor's cookies. */
  readonly jar: Map<string, string>;
  /** The headers of the browser that pressed the button, and its session cookie. */
  readonly headers: IncomingHttpHeaders;
  readonly cookie: SessionCookie | undefined;
}

type Action = (context: ActionContext) => Effect | Promise<Effect>;

const noCookie = { text: 'This browser holds no session cookie. Visit the app first.' };

/** The page's buttons, by the path they post to. */
export const actions: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['visit', async (context) => {
    const { cookie, 'user-agent': agent } = context.headers;
    const { answer, setCookies } = await visit(context, cookie, agent);
    // Without a Path, the browser would use this page's.
    const kept = setCookies.map(readSetCookie).map((cookie) => ({ path: '/', ...cookie }));
    return { text: answer, setCookies: kept.map(writeSetCookie) };
  }],

  ['visitor', async (context) => {
    const { jar } = context;
    const cookies = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const { answer, setCookies } = await visit(context, cookies, 'second visitor');
    for (const { name, value = '', ...rest } of setCookies.map(readSetCookie)) {
      if ((endOf({ name, value, ...rest }) ?? Infinity) <= Date.now()) jar.delete(name);
      else jar.set(name, value);
    }
    const whose = jar.size > 0
      ? 'It has a cookie and a session of its own, like a private window.'
      : 'It got no cookie, so the app can’t tell it from you.';
    return { text: `A second visitor came. ${answer} ${whose}` };
  }],

  ['forget', ({ history: { sessions }, cookie }) => {
    if (!cookie) return noCookie;
    const forgotten = { ...asItWasSet(cookie, sessions), value: '', maxAge: 0 };
    return {
      setCookies: [writeSetCookie({ ...forgotten, expires: new Date(0) })],
      text: 'The browser has forgotten its cookie. The session is still there, but nobody shows '
        + 'its id any more: at your next visit you’re new.',
    };
  }],

  ['tamper', ({ history: { sessions }, cookie }) => {
    if (!cookie) return noCookie;
    return {
      setCookies: [writeSetCookie(tampered(asItWasSet(cookie, sessions)))],
      text: 'The signature’s first character is a different one now. At your next visit the app '
        + 'refuses the cookie without asking the store, and you’re new.',
    };
  }],

  ['expire', async ({ history: { sessions }, store, cookie }) => {
    if (!store) return { text: 'No other process can reach into the app’s memory.' };
    if (!cookie) return noCookie;
    if (!sessions.accepts(cookie)) {
      return { text: 'The signature doesn’t fit, so this cookie opens no session here either.' };
    }
    try {
      const expires = await store.expire(cookie.id);
      if (expires === undefined) return { text: 'No document has this id, so nothing can expire.' };
      const session = sessions.find(cookie.id);
      if (session) session.expires = expires;
      return {
        text: 'The document’s expires is in the past now. It’s still there, but the app no longer '
          + 'gets it, and MongoDB will delete it soon. The browser doesn’t notice.',
      };
    } catch {
      return { text: 'MongoDB doesn’t answer, so nothing was changed.' };
    }
  }],

  ['restart', async ({ app, store, history: { sessions: { storeName } } }) => {
    await app.restart();
    if (!store && storeName === undefined) {
      return { text: 'The app is a new process now. It keeps no sessions, so nothing was lost.' };
    }
    const inMemory = storeName === 'MemoryStore' || !store;
    return {
      text: inMemory
        ? 'The app is a new process now. What the old one had in its memory is gone: at your next '
        + 'visit you’re new.'
        : 'The app is a new process now. The session is in MongoDB and has survived: your next '
          + 'visit goes on counting.',
    };
  }],
]);

/** The browser's cookie, with the attributes that the app gave it. */
function asItWasSet({ id, name, raw }: SessionCookie, sessions: Sessions): SetCookie {
  const set = sessions.find(id)?.cookie ?? sessions.lastCookie
    ?? { path: '/', httpOnly: true, sameSite: 'lax' };
  return { ...set, name, value: raw };
}

/** How long the app may take to start and respond, and how often to try, in ms. */
const answerMs = 10_000;
const tryMs = 100;

/** Visits the app as a browser would. @returns its answer as a sentence, and its cookies */
async function visit(
  { appPort, history }: ActionContext,
  cookie = '',
  agent = '',
): Promise<{ answer: string; setCookies: string[] }> {
  const signal = AbortSignal.timeout(answerMs);
  const headers = { 'user-agent': agent, ...cookie && { cookie } };
  for (;;) {
    try {
      const options = { headers, redirect: 'manual', signal } as const;
      const response = await fetch(`http://localhost:${appPort}/`, options);
      const text = (await response.text()).replaceAll(/\s+/g, ' ').trim();
      const status = response.status === 200 ? '' : ` ${response.status}:`;
      const short = text.length > 80 ? `${text.slice(0, 80)}…` : text;
      const answer = `It answered${status} "${short}".`;
      return { answer, setCookies: response.headers.getSetCookie() };
    } catch {
      // If it's running, it may not be listening yet.
      if (signal.aborted || history.app.state !== 'running') {
        return { answer: 'The app doesn’t answer. Is it running?', setCookies: [] };
      }
      await new Promise((resolve) => setTimeout(resolve, tryMs));
    }
  }
}
