/*
 * Errors that come before any test: what Node or the packages say, in the workshop's own words.
 */
import { Lesson, lookAtOrigin, type LessonParts } from './lesson.ts';
import { messageOf } from '../terminal/problem.ts';

interface Explanation {
  /** What the error says. The name in it is handed to `parts`, with the file that was read. */
  message: RegExp;
  parts: (name: string, file: string) => LessonParts;
}

const explanations: Explanation[] = [
  {
    message: new RegExp([
      "does not provide an export named '(\\w+)'",
      "Named export '(\\w+)' not found",
      'No matching export in .* for import "(\\w+)"',
    ].join('|')),
    parts: (name, file) => ({
      observed: `${name} is imported, but nothing with that name is exported there.`,
      why: 'Either the name is misspelt, or `export` is missing in front of it'
        + (/^[A-Z]/.test(name)
          ? ", or it's a type. Types are gone when Node runs the code, so they are imported as "
          + `types: import { type ${name} } from …`
          : '.'),
      lookAt: `${file}, and what it imports: is the name right, and is it exported?`,
    }),
  },
  {
    message: /Cannot find package '([^']+)'|Cannot find module '([\w@][^']*)'/,
    parts: (name) => ({
      observed: `The package ${name} is imported, but it isn't installed.`,
      why: 'Node looks for packages in node_modules. Every step can be done with the ones in '
        + 'package.json.',
      lookAt: `app.ts, and what it imports: is ${name} spelt right? If you want it: npm install `
        + name,
    }),
  },
  {
    message: /Cannot find module '(?:[^']*[\\/])?([^'\\/]+)'/,
    parts: (name) => ({
      observed: `The file ${name} is imported, but there's no such file.`,
      why: 'Node looks for it beside the file that imports it.',
      lookAt: `app.ts, and what it imports: what is the path of ${name}?`,
    }),
  },
  {
    message: /(require|module|exports|__dirname) is not defined|Dynamic (require) of/,
    parts: (name) => ({
      observed: `${name} isn't defined.`,
      why: 'These files are ES modules: they import and export. require() and module.exports '
        + 'belong to the older CommonJS, which many tutorials still use.',
      lookAt: "app.ts, and what it imports: write import … from '…' instead.",
    }),
  },
  {
    message: /MongoStore\.create is not a function|Class constructor MongoStore\d* cannot be invoked/,
    parts: () => ({
      observed: 'connect-mongo was imported with a star, or its class was called as a function.',
      why: 'The class is the default export, which is imported without a star. '
        + 'connectMongo(session) worked up to version 3.',
      lookAt: "session.ts: does it say import MongoStore from 'connect-mongo'?",
    }),
  },
  {
    message: /^(express|session)\S* is not a function/,
    parts: (name) => ({
      observed: `${name} was called, but what's imported under that name isn't a function.`,
      why: '`import * as name` puts all exports into one object. The function is the default '
        + 'export, which is imported without the star.',
      lookAt: `app.ts: does it say import ${name} from '…'?`,
    }),
  },
  {
    message: /^(?:Missing parameter name|Unexpected \S+) at |pathToRegexpError/,
    parts: () => ({
      observed: "Express can't read the path of a route.",
      why: 'Since Express 5 a star in a path needs a name: /*rest. Older tutorials write *.',
      lookAt: 'app.ts: which paths do the routes have?',
    }),
  },
  {
    message: /Cannot destructure property '(\w+)'/,
    parts: (name) => ({
      observed: `A function that takes { ${name} } was called without it.`,
      why: 'createApp() is given what the app needs, and has to hand it on to sessionOptions().',
      lookAt: 'app.ts: is what createApp() is given handed on, as in sessionOptions(settings)?',
    }),
  },
  {
    message: /You must provide either mongoUrl\|clientPromise\|client/,
    parts: () => ({
      observed: 'The store was built without a client.',
      why: 'MongoStore.create() takes an object, and needs the connected client in it.',
      lookAt: 'session.ts: does it say MongoStore.create({ client, … }), and is `client` handed '
        + 'on, from createApp({ client, secret }) to the store?',
    }),
  },
];

/** What esbuild, which compiles the files, says of one that it cannot read. */
const syntaxError = /^(?:.*[\\/])?([\w.-]+\.ts):(\d+):\d+: ERROR: (.*)$/m;

/** The lesson for an app.ts that cannot be read. */
export function explainLoad(error: unknown): Lesson {
  const [, file, line, problem] = syntaxError.exec(messageOf(error)) ?? [];
  if (file && line && problem) return syntaxLesson(file, line, problem, error);
  return explain(error) ?? new Lesson({
    observed: `app.ts can't be loaded: ${firstLine(error)}.`,
    why: 'Nothing can be tested before Node can read the file and everything it imports.',
    lookAt: lookAtOrigin('app.ts: the line named above.', error),
  }, error);
}

/** The lesson for a file that isn't valid TypeScript. */
export function syntaxLesson(
  file: string,
  line: string | number,
  problem: string,
  origin: unknown,
): Lesson {
  return new Lesson({
    observed: `${file} can't be read: line ${line}: ${problem}.`,
    why: 'Nothing can be tested before Node can read the file. The mistake may be a line above: a '
      + "bracket or a quote that isn't closed.",
    lookAt: `${file}: line ${line}.`,
  }, origin);
}

/** What the driver says when a client is built with an address that is empty, or undefined. */
const withoutAddress = /Invalid scheme, expected connection string|reading 'startsWith'/;

/** The lesson for a createApp() that failed. */
export function explainBuild(call: string, error: unknown): Lesson {
  const observed = `${call} failed: ${firstLine(error)}.`;
  const known = explain(error);
  if (known) return known;
  const [variable] = /SESSION_SECRET|MONGO_URL/.exec(observed)
    ?? (withoutAddress.test(observed) ? ['MONGO_URL'] : []);
  if (variable) {
    return new Lesson({
      observed,
      why: 'Only index.ts reads the environment. It checks all settings and hands them to '
        + 'createApp(), so that an app can be built with any secret and any database.',
      lookAt: `session.ts: does it use what createApp() is given, or process.env.${variable}?`,
    }, error);
  }
  return new Lesson({
    observed,
    why: "The app couldn't be built, so there's nothing to visit.",
    lookAt: lookAtOrigin('app.ts: what does createApp() call?', error),
  }, error);
}

/**
 * The lesson for an error that people meet before their app runs, if it is one of those.
 * @param file the file that was read
 */
export function explain(error: unknown, file = 'app.ts'): Lesson | undefined {
  const message = messageOf(error);
  for (const { message: pattern, parts } of explanations) {
    const found = pattern.exec(message);
    if (found) return new Lesson(parts(found.slice(1).find(Boolean) ?? '', file), error);
  }
  return undefined;
}

function firstLine(error: unknown): string {
  return (messageOf(error).split('\n')[0] ?? '').replace(/\.$/, '');
}
