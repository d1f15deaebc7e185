import type { ServerResponse } from 'node:http';

/** A page that takes no more than this many bytes misses events, and then gets everything anew. */
const mostBytes = 256 * 1024;
/** How often a silent connection is used, so that both sides notice its end, in milliseconds. */
const heartbeatMs = 15_000;
/** More pages than these are not served at once. */
const mostPages = 50;

/** The pages that listen for server-sent events. */
export class Pages {
  readonly #pages = new Map<ServerResponse, { behind: boolean }>();
  readonly #snapshot: () => unknown;
  readonly #heart: NodeJS.Timeout;

  /** @param snapshot all that a page needs to begin with */
  constructor(snapshot: () => unknown) {
    this.#snapshot = snapshot;
    this.#heart = setInterval(() => {
      for (const page of this.#pages.keys()) page.write(': still here\n\n');
    }, heartbeatMs).unref();
  }

  /** Answers a request for events. */
  add(response: ServerResponse, headers: Record<string, string>): void {
    if (this.#pages.size >= mostPages) {
      response.writeHead(503, headers).end('Too many pages are open.');
      return;
    }
    const page = { behind: false };
    this.#pages.set(response, page);
    response.on('close', () => this.#pages.delete(response));
    response.on('drain', () => {
      if (!page.behind) return;
      page.behind = false;
      response.write(format('snapshot', this.#snapshot()));
    });
    response.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream' });
    response.write(`retry: 1000\n\n${format('snapshot', this.#snapshot())}`);
  }

  send(event: string, data: unknown): void {
    const text = format(event, data);
    for (const [response, page] of this.#pages) {
      page.behind ||= response.writableLength > mostBytes;
      if (!page.behind) response.write(text);
    }
  }

  close(): void {
    clearInterval(this.#heart);
    for (const page of this.#pages.keys()) page.end();
    this.#pages.clear();
  }
}

/** JSON holds no line breaks, so the data are one line. */
function format(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
