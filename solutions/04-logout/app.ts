import express, { type Express } from 'express';
import session from 'express-session';
import { cookieName, cookieOptions, sessionOptions, type Settings } from './session.ts';

const logoutPage = `<!doctype html>
<title>Log out</title>
<form method="post" action="/logout">
  <button>Log out</button>
</form>
`;

export function createApp(settings: Settings): Express {
  const app = express();

  app.use(session(sessionOptions(settings)));

  app.get('/', (req, res) => {
    req.session.visits = (req.session.visits ?? 0) + 1;
    res.send(`Hello World, visit ${req.session.visits}`);
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
