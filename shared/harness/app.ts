import { once } from 'node:events';
import { createServer, Server as HttpServer, type RequestListener } from 'node:http';
import { Server, type AddressInfo } from 'node:net';
import { mock } from 'node:test';
import type { Express } from 'express';
import type { MongoClient } from 'mongodb';
import { Browser } from './browser.ts';
import type { TestDatabase } from './database.ts';
import { expect, Lesson, messageOf } from './lesson.ts';
import { currentSubject, subjectFile } from './subject.ts';

/** What every step's app.ts exports. Steps 1 and 2 have no use for the client. */
type CreateApp = (client?: MongoClient) => Express | Promise<Express>;

/** An app under test, listening on a port of its own. */
export interface RunningApp {
  readonly url: string;
  /** Whether something opened a port while app.ts was read or the app was built. */
  readonly openedPort: boolean;
  /** The database that the app was given; steps 1 and 2 have none. */
  readonly database: TestDatabase | undefined;
  /** A browser that has never been here. */
  newBrowser: () => Browser;
  /** Runs, at once, what the app has set to run at long intervals. */
  runIntervals: () => void;
  close: () => Promise<void>;
}

/**
 * Builds the learner's app and lets it listen on any free port of 127.0.0.1.
 * @param database what the app gets a client for
 * @throws {Lesson} when app.ts cannot be read or builds no app
 */
export async function startApp(database: TestDatabase | undefined): Promise<RunningApp> {
  process.env.SESSION_SECRET = 'a secret that only the tests use';
  if (database) process.env.MONGO_URL = database.elsewhereUrl;

  const client = await database?.connect();
  const setInterval = mock.method(globalThis, 'setInterval');
  const { result: app, openedPort } = await withoutOpeningPorts(async () => (
    build(await loadCreateApp(), client)
  ));

  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  setInterval.mock.restore();
  const { port } = server.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;

  return {
    url,
    openedPort,
    database,
    newBrowser: () => new Browser(url),
    runIntervals: () => {
      for (const { arguments: [run, ms] } of setInterval.mock.calls) {
        if (typeof run === 'function' && Number(ms) >= 60_000) run();
      }
    },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function loadCreateApp(): Promise<CreateApp> {
  let exported: { createApp?: unknown };
  try {
    exported = await import(subjectFile('app.ts').href) as { createApp?: unknown };
  } catch (error) {
    throw new Lesson({
      observed: `app.ts cannot be loaded: ${messageOf(error)}`,
      why: 'Nothing can be tested before Node can read the file and all that it imports.',
      lookAt: 'app.ts: the line that is named here.',
    }, error);
  }
  const { createApp } = exported;
  expect(isCreateApp(createApp), {
    observed: `app.ts exports ${Object.keys(exported).join(', ') || 'nothing'}, but no function `
      + 'createApp.',
    why: 'index.ts and the tests build the app by calling createApp().',
    lookAt: 'app.ts: does it say `export function createApp()`?',
  });
  return createApp;
}

function isCreateApp(value: unknown): value is CreateApp {
  return typeof value === 'function';
}

async function build(createApp: CreateApp, client: MongoClient | undefined) {
  const call = currentSubject().needsDatabase ? 'createApp(client)' : 'createApp()';
  let app: unknown;
  try {
    app = await createApp(client);
  } catch (error) {
    throw new Lesson({
      observed: `${call} failed: ${messageOf(error)}`,
      why: 'The app could not be built, so there is nothing to visit.',
      lookAt: 'app.ts: what does createApp() call?',
    }, error);
  }
  expect(isRequestListener(app), {
    observed: `${call} returned ${app === null ? 'null' : typeof app}, not an Express app.`,
    why: 'index.ts lets the app that createApp() returns listen on a port.',
    lookAt: 'app.ts: does createApp() end with `return app`?',
  });
  return app;
}

function isRequestListener(value: unknown): value is RequestListener {
  return typeof value === 'function';
}

/** Runs `work` and notices when it opens a port; the port is closed again. */
async function withoutOpeningPorts<T>(work: () => Promise<T>) {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- put back unchanged below
  const { listen } = Server.prototype;
  let openedPort = false;
  Server.prototype.listen = function (this: Server) {
    openedPort ||= this instanceof HttpServer;
    return this;
  };
  try {
    return { result: await work(), openedPort };
  } finally {
    Server.prototype.listen = listen;
  }
}
