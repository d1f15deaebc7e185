import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../app/app.ts';
import { sign } from './cookie.ts';
import { History } from './history.ts';
import type { Report } from './report.ts';

const secret = 'a secret that only this test uses';
const cookie = `connect.sid=${encodeURIComponent(`s:one.${sign('one', secret)}`)}`;

test('a request extends its session, even if the page looks before it is reported', async () => {
  const history = new History(secret);
  const app = new App({ entry: '', env: {} });
  history.follow(app);
  const report = (what: Partial<Report>) => app.emit('message', batchOf(what));
  const lookWhenItEnds = (end: number) => history.noteExtensions({
    ends: () => Promise.resolve(new Map([['one', end]])),
  });
  const session = { id: 'one', alive: true, regenerated: false, fingerprint: 'same', store: 'S' };

  report({ setCookie: [`${cookie}; Path=/`], session });
  await lookWhenItEnds(1000);
  report({ id: 2, cookie, state: 'waiting' });
  // The app has moved the end, and its answer isn't reported yet.
  await lookWhenItEnds(2000);
  history.noteEnd('one', 2000);
  report({ id: 2, cookie, session });
  await lookWhenItEnds(2000);
  assert.deepEqual(history.exchanges.at(-1)?.outcomes, ['read', 'extended']);
});

test('when one of two processes ends, only its own requests are given up', () => {
  const history = new History(secret);
  const [app, second] = [new App({ entry: '', env: {} }), new App({ entry: '', env: {} })];
  history.follow(app, second);
  for (const [index, each] of [app, second].entries()) {
    const pid = index + 1;
    each.emit('started', pid);
    each.emit('message', batchOf({ pid, state: 'waiting' }));
  }
  second.emit('crashed', null, 'SIGKILL');
  assert.deepEqual(history.exchanges.map(({ state }) => state), ['waiting', 'given up']);
  assert.deepEqual(history.app, { state: 'running', pid: 1 });
});

/** What the observer sends about one request. */
function batchOf(what: Partial<Report>) {
  const reports = [{
    id: 1, pid: 1, at: 0, ms: 1, state: 'answered', method: 'GET', url: '/', status: 200,
    setCookie: [], ...what,
  }];
  return { type: 'live picture', left: 0, reports };
}
