import express, {
  type Express,
  type NextFunction,
  type Request,
  type Response,
} from 'express';
import session from 'express-session';
import { authenticate, changePassword } from './accounts.ts';
import { field, readForms } from './forms.ts';
import {
  beginLogin,
  endLogin,
  findLogin,
  type Login,
} from './logins.ts';
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
    res.locals.login = await findLogin(client, req.session.login);
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

    await enter(user, req, res, next);
  });

  app.get('/account', async (req, res) => {
    const { login } = res.locals;
    if (login) await showAccount(res, login);
    else res.redirect('/login');
  });

  app.post('/account/password', async (req, res, next) => {
    const { login } = res.locals;
    if (!login) {
      res.redirect(303, '/login');
      return;
    }
    // TODO Move 1: change nothing unless the `password` field is right.
    if (!await changePassword(client, login.user, field(req, 'new'))) {
      await showAccount(res.status(400), login, 'A password needs at least 8 characters.');
      return;
    }

    // TODO Move 1: end all of this user's logins. enter() then begins a new one in this browser.
    await enter(login.user, req, res, next);
  });

  // TODO Move 3: on POST /account/end, end the login whose id is in the `login` field, if it's this
  // user's and the password is right.

  app.get('/logout', (req, res) => {
    res.send(logoutPage);
  });

  app.post('/logout', async (req, res, next) => {
    if (res.locals.login) await endLogin(client, res.locals.login);
    req.session.destroy((error) => {
      if (error) return next(error);
      res.clearCookie(cookieName, cookieOptions);
      res.send('Logout complete');
    });
  });

  /** Gives this browser a new session with a new login, and redirects to the account. */
  async function enter(user: string, req: Request, res: Response, next: NextFunction) {
    if (res.locals.login) await endLogin(client, res.locals.login);
    const login = await beginLogin(client, user, req.get('User-Agent'));
    req.session.regenerate((error) => {
      if (error) return next(error);
      req.session.login = login;
      req.session.save((error) => {
        if (error) return next(error);
        res.redirect(303, '/account');
      });
    });
  }

  /** Shows the account, and where its user is logged in. */
  async function showAccount(res: Response, { _id, user }: Login, problem = '') {
    res.send(accountPage(user, {
      problem,
      // TODO Move 2: hand over the user's logins, and the id of the one in this browser.
    }));
  }

  return app;
}
