import { Lesson, lookAtOrigin } from './lesson.ts';
import { secondAnswer } from './second-answer.ts';
import { messageOf } from '../terminal/problem.ts';

type Listener = (error: unknown) => void;
const listeners = new Set<Listener>();

/**
 * The lesson for an exception that no handler caught. In these tests the app runs inside the
 * test's process, which goes on; a real server would have ended here.
 */
function crashLesson(error: unknown): Lesson {
  const exit = error instanceof ProcessEnd;
  const message = messageOf(error);
  const observed = `Your server stopped: ${message}${/[.!?]$/.test(message) ? '' : '.'}`;
  const again = /after they are sent/.test(message) ? secondAnswer() : undefined;
  if (again) return again;
  const known = knownCrashes.find(({ says }) => says.test(message));
  if (known) return new Lesson({ observed, why: known.why, lookAt: known.lookAt }, error);
  return new Lesson({
    observed,
    why: exit
      ? 'The process ends for every visitor, not only for the one who sent this request. Hand '
      + 'errors on with next(error), and let index.ts decide what ends the process.'
      : "An exception inside a callback or a timer is out of Express's reach, and so is a promise "
        + "that isn't awaited: the whole process ends, for every visitor. Hand errors on with "
        + 'next(error).',
    lookAt: lookAtOrigin(exit
      ? 'app.ts: is there a reason to end the process here?'
      : 'app.ts: what runs inside a callback, after the handler itself has returned? Or which '
        + "promise isn't awaited?", error),
  }, error);
}

const knownCrashes = [
  {
    says: /originalMaxAge/,
    why: "express-session can't work with the cookie. maxAge has to be a number of milliseconds, "
      + 'and what comes from the environment is always a string.',
    lookAt: 'session.ts: is maxAge a number, as in Number(process.env.…)?',
  },
  {
    says: /\.db is not a function|reading 'db'/,
    why: 'The store was given something other than a connected MongoClient, such as a Db or a '
      + 'promise. createApp() is given an object, { client, secret }, and MongoClient.connect() '
      + 'gives a promise of a client.',
    lookAt: 'session.ts: where does `client` come from?',
  },
  {
    says: /^next is not defined/,
    why: "next is the third parameter of the route's function. Without it there, calling next() "
      + 'throws, and an exception inside a callback ends the whole process, for every visitor.',
    lookAt: "app.ts: does the route's function take (req, res, next)?",
  },
  {
    says: /^fn is not a function/,
    why: 'regenerate(), save() and destroy() return no promise. They take a callback, and call it '
      + "when they're done.",
    lookAt: 'app.ts: which of them is called without a callback?',
  },
  {
    says: /touch is not a function/,
    why: "req.session is express-session's own object, and has methods. Change its "
      + "properties, but don't put another object in its place.",
    lookAt: 'app.ts: is something assigned to req.session itself?',
  },
  {
    says: /Cannot set headers after they are sent/,
    why: 'A request gets one answer. Sending anything after it throws an error, and inside a '
      + 'callback nothing catches it: the whole process ends, for every visitor.',
    lookAt: 'app.ts: is something sent, or a cookie set, after the answer?',
  },
];

/** Watches for crashes of the app until it is told to stop. */
export function watchForCrashes() {
  let lesson: Lesson | undefined;
  let listener: Listener = () => undefined;
  const promise = new Promise<never>((resolve, reject) => {
    listener = (error) => {
      lesson ??= crashLesson(error);
      reject(lesson);
    };
  });
  // Code that doesn't wait for it asks for the lesson.
  promise.catch(() => undefined);
  listeners.add(listener);
  return {
    /** Rejects with a lesson at the first crash. */
    promise,
    /** The lesson of the first crash, once there was one. */
    lesson: () => lesson,
    stop: () => listeners.delete(listener),
  };
}

function tell(error: unknown): void {
  for (const listener of listeners) listener(error);
}

class ProcessEnd extends Error {}

/**
 * From now on the app can't take this process down with it: its crashes are told to those who
 * watch, and a call that ends the process throws instead, which stops the code that called it.
 * @returns what really ends the process
 */
export function guardProcess(): (code: number) => never {
  const exit = process.exit.bind(process);
  const kill = process.kill.bind(process);
  const end = (call: string): never => {
    const error = new ProcessEnd(`${call} was called`);
    tell(error);
    throw error;
  };
  process.on('uncaughtException', tell);
  process.on('unhandledRejection', tell);
  process.exit = (code) => end(`process.exit(${code ?? ''})`);
  process.abort = () => end('process.abort()');
  process.kill = (pid, signal) => (
    pid === process.pid && signal !== 0 ? end('process.kill(process.pid)') : kill(pid, signal)
  );
  return exit;
}
