import type { SessionOptions } from 'express-session';

// TODO Move 3: tell TypeScript that a session holds `visits`, a number.

export interface Settings {
  secret: string;
}

// TODO Move 2: export a function sessionOptions(). It takes the settings and returns the options
// of the session middleware: the secret.

// TODO Move 4: save a session only when something in it has changed.

// TODO Move 5: keep the cookie away from scripts and from other sites.
