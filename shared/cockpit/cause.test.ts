import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCause } from './cause.ts';

test('the cause of a crash is its error and the line in the app, else the last words', () => {
  const cases: [output: string, cause: string][] = [
    [`/home/me/the workshop/steps/03-mongo-store/index.ts:8
throw new Error('no');
      ^

Error: no
    at <anonymous> (/home/me/the workshop/steps/03-mongo-store/index.ts:8:7)
    at ModuleJob.run (node:internal/modules/esm/module_job:343:25)

Node.js v20.20.2`, 'Error: no (steps/03-mongo-store/index.ts:8)'],
    [`node:internal/modules/run_main:123
    triggerUncaughtException(
    ^
Error: Transform failed with 1 error:
C:\\me\\steps\\01-hello-express\\index.ts:1:6: ERROR: Expected identifier but found "="
    at failureErrorWithLog (C:\\me\\node_modules\\esbuild\\lib\\main.js:1467:15)`,
    'Expected identifier but found "=" (steps/01-hello-express/index.ts:1)'],
    ['Cannot listen on port 4000: taken', 'Cannot listen on port 4000: taken'],
    [`TypeError [ERR_X]: bad {
    at file:///a/steps/02-memory-sessions/app.ts:4:1
  code: 'ERR_X'
}
Node.js v20.20.2`, 'TypeError [ERR_X]: bad (steps/02-memory-sessions/app.ts:4)'],
    [`file:///a/steps/02-memory-sessions/app.ts:2
SyntaxError: The requested module './session.ts' does not provide an export named 'Settings'`,
    "SyntaxError: The requested module './session.ts' does not provide an export named 'Settings'. "
    + 'A type? import { type Settings } (steps/02-memory-sessions/app.ts:2)'],
    ['', ''],
  ];
  for (const [output, cause] of cases) assert.equal(findCause(output.split('\n')), cause);
});
