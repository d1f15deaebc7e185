/*
 * Visits an app from several connections at once for a while, in a process of its own so that the
 * measuring takes nothing from the measured. Arguments: url, connections, seconds. Sends the
 * result to its parent. It speaks HTTP just well enough for the answers of the bench's apps, which
 * are short and have a Content-Length: a full HTTP client would be slower than the apps.
 */
import { connect } from 'node:net';
import { createHistogram } from 'node:perf_hooks';

/** What a load test has measured. */
export interface Load {
  requestsPerSecond: number;
  /** The time in which 99 of 100 requests were answered, in milliseconds. */
  p99: number;
  /** Answers with a status of 400 or above, and connections that failed. */
  errors: number;
}

const [url = '', connections = '', seconds = ''] = process.argv.slice(2);
const { hostname, port, pathname } = new URL(url);
const histogram = createHistogram();
const until = performance.now() + Number(seconds) * 1000;
let requests = 0;
let errors = 0;

const started = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, visitAgainAndAgain));
const elapsed = (performance.now() - started) / 1000;
const load: Load = {
  requestsPerSecond: requests / elapsed,
  p99: histogram.percentile(99) / 1e6,
  errors,
};
process.send?.(load);

/** One visitor: a connection that is kept, and a cookie that is sent back. */
function visitAgainAndAgain(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname).setNoDelay().setEncoding('latin1');
    let cookie = '';
    let sentAt = 0;
    let received = '';
    const send = (path: string) => {
      sentAt = performance.now();
      const header = cookie && `Cookie: ${cookie}\r\n`;
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${header}\r\n`);
    };
    // The first visit is to / and brings the cookie; it is not counted.
    let isFirst = true;
    socket.on('connect', () => {
      send('/');
    });
    socket.on('data', (chunk: string) => {
      received += chunk;
      const end = received.indexOf('\r\n\r\n');
      if (end === -1) return;
      const head = received.slice(0, end);
      const length = Number(/^content-length: (\d+)/im.exec(head)?.[1]);
      if (received.length < end + 4 + length) return;
      received = '';
      cookie = /^set-cookie: ([^;]*)/im.exec(head)?.[1] ?? cookie;
      const now = performance.now();
      if (!isFirst) {
        requests++;
        histogram.record(Math.max(1, Math.round((now - sentAt) * 1e6)));
      }
      isFirst = false;
      if (!/^HTTP\/1\.1 [23]/.test(head)) errors++;
      if (now < until) send(pathname);
      else socket.end();
    });
    socket.on('error', () => {
      errors++;
    });
    socket.on('close', () => {
      resolve();
    });
  });
}
