import { parseArgs } from 'node:util';

export interface Arguments<Part extends string> {
  readonly isQuick: boolean;
  /** The only part to run; undefined means all parts. */
  readonly only: Part | undefined;
}

/** Parses the arguments after `npm run bench --`. Throws an error with a one-line message. */
export function readArguments<Part extends string>(args: readonly string[], parts: readonly Part[]): Arguments<Part> {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: { quick: { type: 'boolean' }, only: { type: 'string' } },
    strict: false,
    tokens: true,
  });
  const known = ['quick', 'only'];
  const unknown = tokens.find((token) => token.kind === 'option' && !known.includes(token.name));
  const strange = unknown?.kind === 'option' ? unknown.rawName : positionals[0];
  if (strange !== undefined) throw new Error(`unknown argument ${strange}; use --quick or --only NAME`);
  const only = parts.find((part) => part === values.only);
  if (values.only !== undefined && only === undefined) throw new Error(`--only takes one of ${parts.join(', ')}`);
  return { isQuick: values.quick === true, only };
}
