/*
 * A test run that has done all it can before it knows the learner's code: it has loaded what
 * every run needs, and waits. The word to go saves a person half of the time between saving and
 * the verdict.
 */
import { once } from 'node:events';
import { providePackages } from '../tester/packages.ts';
import { findStep } from '../lesson/steps.ts';

const step = findStep(process.argv[2], 'step:N');
await providePackages(step);
const packages = ['express', 'express-session', 'supertest', 'esbuild'];
const forDatabase = ['mongodb', 'connect-mongo', '../tester/database.ts'];
const modules = ['../tester/harness.ts', ...packages, ...step.needsDatabase ? forDatabase : []];
// What cannot be loaded will be missed, and explained, by whoever needs it.
await Promise.allSettled(modules.map((module) => import(module)));

// The lifeline lets a process end that only waits for messages.
process.channel?.ref();
process.send?.('ready');
await once(process, 'message');
process.channel?.unref();
await import('../commands/test.ts');
