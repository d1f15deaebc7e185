import express, {
  type Express,
  type NextFunction,
  type Request,
  type Response,
} from 'express';
import session from 'express-session';
import { authenticate, changePassword } from './accounts.ts';
import { field, readForms } from './forms.ts';
import { httpsOnly } from './https-only.ts';
import {
  beginLogin,
  endLogin,
  endLogins,
  findLogin,
  listLogins,
  type Login,
} from './logins.ts';
import { accountPage, loginPage, logoutPage } from './pages.ts';
import { sameOrigin } from './same-origin.ts';
import { cookieName, cookieOptions, sessionOptions, type Settings } from './session.ts';

export function createApp(settings: Settings): Express {
  const { client } = settings;
  const app = express();
  // There is one proxy in front of the app. Its X-Forwarded-Proto says how a request came.
  app.set('trust proxy', 1);

  // TODO Move 2: answer GET /health above everything else.
  app.use(httpsOnly);
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
    if (!await authenticate(client, login.user, field(req, 'password'))) {
      await showAccount(res.status(403), login, "That isn't your password.");
      return;
    }
    if (!await changePassword(client, login.user, field(req, 'new'))) {
      await showAccount(res.status(400), login, 'A password needs at least 8 characters.');
      return;
    }

    await endLogins(client, login.user);
    await enter(login.user, req, res, next);
  });

  app.post('/account/end', async (req, res) => {
    const { login } = res.locals;
    if (!login) {
      res.redirect(303, '/login');
      return;
    }
    if (!await authenticate(client, login.user, field(req, 'password'))) {
      await showAccount(res.status(403), login, "That isn't your password.");
      return;
    }

    await endLogin(client, { _id: field(req, 'login'), user: login.user });
    res.redirect(303, '/account');
  });

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

  // TODO Move 2: let outage have the errors.

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
      logins: await listLogins(client, user),
      own: _id,
    }));
  }

  return app;
}
