import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';

/**
 * Begins a request that only reads its session: the app reads the session when the headers come,
 * and the answer, a 404, waits for the last byte of the body.
 * @param url where the app listens
 */
export async function startSlowRequest(url: string, cookie: string) {
  const slow = request(`${url}/no-such-page`, {
    method: 'POST',
    headers: { Cookie: cookie, 'Content-Length': 2, Expect: '100-continue' },
    signal: AbortSignal.timeout(2000),
  });
  const response = once(slow, 'response');
  response.catch(() => undefined);
  slow.flushHeaders();
  // Node says 100 Continue in the same tick in which it hands the request to the app.
  await once(slow, 'continue');
  return {
    finish: async () => {
      slow.end('ok');
      const [answer] = await response as [IncomingMessage];
      await once(answer.resume(), 'end');
      return answer.statusCode;
    },
  };
}
