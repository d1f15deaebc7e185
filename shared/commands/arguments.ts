import { parseArgs } from 'node:util';
import { Problem } from '../terminal/problem.ts';
import { findStep, type Step } from '../lesson/steps.ts';

/** A command's arguments, and the environment in which npm passes some of them on. */
export interface Input {
  args: string[];
  env: NodeJS.ProcessEnv;
}

/**
 * Parses a command's arguments. npm keeps flags for itself unless `--` comes before them, and
 * passes them on in the environment: `npm run hint 3 --all` means the same as
 * `npm run hint 3 -- --all`.
 * @param command the npm script, such as `hint N`
 * @param known the flags that the command knows, without dashes
 * @throws {Problem} when there is any other flag
 */
export function readArguments<Flag extends string>(
  command: string, known: readonly Flag[], { args, env }: Input,
): { positionals: string[]; flags: Record<Flag, boolean> } {
  const { values, positionals } = parseArgs({ args, strict: false });
  const given = new Set(Object.keys(values));
  for (const flag of known) {
    const kept = env[`npm_config_${flag}`];
    if (kept) given.add(flag);
    // npm takes the word after an unknown flag for the flag's value.
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
 * Parses the arguments of a command about one step.
 * @param command the npm script with an `N` for the step: `hint N`, `step:N`
 * @throws {Problem} when no step is named, or an unknown one, or more than one
 */
export function readStep<Flag extends string>(
  command: string, known: readonly Flag[], input: Input,
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
