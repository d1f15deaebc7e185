import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, expectNoServerError, quote, testsOfStep, type Entry } from '#harness';

const taken = createServer().listen(0).unref();
await once(taken, 'listening');

const { test, testEntry } = testsOfStep(1);

test('GET / answers Hello World', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  expect(!app.openedPort, {
    observed: 'A port was opened while app.ts was read or createApp() was called.',
    why: 'app.ts only builds the app; index.ts lets it listen. Otherwise nobody can build it '
      + 'twice: no test, and no second server.',
    lookAt: 'app.ts: is there a call of listen()?',
  });

  const answer = await app.newBrowser().get('/');
  expectNoServerError(answer);
  expect(answer.status === 200, {
    observed: `GET / answered with status ${answer.status} instead of 200.`,
    why: answer.status === 404
      ? 'Express knows what to do with a request only where a route says it.'
      : '200 is the status of a page that is there. res.send() sets it by itself.',
    lookAt: "app.ts: is there an app.get('/', …) that sends an answer?",
    exchange: answer,
  });
  expect(/hello,? world/i.test(answer.body), {
    observed: `GET / answered ${quote(answer.body)}; there is no Hello World in it.`,
    why: 'The text that res.send() is given is what the browser shows.',
    lookAt: 'app.ts: what does the route of / send?',
    exchange: answer,
  });
});

test('any other path is a 404', { move: 1 }, async ({ openApp }) => {
  const app = await openApp();
  const browser = app.newBrowser();
  const home = await browser.get('/');
  expect(home.status !== 404, {
    observed: 'Every path answers with status 404, even GET /.',
    why: 'A 404 says that there is nothing here. It is right everywhere but at /.',
    lookAt: "app.ts: is there an app.get('/', …)?",
    exchange: home,
  });

  const nowhere = await browser.get('/no-such-page');
  expectNoServerError(nowhere);
  expect(nowhere.status === 404, {
    observed: `GET /no-such-page answered with status ${nowhere.status} instead of 404.`,
    why: 'The route answers every path, so that a mistyped address looks right, and a /logout '
      + 'beside it would never be reached.',
    lookAt: "app.ts: app.get('/', …) answers one path, app.use(…) answers all.",
    exchange: nowhere,
  });
});

const port = String(20_000 + Math.floor(Math.random() * 10_000));

const withPort = { move: 2, env: () => ({ PORT: port }) };
testEntry('index.ts listens on PORT', withPort, async (entry) => {
  await expectListening(entry, port, `PORT was ${port}`);
});

const withoutPort = { move: 2, env: () => ({ PORT: undefined }) };
testEntry('without PORT it listens on 4000', withoutPort, async (entry) => {
  await expectListening(entry, '4000', 'PORT was not set');
});

const withEmptyPort = { move: 2, env: () => ({ PORT: '' }) };
testEntry('an empty PORT counts as missing', withEmptyPort, async (entry) => {
  await expectListening(entry, '4000', 'PORT was empty');
});

async function expectListening(entry: Entry, expected: string, given: string): Promise<void> {
  await entry.settled();
  expect(entry.askedFor !== undefined, {
    observed: entry.running
      ? `index.ts runs but does not listen. It printed: “${entry.lastWords}”`
      : `${given}, and index.ts ended (exit code ${entry.ending}) without listening. `
        + said(entry),
    why: given === 'PORT was empty'
      ? 'A line such as PORT= sets it to an empty text. That chooses no port, so it counts as '
      + 'missing.'
      : 'Nobody can visit an app that listens on no port.',
    lookAt: given === 'PORT was empty'
      ? "index.ts: what is PORT || 4000 when PORT is ''? And PORT ?? 4000?"
      : 'index.ts: is the app that createApp() returns asked to listen?',
  }, entry.output);
  expect(entry.askedFor === expected, {
    observed: `${given}, but the app asked for port ${entry.askedFor}.`,
    why: 'The person who runs the app chooses its port with PORT; 4000 is the default.',
    lookAt: 'index.ts: how is process.env.PORT read, and what if it is not set, or empty?',
  });

  const { port } = entry;
  expect(port !== undefined, {
    observed: `index.ts asked for port ${expected} and then ended. ${said(entry)}`,
    why: 'Nobody can visit an app that has ended.',
    lookAt: 'index.ts: what happens once it listens?',
  }, entry.output);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(5000) })
    .then((response) => response.text(), () => '');
  expect(/hello,? world/i.test(answer), {
    observed: 'index.ts listens, but GET / on its port does not answer Hello World.',
    why: 'Another app than the one that createApp() builds is listening.',
    lookAt: 'index.ts: which app is asked to listen?',
  });
  const line = `Server running on port ${expected}`;
  expect(await entry.printed(line), {
    observed: `index.ts listens but did not print “${line}”. ${said(entry)}`,
    why: 'A server that says nothing leaves you guessing whether it runs, and where.',
    lookAt: 'index.ts: what does the callback of listen() print?',
  });
}

const withTakenPort = {
  move: 3,
  env: () => {
    const occupied = String((taken.address() as AddressInfo).port);
    return { PORT: occupied, WORKSHOP_TAKEN_PORT: occupied };
  },
};
testEntry('a PORT that is taken ends it with a sentence', withTakenPort, async (entry) => {
  await entry.ended();
  expect(!/running/i.test(entry.output), {
    observed: 'PORT was taken by another server, and index.ts printed '
      + `“${entry.lastWords}” all the same.`,
    why: 'In Express 5 the callback of listen() is called with the error when listening '
      + 'failed. Whoever ignores it says that the server runs, and it does not.',
    lookAt: 'index.ts: does the callback of listen() take an error and look at it first?',
  });
  await expectStopped(entry, 'PORT was taken by another server');
});

const withNoPortNumber = { move: 3, env: () => ({ PORT: 'abc' }) };
testEntry('a PORT that is no port number ends it too', withNoPortNumber, async (entry) => {
  await entry.settled();
  expect(entry.askedFor === undefined, {
    observed: `PORT was “abc”, and the app asked for ${/^\d/.test(entry.askedFor ?? '')
      ? `port ${entry.askedFor}`
      : `a socket file named “${entry.askedFor}”`}.`,
    why: 'Someone mistyped the port. If the app goes on elsewhere, they look for it in vain.',
    lookAt: 'index.ts: what if Number(PORT) is no whole number from 1 to 65535?',
  });
  await expectStopped(entry, 'PORT was “abc”');
});

async function expectStopped(entry: Entry, given: string): Promise<void> {
  expect(await entry.ended(), {
    observed: `${given}, and index.ts went on running.`,
    why: 'A program that cannot do its work must end, so that the person, or the platform '
      + 'that runs it, notices.',
    lookAt: 'index.ts: what ends the process?',
  });
  expect(entry.ending !== 0, {
    observed: `${given}, and index.ts ended with exit code 0, as if all were well.`,
    why: 'The exit code is how a shell or a hosting platform learns that the start failed.',
    lookAt: 'index.ts: does it call process.exit(1)?',
  });
  // Node's own words about a port, `options.port should be …`, are none for that person.
  const words = entry.words.replaceAll(/options\.port|ERR_SOCKET_BAD_PORT/g, '');
  expect(/port|abc|EADDRINUSE/i.test(words), {
    observed: `${given}, and index.ts ended without a word about PORT. ${said(entry)}`,
    why: 'The person at the terminal has to read what to put right.',
    lookAt: 'index.ts: which sentence is printed before the process ends?',
  }, entry.output);
}

function said(entry: Entry): string {
  return entry.lastWords ? `It printed: “${entry.lastWords}”` : 'It printed nothing.';
}
