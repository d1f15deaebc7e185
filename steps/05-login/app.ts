import express, { type Express } from 'express';
import session from 'express-session';
import { authenticate } from './accounts.ts';
import { field, readForms } from './forms.ts';
import { accountPage, loginPage, logoutPage } from './pages.ts';
import { cookieName, cookieOptions, sessionOptions, type Settings } from './session.ts';

export function createApp(settings: Settings): Express {
  const { client } = settings;
  const app = express();

  app.use(session(sessionOptions(settings)));
  app.use(readForms);

  app.get('/', (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.send(`Hello World, visit ${req.session.visits}`);
  });

  app.get('/login', (req, res) => {
    res.send(loginPage());
  });

  // TODO Move 1: on POST /login, check the name and password with authenticate(). If they're wrong,
  // answer 401 with the login page and a sentence. If they're right, store the name in the session
  // and redirect to /account.

  // TODO Move 2: begin a new session at each login.

  // TODO Move 3: redirect to /account only once the new session is stored.

  app.get('/account', (req, res) => {
    const { user } = req.session;
    if (user) res.send(accountPage(user));
    else res.redirect('/login');
  });

  app.get('/logout', (req, res) => {
    res.send(logoutPage);
  });

  app.post('/logout', (req, res, next) => {
    req.session.destroy((error) => {
      if (error) return next(error);
      res.clearCookie(cookieName, cookieOptions);
      res.send('Logout complete');
    });
  });

  return app;
}
