import { parseArgs } from 'node:util';

export interface Arguments<Part extends string> {
  readonly isQuick: boolean;
  /** The one part that is asked for; undefined: all that there are. */
  readonly only: Part | undefined;
}

/** Reads what follows `npm run bench --`. Throws with one line that says what is wrong. */
export function readArguments<Part extends string>(
  args: readonly string[],
  parts: readonly Part[],
): Arguments<Part> {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean' }, only: { type: 'string' } },
    strict: false,
    tokens: true,
  });
  const known = ['quick', 'only'];
  const unknown = tokens.find((token) => token.kind === 'option' && !known.includes(token.name));
  const strange = unknown?.kind === 'option' ? unknown.rawName : positionals[0];
  if (strange !== undefined) throw new Error(`${strange}: there are --quick and --only NAME`);
  const only = parts.find((part) => part === values.only);
  if (values.only !== undefined && only === undefined)
    throw new Error(`--only takes one of ${parts.join(', ')}`);
  return { isQuick: values.quick === true, only };
}
