import { Lesson, messageOf } from './lesson.ts';

type Listener = (error: unknown) => void;
const listeners = new Set<Listener>();

/**
 * The lesson for an exception that no handler caught. In these tests the app runs inside the
 * test's process, which goes on; a real server would have ended here.
 */
export function crashLesson(error: unknown): Lesson {
  return new Lesson({
    observed: `Your server stopped: ${messageOf(error)}.`,
    why: 'An exception inside a callback or a timer is out of Express\'s reach and ends the '
      + 'whole process, for every visitor. Hand errors on with next(error).',
    lookAt: 'app.ts: what runs inside a callback, after the handler itself has returned?',
  }, error);
}

/** A promise that rejects when the app crashes while a request is under way. */
export function crashed(): { promise: Promise<never>; forget: () => void } {
  let listener: Listener = () => undefined;
  const promise = new Promise<never>((resolve, reject) => {
    listener = (error) => {
      reject(crashLesson(error));
    };
  });
  listeners.add(listener);
  return { promise, forget: () => listeners.delete(listener) };
}

function tell(error: unknown): void {
  for (const listener of listeners) listener(error);
}

process.on('uncaughtException', tell);
process.on('unhandledRejection', tell);

// An app that calls process.exit() would take the tests with it. The exception stops the code
// that called, as the exit would have.
process.exit = (code) => {
  const error = new Error(`process.exit(${code ?? ''}) was called`);
  tell(error);
  throw error;
};
