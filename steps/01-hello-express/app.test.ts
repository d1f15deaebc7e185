import {
  expect,
  expectNoServerError,
  expectServing,
  expectStopped,
  quote,
  said,
  testsOfStep,
  type Entry,
} from '#harness';

const { test, testEntry } = testsOfStep(1);

test('GET / answers Hello World', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  expect(!app.openedPort, {
    observed: 'A port was opened while app.ts was loading or createApp() was running.',
    why: 'app.ts only builds the app; index.ts makes it listen. An app that opens a port by itself '
      + "can't be built twice, for a test or for a second server.",
    lookAt: 'app.ts: does it call listen()?',
  });

  for (const [path, visitor] of [
    ['/', ''], ['/', ' when the second visitor came'], ['/?from=mail', ''],
  ] as const) {
    const answer = await app.newBrowser().get(path);
    expectNoServerError(answer);
    expect(answer.status === 200, {
      observed: `GET ${path} answered with status ${answer.status} instead of 200${visitor}.`,
      why: answer.status !== 404
        ? '200 means that the page was found. res.send() sets it by itself.'
        : path === '/'
          ? 'Express knows what to do with a request only where a route says it.'
          : "The query, which follows the question mark, isn't part of the path. Links in emails "
            + 'and ads often have one. req.url includes it, but a route looks at the path alone.',
      lookAt: "app.ts: is there an app.get('/', …) that sends an answer, above `return app`?",
      exchange: answer,
    });
    expect(/hello,? world/i.test(answer.body), {
      observed: `GET ${path} answered ${quote(answer.body)}${visitor}. There's no Hello World in `
        + 'it.',
      why: 'The text you give to res.send() is what every visitor sees.',
      lookAt: 'app.ts: what does the route for / send?',
      exchange: answer,
    });
    expect(!answer.type || /^text\/|json|xml/i.test(answer.type), {
      observed: `GET ${path} answered with the type ${answer.type}: the browser saves that as a `
        + 'file.',
      why: 'A browser shows text and HTML. Other types and attachments end up in Downloads.',
      lookAt: 'app.ts: is res.send() given a string?',
      exchange: answer,
    });
  }
});

test('any other path is a 404', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  const home = await browser.get('/');
  expect(home.status !== 404, {
    observed: 'Every path answers with status 404, even GET /.',
    why: "A 404 says that there's nothing here. It's right everywhere but at /.",
    lookAt: "app.ts: is there an app.get('/', …)?",
    exchange: home,
  });

  for (const path of ['/no-such-page', '/app.ts', '/package.json']) {
    const nowhere = await browser.get(path);
    expectNoServerError(nowhere);
    expect(nowhere.status === 404, {
      observed: `GET ${path} answered with status ${nowhere.status} instead of 404.`,
      why: path === '/no-such-page'
        ? 'The route answers every path. So a mistyped address looks right, and a /logout below it '
        + 'would never be reached.'
        : 'Anyone can read your code, and whatever else is in that folder. Serve only folders that '
          + 'everyone may see.',
      lookAt: path === '/no-such-page'
        ? "app.ts: app.get('/', …) answers one path, app.use(…) answers all."
        : 'app.ts: which folder does express.static() serve?',
      exchange: nowhere,
    });
  }

  const script = '<script>alert(1)</script>';
  for (const path of [`/${encodeURIComponent(script)}`, '/%']) {
    const answer = await browser.get(path);
    const runsIt = answer.body.includes(script) && /html/.test(answer.type ?? '');
    expect(answer.status < 500 && !runsIt, {
      observed: runsIt
        ? `The HTML that answered GET ${path} holds ${script}, and a browser runs that.`
        : `GET ${path} answered with status ${answer.status}: ${quote(answer.body)}.`,
      why: "Anyone can choose what's in an address: a link is enough. In a page, < has to be &lt;, "
        + "or it's code. And not every address can be decoded.",
      lookAt: 'app.ts: does your page for a 404 need the path?',
      exchange: answer,
    });
  }
});

const withPort = { move: 2, later: true, shared: true, env: () => ({}) };
testEntry('index.ts listens on PORT', withPort, async (entry) => {
  const { PORT = '' } = entry.env;
  await expectListening(entry, PORT, `PORT was ${PORT}`);
});

const withoutPort = { move: 2, env: () => ({ PORT: undefined }) };
testEntry('without PORT it listens on 4000', withoutPort, async (entry) => {
  await expectListening(entry, '4000', "PORT wasn't set");
});

const withEmptyPort = { move: 2, env: () => ({ PORT: '' }) };
testEntry('an empty PORT counts as missing', withEmptyPort, async (entry) => {
  await expectListening(entry, '4000', 'PORT was empty, as in `PORT=`');
});

async function expectListening(entry: Entry, expected: string, given: string): Promise<void> {
  const [answer] = await expectServing(entry, given, expected);
  expect(/hello,? world/i.test(answer.body), {
    observed: "index.ts listens, but GET / on its port doesn't answer Hello World.",
    why: "The app that's listening isn't the one that createApp() builds.",
    lookAt: 'index.ts: which app does it call listen() on?',
  });
  // In a test it gets another port, and it may print that one instead.
  const printed = await entry.printed(/Server running on port (\d+)/);
  expect([expected, String(entry.port)].includes(printed ?? ''), {
    observed: `index.ts listens but didn't print "Server running on port ${expected}". `
      + said(entry),
    why: 'A server that says nothing leaves you guessing whether it runs, and where.',
    lookAt: 'index.ts: what does the callback of listen() print?',
  });
}

const withTakenPort = {
  move: 3, later: true, env: () => ({ PORT: '8080', WORKSHOP_LISTEN_ERROR: 'EADDRINUSE' }),
};
testEntry('a PORT that is taken ends it with a sentence', withTakenPort, async (entry) => {
  const forbidden = await entry.again({ PORT: '80', WORKSHOP_LISTEN_ERROR: 'EACCES' });
  for (const [started, given] of [
    [entry, 'PORT was taken by another server'],
    [forbidden, "The system didn't allow index.ts to listen on PORT (EACCES)"],
  ] as const) {
    await started.ended();
    const { PORT } = started.env;
    const isElsewhere = started.port !== undefined;
    expect(isElsewhere || !/server running|running on port/i.test(started.output), {
      observed: `${given}, and index.ts printed "Server running" all the same.`,
      why: 'In Express 5, the callback of listen() gets the error if listening failed. If you '
        + "ignore it, your app says that it's running when it isn't.",
      lookAt: 'index.ts: does the callback of listen() take an error, and check it first?',
    });
    await expectStopped(started, {
      ...wrongPort,
      given,
      words: new RegExp(`port|EADDRINUSE|EACCES|\\b${PORT}\\b`, 'i'),
      why: "The person who starts the app chooses its port. On any other port, they'll look for it "
        + 'in vain.',
    });
    expect(started.asked.length > 0, {
      observed: `PORT was "${PORT}", and index.ts ended without asking for that port. `
        + said(started),
      why: 'Every whole number from 1 to 65535 is a port. Whether you may have it, the system says '
        + 'when you ask.',
      lookAt: 'index.ts: which values of PORT does it refuse?',
    });
  }
});

const withNoPortNumber = { move: 3, atOnce: true, env: () => ({ PORT: '400O' }) };
testEntry("a PORT that isn't a port number ends it too", withNoPortNumber, async (entry) => {
  const tooLarge = await entry.again({ PORT: '70000' });
  for (const [started, given] of [[entry, '400O'], [tooLarge, '70000']] as const) {
    await started.settled();
    const [asked] = started.asked;
    expect(asked === undefined, {
      observed: `PORT was "${given}", and the app asked for ${Number(asked) >= 0
        ? `port ${asked}`
        : `a socket file named "${asked}"`}.`,
      why: wrongPort.why,
      lookAt: "index.ts: what if Number(PORT) isn't a whole number from 1 to 65535?",
    });
    const words = new RegExp(`port|${given}`, 'i');
    await expectStopped(started, { ...wrongPort, given: `PORT was "${given}"`, words });
  }
});

const wrongPort = {
  names: 'PORT',
  why: "That's a typo. If the app listens on some other port, you'll look for it in vain.",
  lookAt: 'index.ts: what does it do with PORT before it listens?',
};
