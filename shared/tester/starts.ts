/*
 * What every index.ts has to do: serve, or stop with one sentence.
 */
import type { Exchange } from './browser.ts';
import type { Entry } from './entry.ts';
import { explain } from './explain.ts';
import { expect, Lesson, lookAtOrigin } from './lesson.ts';
import { expectNoServerError } from './visits.ts';

/**
 * Expects that index.ts listens, answers a browser and still answers when it comes back.
 * @param given what it was started with: `PORT was empty`
 * @param port the port that it has to ask for, if that matters
 * @returns both answers
 * @throws {Lesson}
 */
export async function expectServing(
  entry: Entry,
  given: string,
  port?: string,
): Promise<[Exchange, Exchange]> {
  await entry.settled();
  const [asked, ...others] = entry.asked;
  if (asked === undefined) throw notListening(entry, given);
  expect(asked !== 'a function', {
    observed: 'listen() got a function where the port belongs.',
    why: 'The port comes first, and then the function that runs once the app listens.',
    lookAt: 'index.ts: what is listen() given, and in which order?',
  });
  expect(port === undefined || asked === port, {
    observed: `${given}, but the app asked for port ${asked || '"" (an empty string)'}.`,
    why: 'Whether an app runs on 4000 or elsewhere is up to the person who starts it, with PORT. '
      + '4000 is the default.',
    lookAt: "index.ts: how is process.env.PORT read, and what if it isn't set, or is empty?",
  });
  expect(entry.port !== undefined, {
    observed: `index.ts asked for port ${asked} and then ended. ${said(entry)}`,
    why: 'Nobody can visit an app that has ended.',
    lookAt: 'index.ts: what happens once it listens?',
  }, entry.output);

  const browser = entry.newBrowser();
  const visit = async (isFirst: boolean) => {
    const answer = await browser.get('/').catch(async (error: unknown) => {
      const hasEnded = await entry.ended();
      if (isFirst && !hasEnded) throw error;
      throw new Lesson({
        observed: !hasEnded
          ? 'index.ts answered its first visitor, and nobody after that.'
          : `index.ts listened, and then it ended (exit code ${entry.ending}). ${said(entry)}`,
        why: 'A server keeps running and answers every visitor, until you end it.',
        lookAt: others.length > 0
          ? 'index.ts: listen() is called twice (in app.ts, too?). Which call is one too many?'
          : 'index.ts: what happens once it listens?',
      }, entry.output);
    });
    if (answer.status < 500) return answer;
    // In production, Express tells of an error in the log alone.
    await entry.printed(/Error\b/);
    const told = { ...answer, body: `${answer.body}\n${entry.output}` };
    expect(!told.body.includes('secret option required'), {
      observed: `index.ts listens, and GET / answered with status ${answer.status}: `
        + 'express-session got no secret.',
      why: 'createApp() needs the secret, under that name.',
      lookAt: 'index.ts: is createApp() given { secret: SESSION_SECRET }?',
      exchange: answer,
    }, entry.output);
    expectNoServerError(told);
    return answer;
  };
  return [await visit(true), await visit(false)];
}

function notListening(entry: Entry, given: string): Lesson {
  if (entry.running) {
    return new Lesson({
      observed: `${given}, and index.ts runs but doesn't listen. ${said(entry)}`,
      why: 'Nobody can visit an app that listens on no port.',
      lookAt: 'index.ts: what does it wait for before it calls listen()?',
    }, entry.output);
  }
  return explain(entry.output, 'index.ts') ?? new Lesson({
    observed: `${given}, and index.ts ended (exit code ${entry.ending}) without listening. `
      + said(entry),
    why: entry.ending === 0
      ? 'Nobody can visit an app that listens on no port.'
      : 'With these settings the app has to start.',
    lookAt: lookAtOrigin(entry.ending === 0
      ? 'index.ts: does it call listen() on the app that createApp() returns?'
      : `index.ts: what ends it?${given.startsWith('PORT was empty')
        ? ' PORT= is an empty string. What are PORT || 4000 and PORT ?? 4000 then?'
        : ''}`, entry.output),
  }, entry.output);
}

/** What keeps an app from starting, and what has to be said then. */
interface Obstacle {
  /** `SESSION_SECRET was not set` */
  given: string;
  /** What the person at the terminal has to read about. */
  names: string;
  /** The words that say so, if not its name. */
  words?: RegExp;
  /** What it means if the app listens all the same. */
  why: string;
  lookAt: string;
}

/**
 * Expects that index.ts ends with an exit code and a sentence.
 * @throws {Lesson}
 */
export async function expectStopped(entry: Entry, obstacle: Obstacle): Promise<void> {
  const { given, names, words = new RegExp(names), why, lookAt } = obstacle;
  await entry.settled();
  expect(entry.port === undefined, {
    observed: `${given}, and index.ts listens all the same.`, why, lookAt,
  });
  expect(await entry.ended(), {
    observed: `${given}, and index.ts neither listened nor ended. ${said(entry)}`,
    why: "A program that can't do its work has to end: then you notice, and so does a hosting "
      + 'platform.',
    lookAt: 'index.ts: what ends the process?',
  });
  expect(entry.ending !== 0, {
    observed: `${given}, and index.ts ended with exit code 0, as if all were well.`,
    why: 'A shell or a hosting platform learns from the exit code that the start failed.',
    lookAt: 'index.ts: does it call stop()? And does that end with process.exit(1)?',
  });
  if (words.test(entry.words)) return;
  throw explain(entry.output, 'index.ts') ?? new Lesson(entry.mistake
    ? {
        observed: `${given}, and index.ts ended with an error: "${entry.lastWords}"`,
        why: `Nobody can tell from this error that ${names} is the problem. If it has nothing to `
          + `do with ${names}, fix it first: index.ts can't start.`,
        lookAt: lookAtOrigin(lookAt, entry.output),
      }
    : {
        observed: `${given}, and index.ts ended without a word about ${names}. ${said(entry)}`,
        why: 'The person at the terminal has to read what to fix.',
        lookAt: 'index.ts: what does the sentence in stop() say?',
      }, entry.output);
}

/** What index.ts printed, as the end of a paragraph. */
export function said({ lastWords }: Entry): string {
  return lastWords ? `It printed: "${lastWords}"` : 'It printed nothing.';
}
