import type { ServerResponse } from 'node:http';

/** The header with which a test marks the request whose answer it holds up. */
export const holdHeader = 'x-workshop-hold';

/** Holds up an answer when the app's handler ends it. */
export class HeldAnswer {
  /** Resolves when the handler has an answer. */
  readonly ready: Promise<void>;
  readonly #released: Promise<void>;
  #announce: () => void = () => undefined;
  /** Lets the answer go. */
  release: () => void = () => undefined;

  constructor() {
    this.ready = new Promise((resolve) => { this.#announce = resolve; });
    this.#released = new Promise((resolve) => { this.release = resolve; });
  }

  /** Has to run before any middleware. */
  hold(res: ServerResponse): void {
    let end = res.end.bind(res);
    Object.defineProperty(res, 'end', {
      // Middleware replaces this `end` with its own, which saves the session and then calls the one
      // it replaced. Only the last one, which the handler calls, has to wait.
      get: () => {
        const mine = end;
        return (...args: Parameters<typeof end>) => {
          if (mine !== end) return mine.apply(res, args);
          this.#announce();
          void this.#released.then(() => mine.apply(res, args));
          return res;
        };
      },
      set: (next: typeof end) => { end = next; },
    });
  }
}
