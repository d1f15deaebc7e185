import {
  beginRequest,
  createAccount,
  expect,
  expectVisit,
  KeptAlive,
  Lesson,
  logIn,
  ownPage,
  quote,
  said,
  testsOfStep,
  tryLogin,
  userOf,
  within,
  type Account,
  type Browser,
  type Entry,
  type Exchange,
  type TestDatabase,
} from '#harness';

const { test, testEntry } = testsOfStep(10);

/** The app's address on the web, and what it's called over plain HTTP. */
const HTTPS = 'https://shop.example';
const HTTP = 'http://shop.example';

/** How long an answer may take, in milliseconds, whatever happens. */
const ANSWER_MS = 5000;

/** How long a visitor takes to send a form, in milliseconds. */
const SLOW_MS = 1500;

/** How long a process may take to end, in milliseconds: then Docker kills it. */
const END_MS = 10_000;

/** How long it takes when it has nothing to wait for, in milliseconds. */
const SOON_MS = 3000;

const env = () => ({});
const silent = 'when the database falls silent, nobody waits forever';
const start = { move: 1, env, atOnce: true, canFallSilent: true };
testEntry(silent, start, async (entry, database) => {
  const { account, laptop } = await open(entry, database);
  database?.relay?.silence();
  // Each of many visitors needs a connection of the driver's. It opens two at a time.
  const many = Array.from({ length: 20 }, () => laptop.get('/account'));
  const answers = await Promise.all([
    inTime(entry, 'A POST /login', tryLogin(patient(entry), account)),
    inTime(entry, "Ada's GET /", laptop.get('/')),
    ...many.map((answer) => inTime(entry, 'One of twenty GET /account', answer)),
  ]);
  for (const answer of answers) expectError(answer);
  database?.relay?.recover();
  await expectBack(laptop);

  database?.relay?.silence({ exceptHello: true });
  const page = laptop.get('/account').catch((error: unknown) => {
    throw new Lesson({
      observed: 'The database told the driver that it was up, and answered nothing else. GET '
        + `/account was still unanswered after ${ANSWER_MS / 1000} s.`,
      why: 'The driver finds a server, and connects to it. Then it waits forever for an answer to '
        + 'its question.',
      lookAt: 'index.ts: is the client given socketTimeoutMS, and is it short enough?',
    }, error);
  });
  expectError(await page);
  database?.relay?.recover();
});

const answered = "an outage is a 503, and a defect isn't";
test(answered, { move: 2 }, async ({ openApp }) => {
  const app = await openApp();
  const { database } = app;
  const account = await createAccount(app, 'ada');
  const laptop = app.newBrowser();
  await logIn(laptop, account);
  for (const how of ['silence', 'a broken connection', 'no server'] as const) {
    const end = await database?.fail(how);
    const answers = [
      await laptop.get('/'),
      await laptop.get('/account'),
      await tryLogin(app.newBrowser(), account),
    ];
    for (const answer of answers) expectUnavailable(answer, how);
    expectHealthy(await askHealth(app), `The database is away (${how})`);
    end?.();
    await expectBack(laptop);
  }

  const held = database?.holdAll();
  for (const browser of [laptop, undefined]) {
    expectHealthy(await askHealth(app, browser), 'The database is silent');
  }
  held?.release();

  const storing = database?.failAfterRead();
  const late = await laptop.get('/account').catch((error: unknown) => {
    throw new Lesson({
      observed: "GET /account found Ada's session, and then the database fell silent. The driver "
        + 'gave up, but no answer came within 2 s.',
      why: 'Every error has to reach `outage`: one that is caught on the way turns an outage into '
        + 'a logout. And express-session stores the session again before it sends an answer, even '
        + 'a 503. So the visitor waits for the same silent database a second time.',
      lookAt: 'app.ts: is an error caught there? And outage.ts: does the request lose its session '
        + 'before the 503 is sent?',
    }, error);
  });
  storing?.release();
  if (userOf(late) !== 'ada') expectError(late);
  await expectBack(laptop);

  for (const how of ['a duplicate key', 'a wrong argument'] as const) {
    const end = await database?.fail(how);
    expectDefect(`The driver throws an error for ${how}`, await laptop.get('/account'));
    end?.();
  }
  const [session] = await database?.sessions() ?? [];
  if (!session) return;
  await session.collection.updateOne({}, { $set: { session: 'spoiled' } });
  expectDefect("The database holds a session that isn't JSON", await laptop.get('/account'));
});

const killed = 'one of two processes is killed, and ada is still logged in';
testEntry(killed, { move: 2, env }, async (entry, database, { restart }) => {
  const [{ laptop }, other] = await Promise.all([open(entry, database), restart({ database })]);
  for (const one of [entry, other]) {
    expectHealthy(await askHealth(one), 'Two processes of your app run, and all is well');
  }
  await entry.close();
  const moved = laptop.movedTo(other).at(HTTPS);
  const page = await moved.get('/account');
  expect(userOf(page) === 'ada', {
    observed: 'Ada logged in at one of two processes, and it was killed. The other one shows '
      + `${userOf(page) ?? 'nobody'} at GET /account.`,
    why: 'What a process keeps to itself is gone when it ends, and no other process can see it.',
    lookAt: 'session.ts: are the sessions in MongoDB, signed with SESSION_SECRET?',
    exchange: page,
  });
  expectVisit(await moved.get('/'), 2);
});

const deployed = 'SIGTERM lets requests in progress finish';
testEntry(deployed, { move: 3, env, atOnce: true }, async (entry, database, { restart }) => {
  const [{ account }, other] = await Promise.all([open(entry, database), restart({ database })]);
  const connection = new KeptAlive();
  const login = beginLogin(entry, account, connection);
  const stuck = beginLogin(entry, account);
  await Promise.all([login.begun, stuck.begun]);

  entry.signal('SIGTERM');
  const refused = await within(2000, () => refusesConnections(entry));
  expect(refused, {
    observed: 'SIGTERM asked your app to end. Two seconds later it still took new connections.',
    why: 'As long as new visitors come in, the process never ends. If it refuses them, the proxy '
      + 'sends them to another process.',
    lookAt: 'ending.ts: is server.close() called at once?',
  });
  // Visitors may be slow, and nobody new gets in meanwhile.
  const until = performance.now() + SLOW_MS;
  await within(SLOW_MS, async () => (
    performance.now() > until || !await refusesConnections(entry)
  ));
  const answer = await finish(login, entry, 'SIGTERM');
  const [cookie = ''] = answer.setCookie[0]?.split(';') ?? [];
  const page = await other.newBrowser().getWithCookie('/account', cookie);
  expect(answer.status < 400 && userOf(page) === 'ada', {
    observed: "Ada's POST /login was in progress when SIGTERM came, and answered with status "
      + `${answer.status}: ${quote(answer.body)}. At another process, GET /account shows ${
        userOf(page) ?? 'nobody'}.`,
    why: 'A request in progress still needs the database. Close the client only once the last '
      + 'request has its answer.',
    lookAt: 'ending.ts: in which order do the server and the client close?',
    exchange: answer,
  });

  let worst = 0;
  const [ended] = await Promise.all([entry.ended(END_MS), within(END_MS, async () => {
    const status = await connection.get(`${entry.url}/login`);
    worst = Math.max(worst, status ?? 0);
    return !entry.running || status === undefined;
  })]);
  connection.close();
  expect(worst < 500, {
    observed: 'After SIGTERM, one more request came over a connection that was kept alive, and got '
      + `status ${worst}.`,
    why: 'The proxy sent it before it knew that this process is ending. It can still be answered, '
      + 'so answer it, and close the connection after that.',
    lookAt: 'ending.ts: what does a request get that comes while the server is closing?',
  });
  expect(ended, {
    observed: 'After SIGTERM, one visitor never sent the rest of a form, and one kept a connection '
      + 'alive and kept sending requests. Ten seconds later the process was still running.',
    why: "server.close() waits for each connection that's in use, and your visitors decide how "
      + "long that is. `docker stop` waits ten seconds, and then kills the process, whatever it's "
      + 'doing.',
    lookAt: 'ending.ts: after how long does it call server.closeAllConnections()? (Handed to '
      + 'setTimeout() as it is, it does nothing.) And is the client closed? It keeps the process '
      + 'running, too.',
  });
  expectExitCode(entry, 'SIGTERM');
});

const interrupted = 'Ctrl-C ends it just as gently';
testEntry(interrupted, { move: 3, env, atOnce: true }, async (entry, database) => {
  const { account } = await open(entry, database);
  const login = beginLogin(entry, account);
  await login.begun;
  entry.signal('SIGINT');
  await within(2000, () => refusesConnections(entry));
  await finish(login, entry, 'SIGINT');
  expect(await entry.ended(SOON_MS), {
    observed: 'Ctrl-C sends SIGINT. Every request had its answer, every connection was closed, and '
      + `${SOON_MS / 1000} s later the process still runs.`,
    why: 'A process ends by itself once nothing is left to wait for: no connection, no timer, no '
      + "client of a database. A deadline that's no longer needed makes every stop take that long.",
    lookAt: 'ending.ts: what is still open? clearTimeout() ends a timer, and unref() lets the '
      + 'process end without it.',
  });
  expectExitCode(entry, 'SIGINT');
});

/** Sends the first half of a form, and tells when the app has begun to wait for the other half. */
function beginLogin(entry: Entry, account: Account, connection?: KeptAlive) {
  const form = String(new URLSearchParams({ ...account }));
  const request = beginRequest(entry.url, '/login', {
    body: form.slice(0, 8),
    length: form.length,
    headers: {
      Host: 'shop.example',
      'X-Forwarded-Proto': 'https',
      Expect: '100-continue',
      ...ownPage(HTTPS),
    },
    ...connection && { connection },
  });
  return { ...request, rest: form.slice(8) };
}

/** Sends the other half. @returns the answer @throws {Lesson} when there is none */
function finish(
  { finish, answer, rest }: ReturnType<typeof beginLogin>,
  entry: Entry,
  signal: string,
): Promise<Exchange> {
  finish(rest);
  return answer.catch(async (error: unknown) => {
    const hasEnded = await entry.ended();
    const hasFailed = entry.mistake !== '';
    throw new Lesson({
      observed: `Ada's POST /login was in progress when ${signal} came. She never got an answer, `
        + `and the process ${hasEnded ? `has ended (${entry.ending})` : 'still runs'}.`
        + (hasFailed ? ` ${said(entry)}` : ''),
      why: hasFailed
        ? 'An error that nobody catches ends the process, and every request with it.'
        : `Without a handler, or with one that calls process.exit(), ${signal} ends a process at `
          + "once, whatever it's doing. "
          + (signal === 'SIGTERM' ? 'Every deployment sends one.' : "It's what Ctrl-C sends."),
      lookAt: 'index.ts: is endGently() given the server? And ending.ts: do both signals do the '
        + "same, and does that wait for the server's `close`, up to five seconds?",
    }, error);
  });
}

/** Waits until index.ts runs, and logs Ada in. */
async function open(entry: Entry, database: TestDatabase | undefined) {
  await entry.settled();
  expect(entry.port !== undefined, {
    observed: `index.ts ${entry.running ? "runs, but doesn't listen" : 'ended before it listened'
    }. It printed: "${entry.lastWords}"`,
    why: 'No page can be visited until index.ts is running.',
    lookAt: 'index.ts: does it connect, build the app with the client, then listen? And if the '
      + 'machine is very busy, are the deadlines long enough for it to connect?',
  }, entry.output);
  const account = await createAccount({ database }, 'ada');
  const laptop = patient(entry);
  await logIn(laptop, account);
  expectVisit(await laptop.get('/'), 1);
  return { account, laptop };
}

/** A new browser that waits for an answer for as long as it may take. */
function patient(entry: Entry): Browser {
  return entry.newBrowser().at(HTTPS).patient(ANSWER_MS);
}

/** Asks GET /health: as a proxy does, with no cookie and over plain HTTP, or as a browser does. */
async function askHealth(
  app: Pick<Entry, 'newBrowser'>,
  browser = app.newBrowser().at(HTTP),
): Promise<Exchange> {
  return browser.get('/health').catch((error: unknown) => {
    throw new Lesson({ observed: 'GET /health was still unanswered after 2 s.', ...health }, error);
  });
}

const health = {
  why: 'A proxy, or whatever started the process, asks this to find out whether the process is '
    + 'alive: over plain HTTP, without a cookie, every few seconds. If not, it sends visitors '
    + 'elsewhere and restarts the process. A silent database is no reason for that: a new process '
    + 'would find the same one.',
  lookAt: "app.ts: is app.get('/health', …) above httpsOnly and the session, and does it answer "
    + 'without asking the database?',
};

async function refusesConnections(entry: Entry): Promise<boolean> {
  const connection = new KeptAlive();
  const status = await connection.get(entry.url);
  connection.close();
  return status === undefined;
}

/** The answer, which has to come in time. @throws {Lesson} */
async function inTime(entry: Entry, what: string, answer: Promise<Exchange>): Promise<Exchange> {
  try {
    return await answer;
  } catch (error) {
    expect(!await entry.ended(), {
      observed: 'The database fell silent, and the process ended with '
        + `${entry.ending}. It printed: "${entry.lastWords}"`,
      why: 'A new process would find the same database. Meanwhile, no visitor gets an answer.',
      lookAt: 'index.ts: what ends the process?',
    }, error);
    throw new Lesson({
      observed: `The database fell silent. ${what} was still unanswered after ${
        ANSWER_MS / 1000} s.`,
      why: "Silence isn't an error, so nothing fails: the driver waits, and your visitors wait "
        + 'with it, longer the more there are. A deadline turns the silence into an error, which '
        + 'the app can answer.',
      lookAt: 'index.ts: is the client given heartbeatFrequencyMS, connectTimeoutMS, '
        + 'socketTimeoutMS and serverSelectionTimeoutMS, all four? A request may wait for one '
        + 'after the other, and then once more: is the sum short enough?',
    }, error);
  }
}

/** Expects that all is well again, by itself. */
async function expectBack(laptop: Browser): Promise<void> {
  let last: Exchange | undefined;
  const isBack = await within(ANSWER_MS, async () => {
    last = await laptop.get('/account');
    return userOf(last) === 'ada';
  });
  expect(isBack, {
    observed: "The database answers again, and Ada's GET /account still answers with status "
      + `${last?.status}${last?.location ? `, which leads to ${last.location}` : ''}.`,
    why: "The driver finds its server again by itself. You shouldn't have to restart the app, and "
      + "users shouldn't have to log in again.",
    lookAt: 'app.ts, outage.ts: what does the app keep from the time of the outage?',
    exchange: last,
  });
}

function expectError({ method, path, status, location, body }: Exchange): void {
  expect(status >= 500, {
    observed: `The database is silent, and ${method} ${path} answered with status ${status}${
      location ? `, which leads to ${location}` : ''}: ${quote(body)}.`,
    why: "Right now the app can't know who anyone is. If it answers with an error, people try "
      + 'again. If it takes them for strangers, or reports the failure with a success status, they '
      + 'believe it, and so does every cache.',
    lookAt: 'app.ts: what becomes of an error of the database?',
  });
}

function expectUnavailable(answer: Exchange, how: string): void {
  const { method, path, status, retryAfter, body } = answer;
  expect(status === 503, {
    observed: `The driver gave up (${how}), and ${method} ${path} answered with status ${status}.`,
    why: '500 says that the app is broken. 503, "Service Unavailable", says that the trouble will '
      + 'pass: browsers, proxies and search engines try again later.',
    lookAt: 'outage.ts: which errors does it answer? And app.ts: does app.use(outage) stand below '
      + 'all routes?',
    exchange: answer,
  });
  expect(/^\d{1,3}$|^\w{3}, .* GMT$/.test(retryAfter ?? ''), {
    observed: `${method} ${path} answered with 503, and ${
      retryAfter === undefined ? 'without a Retry-After' : `with Retry-After: ${retryAfter}`}.`,
    why: "Retry-After says when it's worth trying again, in whole seconds: a few, not thousands.",
    lookAt: 'outage.ts: which headers does the answer have?',
    exchange: answer,
  });
  expect(!/Mongo|\bat .*:\d+:\d+|127\.0\.0\.1/.test(body), {
    observed: `${method} ${path} answered with 503, and shows the error: ${quote(body)}.`,
    why: "A database error names addresses and files. That's for the log.",
    lookAt: 'outage.ts: what is sent?',
    exchange: answer,
  });
}

function expectDefect(what: string, answer: Exchange): void {
  expect(answer.status >= 500 && answer.status !== 503, {
    observed: `${what}. That's a defect, and GET /account answered with status ${answer.status}.`,
    why: "503 says that the trouble will pass by itself. A defect won't. If it's a 500, you find "
      + 'it in the log and fix it.',
    lookAt: 'outage.ts: which errors are an outage, and what becomes of all others?',
    exchange: answer,
  });
}

function expectHealthy(answer: Exchange, what: string): void {
  expect(answer.status >= 200 && answer.status < 300, {
    observed: `${what}, and GET /health answered with status ${answer.status}.`,
    ...health,
    exchange: answer,
  });
  expect(answer.setCookie.length === 0, {
    observed: 'GET /health set a cookie.',
    why: 'A proxy asks every few seconds, and would leave a session in the database each time.',
    lookAt: "app.ts: does app.get('/health', …) stand above the session?",
    exchange: answer,
  });
}

function expectExitCode(entry: Entry, signal: string): void {
  expect(entry.ending === 0, {
    observed: `${signal} asked your app to end, and it ended with ${
      typeof entry.ending === 'number' ? 'exit code ' : ''}${entry.ending}.`,
    why: 'Exit code 0 says that all is done. Anything else looks like a crash, and gets someone '
      + 'out of bed.',
    lookAt: typeof entry.ending === 'number'
      ? 'ending.ts: which line ends the process, and with which exit code?'
      : `index.ts: is endGently() called? And ending.ts: is there a handler for ${signal}?`,
  });
}
