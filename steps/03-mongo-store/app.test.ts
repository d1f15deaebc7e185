import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  expect,
  expectServing,
  expectStopped,
  expectVisit,
  findSessionCookie,
  Lesson,
  quote,
  testsOfStep,
  type Browser,
  type Exchange,
  type RunningApp,
  type StoredSession,
} from '#harness';

// Something that takes connections and drops them: no MongoDB will ever answer there.
const noMongo = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1').unref();
await once(noMongo, 'listening');
const address = `127.0.0.1:${(noMongo.address() as AddressInfo).port}`;
const password = 'open-sesame';

const { test, testEntry } = testsOfStep(3);

const ONE_HOUR_MS = 60 * 60 * 1000;

/** How long index.ts may take to end when nothing keeps it, in milliseconds. */
const SOON_MS = 3000;

const withoutMongo = {
  move: 1,
  later: true,
  env: () => ({ MONGO_URL: `mongodb://ada:${password}@${address}/`, WORKSHOP_LONGEST_TIMER: '300' }),
};
testEntry("index.ts doesn't start without its MongoDB", withoutMongo, async (entry) => {
  await expectStopped(entry, {
    given: 'No MongoDB answers at MONGO_URL',
    names: 'MongoDB',
    words: new RegExp(`mongo|database|ECONN|${address}`, 'i'),
    why: "An app without its database looks alive, but it can't find or keep a session. Connect "
      + 'first, then build the app and listen.',
    lookAt: 'index.ts: does it await MongoClient.connect(MONGO_URL), and what happens if that '
      + 'fails?',
  });
  expect(!entry.output.includes(password), {
    observed: 'index.ts printed MONGO_URL, with the password in it.',
    why: 'What an app prints is kept in logs, which many people can read.',
    lookAt: 'index.ts: what does the sentence in stop() say?',
  });
});

const withoutUrl = { move: 1, atOnce: true, env: () => ({ MONGO_URL: undefined }) };
testEntry("index.ts doesn't start without a MONGO_URL", withoutUrl, async (entry) => {
  const empty = await entry.again({ MONGO_URL: '' });
  for (const [started, given] of [
    [entry, "MONGO_URL wasn't set"], [empty, 'MONGO_URL was empty'],
  ] as const) {
    await expectStopped(started, {
      given,
      names: 'MONGO_URL',
      why: "The address says where the sessions go. A guess would put them where you'd never look.",
      lookAt: "index.ts: what if process.env.MONGO_URL isn't set, or is empty?",
    });
  }
});

test('the visit count survives a restart of the app', { move: 2 }, async (context) => {
  const app = await context.openApp();
  const browser = app.newBrowser();
  await browser.get('/').catch((error: unknown) => {
    expectGivenClient(app, error);
    throw error;
  });
  expectGivenClient(app);
  expectVisit(await browser.get('/'), 2);

  const stored = await storedSessions(app);
  const restarted = await context.restart(app);
  expectVisit(await browser.movedTo(restarted).get('/'), 3, {
    1: stored.length === 0
      ? 'The app was built again, and the same cookie was sent. The sessions died with the app, so '
      + 'they were still in its memory.'
      : 'The app was built again, and the same cookie was sent. The session is in MongoDB, but the '
        + "app didn't pick it up: the count is kept elsewhere, or the cookie's secret or name "
        + 'changes with each start.',
  }, 'session.ts: is the store part of the options, and is there only one app.use(session(…))?');
});

test('every browser has one document, named by its session id', { move: 2 }, async (context) => {
  const app = await context.openApp();
  const [anna, ben] = [app.newBrowser(), app.newBrowser()];
  await anna.get('/');
  await ben.get('/');
  const answer = await anna.get('/');
  expectVisit(answer, 2);
  await app.newBrowser().get('/no-such-page');

  const sessions = await storedSessions(app);
  expect(sessions.length > 0, { ...nothingStored, exchange: answer });
  expect(sessions.length === 2, {
    observed: 'Two browsers came, one of them twice, and a bot asked for a page that '
      + `doesn't exist. MongoDB holds ${sessions.length} session `
      + `document${sessions.length === 1 ? '' : 's'}.`,
    why: 'A session is one document, found again by the id in the cookie. A bot that stores '
      + 'nothing needs no session.',
    lookAt: 'session.ts: what does the store use as the _id? And app.ts: what saves sessions?',
    exchange: answer,
  });
});

test('the store uses the client that createApp() is given', { move: 2 }, async (context) => {
  const app = await context.openApp();
  const answer = await app.newBrowser().get('/');
  const [session] = await storedSessions(app);
  expect(session !== undefined, { ...nothingStored, exchange: answer });
  expectGivenClient(app);

  const creations = app.database?.indexCreations;
  for (const browser of [app.newBrowser(), app.newBrowser()]) await browser.get('/');
  expect(app.database?.indexCreations === creations, {
    observed: 'Each request built a new store, which created its index again.',
    why: 'Build the store once, with the app. A store per request costs a round trip to the '
      + 'database each time, and a connection as well if it has a URL.',
    lookAt: 'app.ts: is session(…) called once, while the app is built?',
    exchange: answer,
  });
});

test('MongoDB is told to delete expired sessions', { move: 2 }, async (context) => {
  const app = await context.openApp();
  const answer = await app.newBrowser().get('/');
  const [session] = await storedSessions(app);
  expect(session !== undefined, { ...nothingStored, exchange: answer });

  await app.runIntervals();
  expect(app.database?.removesExpired === true || await hasTtlIndex(session), {
    observed: 'There is no TTL index on `expires` that deletes a session within a day, and nothing '
      + 'else removes expired sessions either.',
    why: 'Every visitor who never comes back leaves a document behind, forever.',
    lookAt: "session.ts: what is autoRemove? Left alone, it's `native`: a TTL index.",
    exchange: answer,
  });
});

const withEverything = { move: 2, later: true, atOnce: true, shared: true, env: () => ({}) };
testEntry('index.ts keeps the sessions at MONGO_URL', withEverything, async (entry, database) => {
  const [first] = await expectServing(entry, 'Everything was set');
  const session = findSessionCookie(first.setCookie);
  expect(await database?.sessionElsewhere(session?.id ?? '') !== undefined, {
    observed: "index.ts was visited, but there's no session in the database at MONGO_URL.",
    why: 'The app that index.ts starts has to keep its sessions in MongoDB.',
    lookAt: 'index.ts: is the connected client handed to createApp()?',
    exchange: first,
  }, entry.output);

  const restarted = await entry.again();
  await restarted.settled();
  const cookie = `${session?.name}=${session?.value}`;
  expectVisit(await restarted.newBrowser().getWithCookie('/', cookie), 3, {
    1: 'index.ts was started again with the same settings, and the same cookie was sent. What a '
      + 'process keeps to itself is gone when it ends: a count in a variable, or a secret or '
      + 'cookie name made up at each start. Or is something deleted at the start?',
  }, 'index.ts, app.ts and session.ts: what is different when they are started again?');
  expectVisit(await entry.newBrowser().getWithCookie('/', cookie), 4, {
    3: 'Two processes of your app run, and a browser came to one, to the other, and back. The '
      + 'first went on from its own copy of the session. Only MongoDB knows the latest one.',
  }, 'session.ts and app.ts: what do they keep in memory?');

  restarted.signal('SIGINT');
  expect(await restarted.ended(SOON_MS), {
    observed: `Ctrl-C sends SIGINT. ${SOON_MS / 1000} s later index.ts was still running.`,
    why: 'By default SIGINT ends the process; a handler replaces that. If yours only closes the '
      + 'client, the server runs on without its database.',
    lookAt: "index.ts: what does process.on('SIGINT', …) do? This step needs no such handler.",
  });
});

test('a session lives one hour after its last visit', { move: 3 }, async (context) => {
  const app = await context.openApp();
  const browser = app.newBrowser();
  await expectOneHour(app, () => browser.get('/'), 'visit');

  context.advanceClock(ONE_HOUR_MS / 2);
  await expectOneHour(app, () => browser.get('/'), 'visit half an hour later');
  await expectOneHour(app, () => app.newBrowser().get('/'), "new browser's first visit then");
  const regular = app.newBrowser();
  for (let visit = 1; visit <= 11; visit++) await regular.get('/');
  await expectOneHour(app, () => regular.get('/'), "regular's twelfth visit", regular);

  // A page that only reads counts as a visit, too. (A cookie with a maxAge has expired by then.)
  const cookie = browser.cookieHeader();
  context.advanceClock(ONE_HOUR_MS * 0.95);
  await browser.getWithCookie('/no-such-page', cookie);
  context.advanceClock(ONE_HOUR_MS * 0.5);
  expectVisit(await browser.getWithCookie('/', cookie), 3, {
    1: 'A browser came back after 57 minutes, to a page that only reads its session, and again '
      + 'half an hour later. By then its session had expired. touchAfter, in seconds, has to be '
      + 'much smaller than ttl.',
  }, 'session.ts: what is touchAfter?');
});

test('an expired session is a new visitor', { move: 3 }, async (context) => {
  const app = await context.openApp();
  const browser = app.newBrowser();
  const answer = await browser.get('/');
  expect((await storedSessions(app)).length > 0, { ...nothingStored, exchange: answer });
  const cookie = browser.cookieHeader();
  expectVisit(await browser.getWithCookie('/', cookie), 2);

  context.advanceClock(ONE_HOUR_MS + 60_000);
  expectVisit(await browser.getWithCookie('/', cookie), 1, {
    3: 'An hour and a minute after the last visit, the old cookie still opened the session. The '
      + 'store decides how long a session lives, whatever the browser keeps.',
  }, 'session.ts: what is `ttl`, in seconds?');
  expectVisit(await browser.getWithCookie('/', cookie), 1, {
    2: 'The expired session was gone for one visit and back at the next.',
  }, 'session.ts: what is `ttl`, in seconds?');

  const recover = await app.database?.fail('no server');
  const failed = await browser.getWithCookie('/', cookie);
  expect(failed.status >= 500, {
    observed: `MongoDB was unreachable, and GET / was answered with status ${failed.status}: `
      + `${quote(failed.body)}.`,
    why: "The app doesn't know whose visit it is. An error, which you notice, is better than an "
      + "answer that isn't true.",
    lookAt: 'app.ts: what becomes of an error?',
    exchange: failed,
  });
  recover?.();
});

const nothingStored = {
  observed: 'A browser came, and MongoDB holds no session document.',
  why: "The sessions are still in the app's memory. A store that isn't part of the options isn't "
    + 'used, and if there are two session middlewares, the first one wins.',
  lookAt: 'session.ts: is the store part of the options that sessionOptions() returns?',
};

/** The store must use the client, and wait for the answer of the database. */
function expectGivenClient({ database }: RunningApp, error?: unknown): void {
  expect(database?.writesBlindly !== true, {
    observed: 'The store wrote to MongoDB and asked for no answer (w: 0).',
    why: "Then you don't know whether a session was stored or deleted, and never hear of an error.",
    lookAt: 'session.ts and index.ts: is there a write concern?',
  });
  expect(database?.otherConnection === undefined, {
    observed: "The app made another client for MongoDB, and didn't use the one that createApp() "
      + 'was given.',
    why: 'index.ts owns the client: it reads the address, connects before the first visitor comes, '
      + 'and can close it. Nothing waits for a second client, and nothing closes it.',
    lookAt: 'session.ts: is the store given `client`, and not a URL or a new MongoClient?',
    hangs: error instanceof Lesson && error.parts.hangs === true,
  }, database?.otherConnection);
}

async function hasTtlIndex({ collection }: StoredSession): Promise<boolean> {
  const indexes = await collection.indexes();
  return indexes.some(({ key, expireAfterSeconds = Infinity }) => (
    expireAfterSeconds <= 24 * 60 * 60 && Object.keys(key).join() === 'expires'
  ));
}

async function storedSessions(app: RunningApp): Promise<StoredSession[]> {
  return await app.database?.sessions() ?? [];
}

async function expectOneHour(
  app: RunningApp,
  visit: () => Promise<Exchange>,
  name: string,
  browser?: Browser,
): Promise<void> {
  const id = browser?.sessionCookie()?.id;
  const known = (await storedSessions(app)).map((stored): unknown => stored.document._id);
  const earliest = Date.now() + ONE_HOUR_MS;
  const answer = await visit();
  const latest = Date.now() + ONE_HOUR_MS;

  const sessions = await storedSessions(app);
  const session = sessions.find(({ document }) => (
    id === undefined ? !known.includes(document._id) : document._id === id
  )) ?? sessions[0];
  expect(session !== undefined, { ...nothingStored, exchange: answer });
  const expires: unknown = session.document.expires;
  expect(expires instanceof Date, {
    observed: `The document's expires ${expires === undefined ? 'is missing' : "isn't a Date"}.`,
    why: "MongoDB's TTL index works only with a Date.",
    lookAt: 'session.ts: what is kept in the document?',
    exchange: answer,
  });
  const seconds = Math.round((expires.getTime() - latest + ONE_HOUR_MS) / 1000);
  const tolerance = 2000;
  expect(
    expires.getTime() > earliest - tolerance && expires.getTime() < latest + tolerance,
    {
      observed: `After a ${name} the session expires in ${spoken(seconds)}, not in one hour.`,
      why: whyNotOneHour(seconds, answer.setCookie.join().includes('Expires=')),
      lookAt: 'session.ts: what is `ttl`, in seconds, and does the cookie have a maxAge or '
        + '`expires`?',
      exchange: answer,
    },
  );
  for (const { key, expireAfterSeconds = Infinity } of await session.collection.indexes()) {
    const field = Object.keys(key).join();
    const since: unknown = session.document[field];
    const end = since instanceof Date ? since.getTime() + expireAfterSeconds * 1000 : Infinity;
    expect(end >= expires.getTime() - tolerance, {
      observed: `After a ${name}, a TTL index on \`${field}\` lets MongoDB delete the session `
        + 'before it expires.',
      why: 'MongoDB deletes a document as soon as one of its TTL indexes says so. A date that '
        + 'stays the same from visit to visit ends the session of someone who never left.',
      lookAt: 'session.ts: which indexes does it create? The store already has one on `expires`.',
      exchange: answer,
    });
  }
}

function whyNotOneHour(seconds: number, cookieExpires: boolean): string {
  if (Math.abs(seconds - 3_600_000) < 5) {
    return '`ttl` is in seconds and cookie.maxAge in milliseconds; 3600000 seconds are more than '
      + '41 days.';
  }
  if (cookieExpires) {
    return 'The cookie has an expiry date (from `expires`, or from maxAge, in milliseconds), so '
      + 'the document expires with the cookie: connect-mongo looks at `ttl` only when the cookie '
      + 'has none.';
  }
  if (Math.abs(seconds - 1_209_600) < 5) {
    return 'Without a `ttl`, connect-mongo keeps a session for 14 days.';
  }
  return 'The store sets `expires` on every visit, to now + `ttl` seconds.';
}

function spoken(seconds: number): string {
  const days = Math.floor(seconds / 86_400 + 0.01);
  if (days >= 2) return `${days} days`;
  if (seconds >= 2 * 3600) return `${Math.round(seconds / 3600)} hours`;
  if (Math.abs(seconds) >= 120) return `${Math.round(seconds / 60)} minutes`;
  return `${seconds} seconds`;
}
