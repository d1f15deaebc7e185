/*
 * What the text claims about packages, checked against the installed versions: an update that makes
 * a sentence of WORKSHOP.md untrue turns a test red here.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { after, mock, test, type TestContext } from 'node:test';
import MongoStore, { MongoStore as NamedMongoStore } from 'connect-mongo';
import express, { type RequestHandler } from 'express';
import session, { MemoryStore, type SessionOptions, type Store } from 'express-session';
import { MongoClient, type Collection } from 'mongodb';
import request from 'supertest';
import { openDatabase } from '../mongo/database.ts';
import { listen } from '../testing/workshop.ts';

declare module 'express-session' {
  interface SessionData {
    visits: number;
    when: Date;
  }
}

process.env.NO_DEPRECATION = 'express-session';

interface Stored {
  _id: string;
  expires: Date;
  session: unknown;
}

const HOUR = 60 * 60;
const secret = 'a secret of this file';
const server = await openDatabase({ env: { WORKSHOP_MONGO: 'stand-in' }, say: () => undefined });
const client = await MongoClient.connect(server.url);
after(async () => {
  await client.close();
  await server.close();
});

/** Counts visits, as the workshop's app does. */
const count: RequestHandler = (req, res) => {
  req.session.visits = (req.session.visits ?? 0) + 1;
  res.send(`visit ${req.session.visits}`);
};
const read: RequestHandler = (req, res) => { res.send(`visits so far: ${req.session.visits}`); };

/** An app with the workshop's options, unless overridden. */
function createApp(options: Partial<SessionOptions> = {}) {
  const app = express();
  // Express would log errors after a response, with their stack.
  app.set('env', 'test');
  app.use(session({ secret, resave: false, saveUninitialized: false, ...options }));
  app.get('/', count);
  app.get('/read', read);
  return app;
}

/** Creates a store in its own database, and waits for its index. */
async function createStore(options: object = {}) {
  const dbName = randomUUID();
  const store = MongoStore.create({ client, dbName, ttl: HOUR, ...options });
  const sessions = client.db(dbName).collection<Stored>('sessions');
  await Reflect.get(store, 'collectionP');
  return { store, sessions };
}

/** The cookies of a response, ready to be sent back. */
function cookiesOf({ headers }: request.Response): string {
  const all: unknown = headers['set-cookie'];
  return Array.isArray(all) ? all.map((each) => String(each).split(';')[0]).join('; ') : '';
}

function setClock(t: TestContext, now: number): void {
  mock.timers.reset();
  mock.timers.enable({ apis: ['Date'], now });
  t.after(() => { mock.timers.reset(); });
}

async function secondsLeft(sessions: Collection<Stored>) {
  const found = await sessions.findOne();
  return Math.round(((found?.expires.getTime() ?? 0) - Date.now()) / 1000);
}

test('Express 5 hands a listen error to the callback', async () => {
  const taken = createServer();
  const port = await listen(taken);
  const error = await new Promise((resolve) => { express().listen(port, resolve); });
  assert.match(String(error), /EADDRINUSE/);
  taken.close();
});

test('the cookie is connect.sid: a signed id of 32 characters, without expiry', async () => {
  const answer = await request(createApp()).get('/');
  const [cookie = ''] = [answer.headers['set-cookie'] as unknown].flat();
  assert.match(String(cookie), /^connect\.sid=s%3A[\w-]{32}\.[\w%]+; Path=\/; HttpOnly$/);
});

test('without a secret every request is an error', async () => {
  const { status, text } = await request(createApp({ secret: '' })).get('/read');
  assert.equal(status, 500);
  assert.match(text, /secret option required for sessions/);
});

test('saveUninitialized is true by default', async () => {
  const quiet = await request(createApp()).get('/read');
  assert.equal(cookiesOf(quiet), '');
  const app = express().use(session({ secret, resave: false })).get('/read', read);
  assert.notEqual(cookiesOf(await request(app).get('/read')), '');
});

test('a forged cookie is refused without asking the store', async () => {
  const store = new MemoryStore();
  const get = mock.method(store, 'get');
  await request(createApp({ store })).get('/').set('Cookie', `connect.sid=s%3A${'x'.repeat(32)}.y`);
  assert.equal(get.mock.callCount(), 0);
});

test('with secure: true there is no cookie over HTTP, and the session is stored', async () => {
  const store = new MemoryStore();
  const answer = await request(createApp({ store, cookie: { secure: true } })).get('/');
  assert.equal(cookiesOf(answer), '');
  assert.equal(Object.keys(Reflect.get(store, 'sessions') as object).length, 1);
});

test('sessions are JSON: a Date comes back as a string', async () => {
  const app = express().use(session({ secret, resave: false, saveUninitialized: false }));
  app.get('/', (req, res) => {
    const kind = typeof req.session.when;
    req.session.when = new Date();
    res.send(kind);
  });
  const cookie = cookiesOf(await request(app).get('/'));
  assert.equal((await request(app).get('/').set('Cookie', cookie)).text, 'string');
});

test('the first of several secrets signs, and all of them are accepted', async () => {
  const store = new MemoryStore();
  const cookie = cookiesOf(await request(createApp({ store, secret: 'old' })).get('/'));
  const both = createApp({ store, secret: ['new', 'old'] });
  const answer = await request(both).get('/').set('Cookie', cookie);
  assert.equal(answer.text, 'visit 2');
  assert.equal(cookiesOf(answer), '', 'an existing cookie is not signed again …');
  const rolling = createApp({ store, secret: ['new', 'old'], rolling: true });
  const fresh = cookiesOf(await request(rolling).get('/').set('Cookie', cookie));
  const onlyNew = createApp({ store, secret: 'new' });
  assert.equal((await request(onlyNew).get('/').set('Cookie', cookie)).text, 'visit 1');
  const known = await request(onlyNew).get('/').set('Cookie', fresh);
  assert.equal(known.text, 'visit 4', '… but with rolling it is');
});

test('a document expires after 14 days by default, after ttl seconds, or with the cookie',
  async () => {
    const cases: [object, SessionOptions['cookie'], number][] = [
      [{ ttl: undefined }, {}, 14 * 24 * HOUR],
      [{}, {}, HOUR],
      [{ ttl: 20_000 }, { maxAge: 20_000 }, 20],
    ];
    for (const [options, cookie, seconds] of cases) {
      const { store, sessions } = await createStore(options);
      await request(createApp({ store, cookie: cookie ?? {} })).get('/');
      assert.ok(Math.abs(await secondsLeft(sessions) - seconds) <= 1);
    }
  });

test('its TTL index deletes at the date in expires', async () => {
  const { sessions } = await createStore();
  const indexes = await sessions.indexes();
  assert.deepEqual(
    indexes.map(({ key, expireAfterSeconds }) => [key, expireAfterSeconds]),
    [[{ _id: 1 }, undefined], [{ expires: 1 }, 0]],
  );
});

test('the document is named by the id in the cookie, and holds the session as JSON', async () => {
  const { store, sessions } = await createStore();
  const cookie = decodeURIComponent(cookiesOf(await request(createApp({ store })).get('/')));
  const found = await sessions.findOne();
  assert.ok(cookie.startsWith(`connect.sid=s:${found?._id}.`));
  assert.match(String(found?.session), /"visits":1}$/);
});

test('with stringify: false a query can look into a session', async () => {
  for (const [options, found] of [[{}, 0], [{ stringify: false }, 1]] as const) {
    const { store, sessions } = await createStore(options);
    await request(createApp({ store })).get('/');
    assert.equal(await sessions.countDocuments({ 'session.visits': 1 }), found);
  }
});

test('an expired session is not found, even before it is deleted', async (t) => {
  const { store } = await createStore({ autoRemove: 'disabled' });
  const app = createApp({ store });
  const cookie = cookiesOf(await request(app).get('/'));
  setClock(t, Date.now() + (HOUR + 1) * 1000);
  assert.equal((await request(app).get('/').set('Cookie', cookie)).text, 'visit 1');
});

test('touchAfter above ttl ends the session of an active reader', async (t) => {
  const { store } = await createStore({ ttl: 3, touchAfter: 10, autoRemove: 'disabled' });
  const app = createApp({ store });
  const cookie = cookiesOf(await request(app).get('/'));
  const start = Date.now();
  const texts = [];
  for (const second of [1, 2, 3.5]) {
    setClock(t, start + second * 1000);
    texts.push((await request(app).get('/read').set('Cookie', cookie)).text.at(-1));
  }
  assert.deepEqual(texts, ['1', '1', 'd']);
});

test('a session is stored as a whole: of three visits at once, two are lost', async () => {
  const store = new MemoryStore();
  let waiting: (() => void)[] = [];
  const app = express().use(session({ store, secret, resave: false, saveUninitialized: false }));
  app.get('/', count);
  app.get('/slow', (req, res, next) => {
    waiting.push(() => { count(req, res, next); });
    if (waiting.length < 3) return;
    for (const goOn of waiting) goOn();
    waiting = [];
  });
  const cookie = cookiesOf(await request(app).get('/'));
  const agent = () => request(app).get('/slow').set('Cookie', cookie);
  const answers = await Promise.all([agent(), agent(), agent()]);
  assert.deepEqual(answers.map(({ text }) => text), ['visit 2', 'visit 2', 'visit 2']);
});

test('when saving fails, the visitor has already read a 200', async () => {
  const store = new MemoryStore();
  mock.method(store, 'set', (id: string, data: unknown, callback: (error: Error) => void) => {
    setImmediate(() => { callback(new Error('the store is away')); });
  });
  const listening = createServer(createApp({ store }));
  const { status } = await fetch(`http://127.0.0.1:${await listen(listening)}/`);
  assert.equal(status, 200);
  listening.closeAllConnections();
  listening.close();
});

test('during an outage known visitors get a 500', async () => {
  const store = new MemoryStore();
  const app = createApp({ store });
  const cookie = cookiesOf(await request(app).get('/'));
  mock.method(store, 'get', (id: string, callback: (error: Error) => void) => {
    callback(new Error('the store is away'));
  });
  assert.equal((await request(app).get('/read')).status, 200);
  assert.equal((await request(app).get('/read').set('Cookie', cookie)).status, 500);
});

test('destroy() returns no promise and deletes before its callback is called', async () => {
  const { store, sessions } = await createStore();
  const app = createApp({ store });
  app.post('/logout', (req, res, next) => {
    const returned: unknown = req.session.destroy((error) => {
      if (error) return next(error);
      void sessions.countDocuments().then((left) => res.send(`${left} left`));
    });
    assert.ok(!(returned instanceof Promise));
  });
  const cookie = cookiesOf(await request(app).get('/'));
  assert.equal((await request(app).post('/logout').set('Cookie', cookie)).text, '0 left');
});

test("what destroy's callback throws comes back to it as the error", async () => {
  const { store } = await createStore();
  const app = createApp({ store });
  app.post('/logout', (req, res) => {
    req.session.destroy((error?: Error) => {
      if (!error) throw new Error('thrown in the callback');
      res.send(error.message);
    });
  });
  assert.equal((await request(app).post('/logout')).text, 'thrown in the callback');
});

test("unset: 'destroy' deletes the document, and by default req.session = null does not",
  async () => {
    for (const [unset, left] of [['keep', 1], ['destroy', 0]] as const) {
      const { store, sessions } = await createStore();
      const app = createApp({ store, unset });
      app.post('/logout', (req, res) => {
        Reflect.set(req, 'session', null);
        res.send('out');
      });
      const cookie = cookiesOf(await request(app).get('/'));
      await request(app).post('/logout').set('Cookie', cookie);
      assert.equal(await sessions.countDocuments(), left);
    }
  });

test('a reader whose session was destroyed in the meantime cannot touch it', async () => {
  const { store, sessions } = await createStore();
  const app = createApp({ store });
  await request(app).get('/');
  const { _id = '' } = await sessions.findOne() ?? {};
  await sessions.deleteMany({});
  const error = await new Promise((resolve) => {
    // The type lacks the callback.
    (store as unknown as Required<Store>).touch(_id, { cookie: {} } as never, resolve as never);
  });
  assert.match(String(error), /Unable to find the session to touch/);
});

test('what is stored before regenerate() calls back lands in the old session', async () => {
  const { store } = await createStore();
  const app = createApp({ store });
  app.get('/login', (req, res) => {
    req.session.regenerate(() => undefined);
    req.session.visits = 100;
    res.send('in');
  });
  const cookie = cookiesOf(await request(app).get('/'));
  await request(app).get('/login').set('Cookie', cookie);
  assert.equal((await request(app).get('/').set('Cookie', cookie)).text, 'visit 101');
});

test('clearCookie() empties the cookie and expires it in 1970, whatever maxAge says', async () => {
  const app = express().get('/', (req, res) => {
    res.clearCookie('connect.sid', { httpOnly: true, maxAge: 1000 }).send('out');
  });
  const [cookie] = [(await request(app).get('/')).headers['set-cookie'] as unknown].flat();
  assert.equal(cookie, 'connect.sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly');
});

test('connect-mongo is imported by default or by name; require() gives no function', () => {
  assert.equal(MongoStore, NamedMongoStore);
  const required: unknown = createRequire(import.meta.url)('connect-mongo');
  assert.equal(typeof required, 'object');
});

test('express.urlencoded() parses a form; a repeated field is a list', async () => {
  const app = express().use(express.urlencoded());
  app.post('/', (req, res) => { res.json({ body: (req.body as unknown) ?? 'none' }); });
  const twice = await request(app).post('/').type('form').send('a=1&a=2');
  assert.deepEqual(twice.body, { body: { a: ['1', '2'] } });
  assert.deepEqual((await request(app).post('/')).body, { body: 'none' });
});
