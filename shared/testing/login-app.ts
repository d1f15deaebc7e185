/*
 * A small app with logins like those of steps 5 to 7, as far as the live picture shows them. A name
 * is enough to log in here, without a password.
 */
import MongoStore from 'connect-mongo';
import express from 'express';
import session from 'express-session';
import { MongoClient } from 'mongodb';
import { randomUUID } from 'node:crypto';

declare module 'express-session' {
  interface SessionData {
    visits: number;
    user: string;
    login: string;
  }
}

const { PORT = '', SESSION_SECRET: secret = '', MONGO_URL = '' } = process.env;
const client = await MongoClient.connect(MONGO_URL);
const logins = client.db().collection<{ _id: string; user: string; since: Date }>('logins');

const app = express();
app.use((req, res, next) => {
  const site = req.get('sec-fetch-site') ?? 'none';
  if (req.method === 'GET' || site === 'none' || site === 'same-origin') next();
  else res.status(403).send('Forbidden');
});
app.use(session({
  secret,
  resave: false,
  saveUninitialized: false,
  cookie: { httpOnly: true, sameSite: 'lax' },
  store: MongoStore.create({ client, ttl: 3600 }),
}));

app.get('/', (req, res) => {
  req.session.visits = (req.session.visits ?? 0) + 1;
  res.send(`Hello World, visit ${req.session.visits}`);
});

app.post('/login/:name', (req, res, next) => {
  req.session.regenerate((error) => {
    if (error) return next(error);
    const login = randomUUID();
    req.session.user = req.params.name;
    req.session.login = login;
    req.session.save((error) => {
      if (error) return next(error);
      logins.insertOne({ _id: login, user: req.params.name, since: new Date() })
        .then(() => res.redirect(303, '/'), next);
    });
  });
});

app.listen(Number(PORT), () => console.log('listening'));
