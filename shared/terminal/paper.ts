import type { Paper } from './markdown.ts';

/**
 * The paper that a command's standard output is: as wide as the terminal, up to 100 characters,
 * and coloured where NO_COLOR and FORCE_COLOR do not say otherwise.
 */
export function paperOf({ stdout, env } = process): Paper {
  return {
    columns: Math.min(stdout.isTTY ? stdout.columns : Number(env['COLUMNS']) || 80, 100),
    color: stdout.isTTY ? stdout.hasColors() : Boolean(Number(env['FORCE_COLOR'])),
  };
}
