import { parseArgs } from 'node:util';
import { Problem } from '../terminal/problem.ts';
import { findStep, type Step } from '../lesson/steps.ts';

/** What a command was called with. */
export interface Arguments<Flag extends string> {
  positionals: string[];
  flags: Record<Flag, boolean>;
}

/**
 * Reads the words behind a command. npm keeps flags for itself unless `--` stands before them, and
 * tells of them in the environment: `npm run hint 3 --all` means what `npm run hint 3 -- --all`
 * does.
 * @param command the npm script, such as `hint`
 * @param known the names of the flags that the command knows, without dashes
 * @throws {Problem} when there is another flag
 */
export function readArguments<Flag extends string>(
  command: string,
  known: readonly Flag[],
  args = process.argv.slice(2),
  env = process.env,
): Arguments<Flag> {
  const { tokens } = parseArgs({ args, strict: false, allowPositionals: true, tokens: true });
  const positionals: string[] = [];
  const given = new Set<string>();
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind === 'option') given.add(token.name);
  }
  for (const flag of known) {
    const kept = env[`npm_config_${flag}`];
    if (kept) given.add(flag);
    // npm takes the word behind a flag that it does not know for the flag's value.
    if (kept && /^\d+$/.test(kept)) positionals.unshift(kept);
  }
  const unknown = [...given].find((name) => !known.some((flag) => flag === name));
  if (unknown !== undefined) {
    const what = known.length === 0
      ? 'It knows no options.'
      : `It knows ${known.map((flag) => `--${flag}`).join(' and ')}.`;
    throw new Problem(
      `npm run ${command} knows no option --${unknown}. ${what}`,
      'npm run workshop',
    );
  }
  return {
    positionals,
    flags: Object.fromEntries(
      known.map((flag) => [flag, given.has(flag)]),
    ) as Record<Flag, boolean>,
  };
}

/**
 * Reads the words behind a command that is about one step.
 * @throws {Problem} when no step is named, one that does not exist, or more than that
 */
export function readStep<Flag extends string>(
  command: string,
  known: readonly Flag[],
): { step: Step; flags: Record<Flag, boolean> } {
  const { positionals, flags } = readArguments(command, known);
  const [text, ...more] = positionals;
  const step = findStep(text, `${command} N`);
  if (more.length > 0) {
    throw new Problem(
      `npm run ${command} is about one step at a time, and there is more: ${more.join(' ')}.`,
      `npm run ${command} ${step.number}`,
    );
  }
  return { step, flags };
}
