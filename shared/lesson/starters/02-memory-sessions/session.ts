import type { SessionOptions } from 'express-session';

// TODO Move 2: tell TypeScript that a session holds `visits`, a number.

// TODO Move 1: export a function sessionOptions(). It returns the secret from SESSION_SECRET,
// and throws an Error with one clear sentence when there is none.

// TODO Move 3: save a session only when something in it has changed.

// TODO Move 4: keep the cookie away from scripts and from other sites.
