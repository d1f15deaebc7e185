import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import type { Finding } from './check.ts';
import { failedToday } from '../mongo/download.ts';
import { findMongod } from '../mongo/mongod.ts';
import { openUrl } from '../mongo/url.ts';
import { Problem } from '../terminal/problem.ts';
import { findPort } from '../app/port.ts';
import { findStarter, isStarter } from '../lesson/starters.ts';
import { root, steps } from '../lesson/steps.ts';

/** Whether the app's port is free. */
export async function checkPort(): Promise<Finding> {
  return asFinding('Port', async () => `${await findPort(process.env, 'step:1')} is free`);
}

/** Whether programs on this machine reach each other, by number and by name. */
export async function checkLoopback(): Promise<Finding> {
  const name = 'Loopback';
  const server = createServer((_, response) => response.end('hello'));
  server.listen(0);
  try {
    await once(server, 'listening');
    const address = server.address();
    const port = address instanceof Object ? address.port : 0;
    for (const host of ['127.0.0.1', 'localhost']) {
      const url = `http://${host}:${port}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      if (await answer.text() !== 'hello') throw new Error('another answer');
    }
    return { name, ok: true, found: '127.0.0.1 and localhost answer' };
  } catch {
    return {
      name, ok: false, found: 'this machine does not reach itself over 127.0.0.1 or localhost',
      next: 'look for a firewall or VPN that blocks it, and for localhost in the hosts file',
    };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Which database would run, and why. Starts none. */
export async function checkDatabase(): Promise<Finding> {
  return asFinding('Database', async () => {
    const { MONGO_URL: url, WORKSHOP_MONGO: forced } = process.env;
    if (url && !forced) return (await openUrl(url)).line.replace('MongoDB: ', '');
    if (forced === 'stand-in') return 'the stand-in (WORKSHOP_MONGO=stand-in)';
    const mongod = await findMongod(process.env);
    if (typeof mongod !== 'string') return `mongod ${mongod.version} at ${mongod.path}`;
    if (forced === 'mongod') {
      throw new Problem(`WORKSHOP_MONGO=mongod, but ${mongod}`, 'npm run mongod');
    }
    const failed = await failedToday();
    if (process.platform === 'win32' || failed) return `the stand-in (${failed ?? mongod})`;
    return `${mongod}: step 3 will try to fetch one, and else take the stand-in`;
  });
}

/** How long the server from which a mongod comes may take to answer, in milliseconds. */
const DOWNLOAD_MS = 3000;

/** Whether a mongod could be fetched. Nobody needs one, so no is a good answer too. */
export async function checkDownload(): Promise<Finding> {
  const mirror = process.env['MONGOMS_DOWNLOAD_MIRROR'] ?? 'https://fastdl.mongodb.org';
  const reachable = await fetch(mirror, {
    method: 'HEAD', signal: AbortSignal.timeout(DOWNLOAD_MS),
  }).then(() => true, () => false);
  const where = mirror.replace(/\/\/[^/@]*@/, '//');
  return {
    name: 'Download',
    ok: true,
    found: reachable
      ? `${where} answers: npm run mongod would work`
      : `${where} does not answer; not needed, the stand-in needs no network`,
  };
}

/** The classic trap: over plain HTTP a cookie that is `secure` is never sent, without a word. */
export async function checkCookies(): Promise<Finding> {
  const name = 'Cookies';
  if (process.env['NODE_ENV'] === 'production') {
    return {
      name, ok: false, found: 'NODE_ENV is production, and many an app then sends secure cookies '
        + 'only, which need HTTPS',
      next: 'remove NODE_ENV from your shell and from .env',
    };
  }
  for (const { folder, number } of steps) {
    for (const file of ['session.ts', 'app.ts']) {
      const text = await readFile(path.join(root, 'steps', folder, file), 'utf8').catch(() => '');
      const line = text.split('\n').findIndex((code) => /^[^/*]*\bsecure:\s*true/.test(code)) + 1;
      if (line > 0) {
        return {
          name, ok: false,
          found: `steps/${folder}/${file}:${line} says secure: true, and over http://localhost no `
            + 'cookie is sent then',
          next: `take it out, then npm run step:${number}`,
        };
      }
    }
  }
  return { name, ok: true, found: 'nothing keeps a browser from getting them on http://localhost' };
}

/** Whether `npm run reset` would find the starters. */
export async function checkStarters(): Promise<Finding> {
  return asFinding('Starters', async () => {
    for (const step of steps) if (!await isStarter(step)) await findStarter(step);
    return 'npm run reset finds them';
  });
}

async function asFinding(name: string, look: () => Promise<string>): Promise<Finding> {
  try {
    return { name, ok: true, found: await look() };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { name, ok: false, found: error.message, next: error.next };
  }
}
