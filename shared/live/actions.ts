import type { App } from '../app/app.ts';
import {
  forgotten, tampered, writeSetCookie, type SessionCookie, type SetCookie,
} from './cookie.ts';
import type { Sessions } from './sessions.ts';
import type { StoreWindow } from './store.ts';
import type { Visitor } from './visitor.ts';

/** What a button does: a header for the browser that pressed it, and what it should see now. */
export interface Effect {
  setCookie?: string;
  text: string;
}

/** What the buttons need. */
export interface ActionContext {
  readonly app: App;
  readonly appUrl: string;
  readonly sessions: Sessions;
  readonly store: StoreWindow | undefined;
  readonly visitor: Visitor;
}

type Action = (
  context: ActionContext,
  cookie: SessionCookie | undefined,
) => Effect | Promise<Effect>;

const noCookie = 'This browser holds no session cookie. Visit the app first.';

/** The page's buttons, by the paths to which they post. */
export const actions: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['forget', ({ sessions }, cookie) => {
    if (!cookie) return { text: noCookie };
    return {
      setCookie: writeSetCookie(forgotten(asItWasSet(cookie, sessions))),
      text: 'The browser has forgotten its cookie. The session is still where it was, but nobody '
        + 'can show its id any more: at your next visit you are new.',
    };
  }],

  ['tamper', ({ sessions }, cookie) => {
    if (!cookie) return { text: noCookie };
    return {
      setCookie: writeSetCookie(tampered(asItWasSet(cookie, sessions))),
      text: 'One character of the signature is another now. At your next visit the app refuses the '
        + 'cookie without asking the store, and you are new.',
    };
  }],

  ['visitor', async ({ visitor, appUrl }) => {
    try {
      const { read, hasCookie } = await visitor.visit(appUrl);
      const jar = hasCookie
        ? 'It has a cookie and a session of its own. A private window is one more visitor, because '
        + 'its cookies are its own, too.'
        : 'It got no cookie: the app cannot tell it from you.';
      return { text: `A second visitor was at the app and read: “${read}”. ${jar}` };
    } catch {
      return { text: 'The app does not answer, so the second visitor went away.' };
    }
  }],

  ['expire', async ({ store, sessions }, cookie) => {
    if (!store) return { text: 'No other process can reach into the app’s memory.' };
    if (!cookie) return { text: noCookie };
    try {
      const expires = await store.expire(cookie.id);
      if (expires === undefined) return { text: 'No document has this id, so nothing can expire.' };
      const session = sessions.find(cookie.id);
      if (session) session.expires = expires;
      return {
        text: 'The session’s expires is in the past now. The store no longer returns it, and '
          + 'MongoDB deletes the document soon. The browser notices nothing of it.',
      };
    } catch {
      return { text: 'MongoDB does not answer, so nothing was changed.' };
    }
  }],

  ['restart', async ({ app, store, sessions }) => {
    await app.restart();
    if (!store && sessions.storeName === undefined) {
      return { text: 'The app is a new process now. It keeps no sessions, so nothing was lost.' };
    }
    const inMemory = sessions.storeName === 'MemoryStore' || !store;
    return {
      text: inMemory
        ? 'The app is a new process now. What was in the memory of the old one is gone: at your '
        + 'next visit you are new.'
        : 'The app is a new process now. The session is in MongoDB and has survived: your next '
          + 'visit goes on counting.',
    };
  }],
]);

/** The cookie that the browser holds, with the attributes that the app gave it. */
function asItWasSet({ id, name, raw }: SessionCookie, sessions: Sessions): SetCookie {
  const set = sessions.find(id)?.cookie ?? sessions.lastCookie;
  const attributes = set?.attributes ?? [['Path', '/'], ['HttpOnly', ''], ['SameSite', 'Lax']];
  return { name, raw, attributes };
}
