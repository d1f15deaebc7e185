/*
 * What the tests of part two are written with: accounts, and logins as a browser makes them.
 */
import { randomUUID } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import type { RunningApp } from './app.ts';
import type { Browser, Exchange } from './browser.ts';
import { ownPage, submit } from './forms.ts';
import { expect, messageOf } from './lesson.ts';
import { subjectFile } from './subject.ts';
import { expectNoServerError } from './visits.ts';

/** argon2id at its cheapest. What a hash costs to check stands in the hash itself. */
const cheapest = { memoryCost: 8, timeCost: 1, parallelism: 1 };

/** What a person logs in with. */
export type Account = Readonly<Record<'name' | 'password', string>>;

/**
 * Makes an account with a random password, by the createAccount() of the app's accounts.ts.
 * @param cost what argon2id may cost: its cheapest, or {@link fullPrice}
 */
export async function createAccount(
  app: Pick<RunningApp, 'database'>,
  name: string,
  cost: object = cheapest,
): Promise<Account> {
  const exported: unknown = await import(subjectFile('accounts.ts').href).catch(messageOf);
  const create: unknown = Reflect.get(Object(exported), 'createAccount');
  expect(isCreateAccount(create), {
    observed: typeof exported === 'string'
      ? `accounts.ts cannot be read: ${exported}.`
      : 'accounts.ts exports no createAccount().',
    why: 'Without it nobody gets an account: not in the tests, and not in the app.',
    lookAt: 'accounts.ts: has it changed? It is given, and needs no work.',
  });
  const account = { name, password: randomUUID() };
  await create(await app.database?.connect(), account.name, account.password, cost);
  return account;
}

type CreateAccount = (
  client: MongoClient | undefined, name: string, password: string, cost: object,
) => Promise<void>;

function isCreateAccount(value: unknown): value is CreateAccount {
  return typeof value === 'function';
}

/** What a hash costs outside of the tests. */
export const fullPrice = {};

/**
 * Logs in by the form at /login, as a person does. The answer may be a refusal.
 * @param agent what the browser says it is
 */
export function tryLogin(browser: Browser, account: Account, agent = ''): Promise<Exchange> {
  const headers = { ...ownPage(browser.url), ...agent && { 'User-Agent': agent } };
  return submit(browser, '/login', '/login', account, headers);
}

/**
 * Logs in, and expects that it works.
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
    observed: `${account.name} logged in with the right password, and POST /login answered with `
      + `status ${answer.status}.`,
    why: 'The right name and password open the account.',
    lookAt: 'app.ts: what does POST /login do with what authenticate() returns?',
    exchange: answer,
  });
  const page = await browser.get('/account');
  const user = userOf(page);
  expect(user !== undefined, {
    observed: `${account.name} logged in, and GET /account answered with status ${page.status} `
      + 'and shows nobody.',
    why: 'GET /account reads from the session who is logged in. If the login was not stored there, '
      + 'or not in the session whose cookie the browser got, nobody is.',
    lookAt: 'app.ts: what does POST /login store in req.session, and in which session?',
    exchange: page,
  });
  expect(user === account.name, {
    observed: `${account.name} logged in, and GET /account says “logged in as ${user}”.`,
    why: "A login leads to one's own account, and to nobody else's.",
    lookAt: 'app.ts: what does POST /login store in req.session?',
    exchange: page,
  });
  return answer;
}

/** The lesson of an app that knows no login yet. */
export function noLogin(answer: Exchange) {
  return {
    observed: 'POST /login answered with status 404: nobody can log in.',
    why: 'The form at /login sends name and password to POST /login, and that needs a route.',
    lookAt: "app.ts: is there an app.post('/login', …)?",
    exchange: answer,
  };
}

/** Whose account a page shows: GET /account says "logged in as NAME". */
export function userOf({ status, body }: Exchange): string | undefined {
  const text = body.replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
  return status < 300 ? /logged in as ([a-z0-9]{1,20})\b/i.exec(text)?.[1] : undefined;
}
