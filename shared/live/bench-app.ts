/*
 * The apps of the bench: BENCH_STORE is none, memory, mongo or touchAfter. `/` counts visits, as in
 * the workshop; `/read` only reads, as most pages of most apps do.
 */
import MongoStore from 'connect-mongo';
import express from 'express';
import session, { type Store } from 'express-session';
import { MongoClient } from 'mongodb';

declare module 'express-session' {
  interface SessionData {
    visits: number;
  }
}

const {
  PORT = '', SESSION_SECRET: secret = '', MONGO_URL = '', BENCH_STORE: kind = '',
} = process.env;

const app = express();
if (kind !== 'none') {
  const store = await makeStore();
  app.use(session({
    secret,
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax' },
    ...store && { store },
  }));
}

app.get('/', (req, res) => {
  if (kind === 'none') return res.send('Hello World');
  req.session.visits = (req.session.visits ?? 0) + 1;
  res.send(`Hello World, visit ${req.session.visits}`);
});

app.get('/read', (req, res) => {
  res.send(`Hello World, visit ${req.session.visits ?? 0}`);
});

app.listen(Number(PORT), () => {
  console.log('listening');
});

async function makeStore(): Promise<Store | undefined> {
  if (kind === 'memory') return undefined;
  const client = await MongoClient.connect(MONGO_URL);
  const touchAfter = kind === 'touchAfter' ? 600 : 0;
  return MongoStore.create({ client, ttl: 60 * 60, touchAfter });
}
