import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import {
  countStands,
  expect,
  explain,
  expectVisit,
  findSessionCookie,
  Lesson,
  testsOfStep,
  type Entry,
  type Exchange,
  type RunningApp,
  type StoredSession,
} from '#harness';

// Something that takes connections and drops them: no MongoDB will ever answer there.
const noMongo = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1').unref();
await once(noMongo, 'listening');

const { test, testEntry } = testsOfStep(3);

const ONE_HOUR_MS = 60 * 60 * 1000;

const withoutMongo = {
  move: 1,
  env: () => {
    const { port } = noMongo.address() as AddressInfo;
    return { MONGO_URL: `mongodb://127.0.0.1:${port}/?serverSelectionTimeoutMS=50` };
  },
};
testEntry('index.ts does not start without its MongoDB', withoutMongo, async (entry) => {
  await expectStopped(entry, 'At MONGO_URL no MongoDB answers', /mongo|database|ECONN/i);
});

const withoutUrl = { move: 1, env: () => ({ MONGO_URL: undefined }) };
testEntry('index.ts does not start without a MONGO_URL', withoutUrl, async (entry) => {
  await expectStopped(entry, 'MONGO_URL was not set', /MONGO_URL/);
});

async function expectStopped(entry: Entry, given: string, words: RegExp): Promise<void> {
  await entry.settled();
  expect(entry.port === undefined, {
    observed: `${given}, and index.ts listens all the same.`,
    why: 'An app without its database looks alive, and no session can be found or kept. Connect '
      + 'first, then build the app and listen.',
    lookAt: 'index.ts: is `await` connecting a MongoClient to process.env.MONGO_URL?',
  });
  expect(await entry.ended(), {
    observed: `${given}, and index.ts neither listened nor ended.`,
    why: 'A program that cannot do its work must end, so that the person, or the platform '
      + 'that runs it, notices.',
    lookAt: 'index.ts: what happens when MONGO_URL is missing, or connecting fails?',
  });
  expect(entry.ending !== 0, {
    observed: `${given}, and index.ts ended with exit code ${entry.ending}, as if all were well.`,
    why: 'The exit code is how a shell or a hosting platform learns that the start failed.',
    lookAt: 'index.ts: what happens when MONGO_URL is missing, or connecting fails?',
  });
  if (words.test(entry.words)) return;
  // What keeps index.ts from starting at all has nothing to do with the missing database.
  throw explain(entry.output, 'index.ts') ?? new Lesson({
    observed: `${given}, and index.ts ended without naming ${
      given.startsWith('MONGO_URL') ? 'MONGO_URL' : 'MongoDB'
    }. It printed: “${entry.lastWords}”`,
    why: 'The person at the terminal has to read what is missing.',
    lookAt: 'index.ts: which sentence is stop() given?',
  }, entry.output);
}

test('the visit count survives a restart of the app', { move: 2 }, async (bench) => {
  const app = await bench.openApp();
  const browser = app.newBrowser();
  try {
    await browser.get('/');
  } finally {
    expectGivenClient(app);
  }
  expectVisit(await browser.get('/'), 2, countStands);

  const stored = await storedSessions(app);
  const restarted = await bench.restart(app);
  expectVisit(await browser.movedTo(restarted).get('/'), 3, {
    1: stored.length === 0
      ? 'The app was built anew and the same cookie sent. The sessions died with the app, so '
      + 'they still live in its memory.'
      : 'The app was built anew and the same cookie sent. The session lies in MongoDB, and the '
        + 'app did not go on from it: either the count is kept elsewhere, or the secret or the '
        + 'name of the cookie is another one after each start.',
  }, 'session.ts: is the store part of the options, and is there only one app.use(session(…))?');
});

test('every browser has one document, named by its session id', { move: 2 }, async (bench) => {
  const app = await bench.openApp();
  const [anna, ben] = [app.newBrowser(), app.newBrowser()];
  await anna.get('/');
  await ben.get('/');
  const answer = await anna.get('/');
  expectVisit(answer, 2, countStands);

  const sessions = await storedSessions(app);
  expect(sessions.length > 0, { ...nothingStored, exchange: answer });
  expect(sessions.length === 2, {
    observed: `Two browsers came, one of them twice, and MongoDB holds ${sessions.length} `
      + `session document${sessions.length === 1 ? '' : 's'}.`,
    why: 'A session is one document, which is found again by the id in the cookie.',
    lookAt: 'session.ts: what does the store use as the _id?',
    exchange: answer,
  });
});

test('the store uses the client that createApp() is given', { move: 2 }, async (bench) => {
  const app = await bench.openApp();
  const answer = await app.newBrowser().get('/');
  const [session] = await storedSessions(app);
  expect(session !== undefined, { ...nothingStored, exchange: answer });
  expectGivenClient(app);

  const creations = app.database?.indexCreations;
  for (const browser of [app.newBrowser(), app.newBrowser()]) await browser.get('/');
  expect(app.database?.indexCreations === creations, {
    observed: 'With every request a new store was built and created its index anew.',
    why: 'A store is built once, with the app. One for every request costs a round trip to the '
      + 'database each time, and with a URL a connection as well.',
    lookAt: 'app.ts: is session(…) called once, while the app is built?',
    exchange: answer,
  });
});

test('MongoDB is told to delete expired sessions', { move: 2 }, async (bench) => {
  const app = await bench.openApp();
  const answer = await app.newBrowser().get('/');
  const [session] = await storedSessions(app);
  expect(session !== undefined, { ...nothingStored, exchange: answer });

  await app.runIntervals();
  expect(app.database?.removesExpired === true || await hasTtlIndex(session), {
    observed: 'There is no TTL index on `expires`, and nothing else removes expired sessions.',
    why: 'Every visitor who never comes back leaves a document behind, for ever.',
    lookAt: 'session.ts: what is autoRemove? Left alone, it is `native`: a TTL index.',
    exchange: answer,
  });
});

testEntry('index.ts keeps the sessions at MONGO_URL', { move: 2, env: () => ({}) }, async (
  entry,
  database,
) => {
  await entry.settled();
  expect(entry.port !== undefined, {
    observed: `index.ts ${entry.running ? 'runs but does not listen' : 'ended without listening'}. `
      + `It printed: “${entry.lastWords}”`,
    why: 'Nothing can be visited before index.ts starts.',
    lookAt: 'index.ts: does it connect, build the app with the client, then listen?',
  }, entry.output);
  const cookies = await fetch(`http://127.0.0.1:${entry.port}`, {
    signal: AbortSignal.timeout(5000),
  }).then(async (response) => {
    await response.text();
    return response.headers.getSetCookie();
  }, () => []);
  const id = findSessionCookie(cookies)?.id ?? '';
  expect(await database?.sessionElsewhere(id) !== undefined, {
    observed: 'index.ts was visited, and there is no session in the database of MONGO_URL.',
    why: 'The app that index.ts starts has to keep its sessions in MongoDB.',
    lookAt: 'index.ts: is the connected client handed to createApp()?',
  }, entry.output);
});

test('a session lives one hour after its last visit', { move: 3 }, async (bench) => {
  const app = await bench.openApp();
  const browser = app.newBrowser();
  await expectOneHour(app, () => browser.get('/'), 'visit');

  bench.advanceClock(ONE_HOUR_MS / 2);
  await expectOneHour(app, () => browser.get('/'), 'visit half an hour later');
  await expectOneHour(app, () => app.newBrowser().get('/'), 'new browser\'s first visit then');
});

test('an expired session is a new visitor', { move: 3 }, async (bench) => {
  const app = await bench.openApp();
  const browser = app.newBrowser();
  const answer = await browser.get('/');
  const [session] = await storedSessions(app);
  expect(session !== undefined, { ...nothingStored, exchange: answer });
  const cookie = browser.cookieHeader();
  expectVisit(await browser.getWithCookie('/', cookie), 2, countStands);

  bench.advanceClock(ONE_HOUR_MS + 60_000);
  expectVisit(await browser.getWithCookie('/', cookie), 1, {
    3: 'An hour and a minute after the last visit, the old cookie still opened the session. '
      + 'The store decides how long a session counts, whatever the browser keeps.',
  }, 'session.ts: what is `ttl`, in seconds?');
  expectVisit(await browser.getWithCookie('/', cookie), 1, {
    2: 'The expired session was gone for one visit and back at the next.',
  }, 'session.ts: what is `ttl`, in seconds?');
});

const nothingStored = {
  observed: 'A browser came, and MongoDB holds no session document.',
  why: 'The sessions still live in the memory of the app. A store that is built but not passed '
    + 'on is not used, and of two session middlewares the first one wins.',
  lookAt: 'session.ts: is the store part of the options that sessionOptions() returns?',
};

/** The store must not open a connection of its own. */
function expectGivenClient({ database }: RunningApp): void {
  expect(database?.otherConnection === undefined, {
    observed: 'The app opened a connection to MongoDB of its own, and left the client that '
      + 'createApp() was given.',
    why: 'index.ts owns the one connection: it reads the address, connects before anybody comes, '
      + 'and can close it. Nobody waits for a second one, and nobody closes it.',
    lookAt: 'session.ts: is the store given `client`, and not a URL or a new MongoClient?',
  }, database?.otherConnection);
}

async function hasTtlIndex({ collection }: StoredSession): Promise<boolean> {
  const indexes = await collection.indexes();
  return indexes.some(({ key, expireAfterSeconds }) => (
    expireAfterSeconds !== undefined && Object.keys(key).join() === 'expires'
  ));
}

async function storedSessions(app: RunningApp): Promise<StoredSession[]> {
  return await app.database?.sessions() ?? [];
}

async function expectOneHour(
  app: RunningApp,
  visit: () => Promise<Exchange>,
  name: string,
): Promise<void> {
  const known = (await storedSessions(app)).map((stored): unknown => stored.document._id);
  const earliest = Date.now() + ONE_HOUR_MS;
  const answer = await visit();
  const latest = Date.now() + ONE_HOUR_MS;

  const sessions = await storedSessions(app);
  const session = sessions.find(({ document }) => !known.includes(document._id)) ?? sessions[0];
  expect(session !== undefined, { ...nothingStored, exchange: answer });
  const expires: unknown = session.document.expires;
  expect(expires instanceof Date, {
    observed: `The document's \`expires\` is ${expires === undefined ? 'missing' : 'no Date'}.`,
    why: 'MongoDB\'s TTL index deletes by a Date and by nothing else.',
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
      lookAt: 'session.ts: what is `ttl`, in seconds, and does the cookie have a maxAge?',
      exchange: answer,
    },
  );
}

function whyNotOneHour(seconds: number, cookieExpires: boolean): string {
  if (Math.abs(seconds - 3_600_000) < 5) {
    return '`ttl` is in seconds and cookie.maxAge in milliseconds; 3600000 seconds are 41 days.';
  }
  if (cookieExpires) {
    return 'The cookie has an end of its own (maxAge, in milliseconds), and then the document '
      + 'ends with the cookie: connect-mongo looks at `ttl` only when the cookie has no end.';
  }
  if (Math.abs(seconds - 1_209_600) < 5) {
    return 'Without a `ttl` of yours connect-mongo keeps a session for 14 days.';
  }
  return 'The store sets `expires` at every visit: to now + `ttl` seconds.';
}

function spoken(seconds: number): string {
  const days = Math.round(seconds / 86_400);
  if (days >= 2) return `${days} days`;
  if (seconds >= 2 * 3600) return `${Math.round(seconds / 3600)} hours`;
  if (Math.abs(seconds) >= 120) return `${Math.round(seconds / 60)} minutes`;
  return `${seconds} seconds`;
}
