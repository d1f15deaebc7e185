import { parseArgs } from 'node:util';
import { Problem } from '../terminal/problem.ts';
import { findStep, type Step } from '../lesson/steps.ts';

/** The words behind a command, and the environment in which npm passes on some of them. */
export interface Input {
  args: string[];
  env: NodeJS.ProcessEnv;
}

/** What a command was called with. */
export interface Arguments<Flag extends string> {
  positionals: string[];
  flags: Record<Flag, boolean>;
}

const own: Input = { args: process.argv.slice(2), env: process.env };

/**
 * Reads the words behind a command. npm keeps flags for itself unless `--` stands before them, and
 * tells of them in the environment: `npm run hint 3 --all` means what `npm run hint 3 -- --all`
 * does.
 * @param command the npm script, such as `hint N`
 * @param known the names of the flags that the command knows, without dashes
 * @throws {Problem} when there is another flag
 */
export function readArguments<Flag extends string>(
  command: string, known: readonly Flag[], { args, env }: Input = own,
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
    // npm takes the word behind a flag that it doesn't know for the flag's value.
    if (kept && /^\d+$/.test(kept)) positionals.unshift(kept);
  }
  const unknown = [...given].find((name) => !known.some((flag) => flag === name));
  if (unknown !== undefined) {
    const options = known.map((flag) => `--${flag}`).join(' and ') || 'no options';
    throw new Problem(
      `npm run ${command} has no option --${unknown}. It has ${options}.`,
      'npm run workshop',
    );
  }
  const flags = Object.fromEntries(known.map((flag) => [flag, given.has(flag)]));
  return { positionals, flags: flags as Record<Flag, boolean> };
}

/**
 * Reads the words behind a command that is about one step.
 * @param command the npm script with an `N` for the step: `hint N`, `step:N`
 * @throws {Problem} when no step is named, one that doesn't exist, or more than one
 */
export function readStep<Flag extends string>(
  command: string, known: readonly Flag[], input: Input = own,
): { step: Step; flags: Record<Flag, boolean> } {
  const { positionals: [text, ...more], flags } = readArguments(command, known, input);
  const step = findStep(text, command);
  if (more.length > 0) {
    throw new Problem(
      `This command takes one step, and there is more: ${more.join(' ')}.`,
      `npm run ${command.replace('N', String(step.number))}`,
    );
  }
  return { step, flags };
}
