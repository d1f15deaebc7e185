/*
 * What a test holds up until it lets it go on.
 */
import type { ServerResponse } from 'node:http';

/** The header with which a test marks the request whose answer it holds up. */
export const holdHeader = 'x-workshop-hold';

/** What waits until it is released. */
export interface Held {
  /** Resolves when something comes that has to wait. */
  readonly asked: Promise<void>;
  /** Whether something has come. */
  readonly wasAsked: boolean;
  release(): void;
}

/** A gate that is shut until it is released. */
export function holdUp(): { held: Held; wait: () => Promise<void> } {
  let release: () => void = () => undefined;
  let announce: () => void = () => undefined;
  const released = new Promise<void>((resolve) => { release = resolve; });
  const asked = new Promise<void>((resolve) => { announce = resolve; });
  let wasAsked = false;
  const wait = () => {
    wasAsked = true;
    announce();
    return released;
  };
  return { held: { asked, release, get wasAsked() { return wasAsked; } }, wait };
}

/** Lets an answer wait when the app's handler ends it. Has to run before any middleware. */
export function holdAnswer(res: ServerResponse, wait: () => Promise<void>): void {
  let end = res.end.bind(res);
  Object.defineProperty(res, 'end', {
    // Middleware replaces this `end` with its own, which saves the session and then calls the one
    // it replaced. Only the last one, which the handler calls, has to wait.
    get: () => {
      const mine = end;
      return (...args: Parameters<typeof end>) => {
        if (mine !== end) return mine.apply(res, args);
        void wait().then(() => mine.apply(res, args));
        return res;
      };
    },
    set: (next: typeof end) => { end = next; },
  });
}
