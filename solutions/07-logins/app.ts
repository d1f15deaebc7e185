import express, { type Express } from 'express';
import session from 'express-session';
import { authenticate, changePassword } from './accounts.ts';
import { field, readForms } from './forms.ts';
import { beginLogin, endLogin, findUser } from './logins.ts';
import { accountPage, loginPage, logoutPage } from './pages.ts';
import { sameOrigin } from './same-origin.ts';
import { cookieName, cookieOptions, sessionOptions, type Settings } from './session.ts';

export function createApp(settings: Settings): Express {
  const { client } = settings;
  const app = express();

  app.use(sameOrigin);
  app.use(readForms);
  app.use(session(sessionOptions(settings)));
  app.use(async (req, res, next) => {
    res.locals.user = await findUser(client, req.session.login);
    next();
  });

  app.get('/', (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.send(`Hello World, visit ${req.session.visits}`);
  });

  app.get('/login', (req, res) => {
    res.send(loginPage());
  });

  app.post('/login', async (req, res, next) => {
    const user = await authenticate(client, field(req, 'name'), field(req, 'password'));
    if (!user) {
      res.status(401).send(loginPage("That name and password don't match."));
      return;
    }

    await endLogin(client, req.session.login);
    const login = await beginLogin(client, user);
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.login = login;
      req.session.save((error) => {
        if (error) return next(error);
        res.redirect(303, '/account');
      });
    });
  });

  app.get('/account', (req, res) => {
    const { user } = res.locals;
    if (user) res.send(accountPage(user));
    else res.redirect('/login');
  });

  app.post('/account/password', async (req, res) => {
    const { user } = res.locals;
    if (!user) {
      res.redirect(303, '/login');
      return;
    }

    if (!await changePassword(client, user, field(req, 'new'))) {
      const problem = 'A password needs at least 8 characters.';
      res.status(400).send(accountPage(user, { problem }));
      return;
    }

    res.redirect(303, '/account');
  });

  app.get('/logout', (req, res) => {
    res.send(logoutPage);
  });

  app.post('/logout', async (req, res, next) => {
    await endLogin(client, req.session.login);
    req.session.destroy((error) => {
      if (error) return next(error);
      res.clearCookie(cookieName, cookieOptions);
      res.send('Logout complete');
    });
  });

  return app;
}
