/*
 * Helpers for the tests of part two: accounts, and logins as a browser makes them.
 */
import { randomUUID } from 'node:crypto';
import type { RunningApp } from './app.ts';
import type { Browser, Exchange } from './browser.ts';
import { ownPage, submit } from './forms.ts';
import { expect } from './lesson.ts';
import { keepSecret } from './printed.ts';
import { currentSubject, subjectFile } from './subject.ts';
import { expectNoServerError, expectPrivate } from './visits.ts';
import { messageOf } from '../terminal/problem.ts';

/** argon2id at its cheapest. The hash itself says how much work checking it is. */
const cheapest = { memoryCost: 8, timeCost: 1, parallelism: 1 };

/** What a person logs in with. */
export type Account = Readonly<Record<'name' | 'password', string>>;

/**
 * Makes an account with a random password, with createAccount() of the app's accounts.ts.
 * @param cost what argon2id may cost: its cheapest, or {@link fullPrice}
 */
export async function createAccount(
  app: Pick<RunningApp, 'database'>,
  name: string,
  cost: object = cheapest,
): Promise<Account> {
  const exported: unknown = await import(subjectFile('accounts.ts').href).catch(messageOf);
  const create: unknown = Reflect.get(Object(exported), 'createAccount');
  expect(typeof create === 'function', {
    observed: typeof exported === 'string'
      ? `accounts.ts can't be loaded: ${exported}.`
      : 'accounts.ts exports no createAccount().',
    why: 'Without it nobody can get an account, in the tests or in the app.',
    lookAt: "accounts.ts: have you changed it? It's given, and complete.",
  });
  const account = { name, password: randomUUID() };
  keepSecret(account.password, 'a password');
  const client = await app.database?.connect();
  await Reflect.apply(create, undefined, [client, account.name, account.password, cost]);
  return account;
}

/** What a hash costs outside the tests. */
export const fullPrice = {};

/**
 * Logs in with the form at /login, as a person does. The answer may be a refusal.
 * @param agent what the browser says it is
 */
export function tryLogin(browser: Browser, account: Account, agent = ''): Promise<Exchange> {
  const headers = { ...ownPage(browser.url), ...agent && { 'User-Agent': agent } };
  return submit(browser, '/login', '/login', account, headers);
}

/**
 * Logs in, and expects it to work.
 * @returns the answer to the login
 * @throws {Lesson}
 */
export async function logIn(
  browser: Browser,
  account: Account,
  agent?: string,
): Promise<Exchange> {
  const answer = await tryLogin(browser, account, agent);
  expect(answer.status !== 404, noLogin(answer));
  expectNoServerError(answer);
  expect(answer.status < 400, {
    observed: `A login as ${account.name}, with the right password, was answered with status `
      + `${answer.status}.`,
    why: 'The right name and password open the account.',
    lookAt: 'app.ts: what does POST /login do with the result of authenticate()?',
    exchange: answer,
  });
  const page = await browser.get('/account');
  expectNoServerError(page);
  expectPrivate(page);
  const user = userOf(page);
  const { number } = currentSubject().step;
  const finder = number > 7 ? 'findLogin()' : 'findUser()';
  const [, odd] = /logged in as (\[object Promise\]|undefined\b)/i.exec(page.body) ?? [];
  expect(odd === undefined || number < 7, {
    observed: `After a login as ${account.name}, GET /account says “logged in as ${odd}”.`,
    why: 'An async function returns a promise. Without `await` you get the promise instead of the '
      + 'name, and a promise always counts as true.',
    lookAt: `app.ts: is ${finder} awaited wherever it's called?`,
    exchange: page,
  });
  expect(user !== undefined, {
    observed: `After a login as ${account.name}, GET /account answered with status ${page.status} `
      + 'and shows nobody.',
    why: number < 7
      ? 'The login has to be stored in the session whose cookie the browser got. Otherwise '
      + 'GET /account finds nobody logged in.'
      : "The login's id has to be in the session whose cookie the browser got, and the lookup has "
        + 'to find the login.',
    lookAt: number < 7
      ? 'app.ts: what does POST /login store in req.session, and in which session? Is '
      + 'authenticate() awaited?'
      : `app.ts: does ${number > 7 ? 'enter()' : 'POST /login'} store the id that \`await `
        + `beginLogin()\` returns, in the new session? And logins.ts: which login does ${finder} `
        + 'find, and does it await it?',
    exchange: page,
  });
  expect(user === account.name, {
    observed: `After a login as ${account.name}, GET /account says “logged in as ${user}”.`,
    why: "A login opens the user's own account, and no other, no matter who was logged in before.",
    lookAt: 'app.ts: does every way through POST /login check the password? And what does it store '
      + 'in req.session?',
    exchange: page,
  });
  return answer;
}

/** The lesson for an app that has no POST /login yet. */
export function noLogin(answer: Exchange) {
  return {
    observed: 'POST /login answered with status 404: nobody can log in.',
    why: 'The form at /login sends the name and password to POST /login, which needs a route.',
    lookAt: `app.ts: is there an app.post('/login', …)?${currentSubject().step.number > 5
      ? ' And does every middleware above it call next() at most once?'
      : ''}`,
    exchange: answer,
  };
}

/** Whose account a page shows: GET /account says "logged in as NAME". */
export function userOf({ status, body }: Exchange): string | undefined {
  const text = body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
  return status < 300 ? /logged in as ([a-z0-9]{1,20})\b/i.exec(text)?.[1] : undefined;
}
