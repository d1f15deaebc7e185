import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { findPort } from '../app/port.ts';
import { folderOf, steps } from '../lesson/steps.ts';
import { openDatabase } from '../mongo/database.ts';
import { messageOf, Problem } from '../terminal/problem.ts';
import type { Place } from './installation.ts';

/** Checks that the app's port is free. A cockpit in another terminal may use it. */
export async function checkPort({ env }: Place): Promise<string> {
  try {
    return `${await findPort(env, 'step:1')} is free`;
  } catch (error) {
    if (/running in another terminal/.test(messageOf(error))) return messageOf(error);
    throw error;
  }
}

/** Checks that programs on this machine reach each other as the app is reached, by IP and name. */
export async function checkLoopback(): Promise<string> {
  const server = createServer((_, response) => response.end('hello'));
  server.listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    const address = server.address();
    const port = address instanceof Object ? address.port : 0;
    for (const host of ['127.0.0.1', 'localhost']) {
      const url = `http://${host}:${port}`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(5000) });
      if (await answer.text() !== 'hello') throw new Error('another answer');
    }
    return '127.0.0.1 and localhost answer';
  } catch {
    throw new Problem(
      "this machine doesn't reach itself over 127.0.0.1 or localhost",
      'look for a firewall or VPN that blocks it, and for localhost in the hosts file',
    );
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Reports which database runs here, and why. Opens it and closes it again. */
export async function checkDatabase({ env }: Place): Promise<string> {
  const database = await openDatabase({ env, say: () => undefined });
  await database.close();
  return database.line.replace('MongoDB: ', '');
}

/** How long the mongod download server may take to respond, in milliseconds. */
const DOWNLOAD_MS = 3000;

/** Checks whether a mongod could be downloaded. It's optional, so no is a good answer too. */
export async function checkDownload({ env }: Place): Promise<string> {
  const mirror = env['MONGOMS_DOWNLOAD_MIRROR'] || 'https://fastdl.mongodb.org';
  // The rest of a mirror's address may contain a login.
  const where = URL.canParse(mirror) ? new URL(mirror).host : 'MONGOMS_DOWNLOAD_MIRROR';
  try {
    await fetch(mirror, { method: 'HEAD', signal: AbortSignal.timeout(DOWNLOAD_MS) });
    return `${where} answers: npm run mongod would work`;
  } catch {
    return `${where} doesn't answer: no network? The stand-in needs none`;
  }
}

/**
 * Checks for a classic trap: over plain HTTP, a `secure` cookie is silently never sent. Behind a
 * proxy that terminates HTTPS, it's right.
 */
export async function checkCookies({ workshop, env }: Place): Promise<string> {
  if (env['NODE_ENV'] === 'production') {
    throw new Problem(
      'NODE_ENV is production, and many apps then send secure cookies only, which need HTTPS',
      'remove NODE_ENV from your shell and from .env',
    );
  }
  for (const step of steps.filter(({ behindProxy }) => !behindProxy)) {
    for (const file of ['session.ts', 'app.ts']) {
      const text = await readFile(path.join(folderOf(step, 'steps', workshop), file), 'utf8')
        .catch(() => '');
      const line = text.split('\n').findIndex((code) => /^[^/*]*\bsecure:\s*true/.test(code)) + 1;
      if (line === 0) continue;
      throw new Problem(
        `steps/${step.folder}/${file}:${line} says secure: true, and over http://localhost no `
        + 'cookie is sent then',
        `take it out, then npm run step:${step.number}`,
      );
    }
  }
  return 'nothing keeps a browser from getting them on http://localhost';
}
