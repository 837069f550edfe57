import type { Check } from './feature.ts';

/** A live system is always in the middle of something: what should follow at once has this long. */
export const GRACE = `interval '60 seconds'`;
/** Rows of a finding that are listed: a broken database is not printed whole. */
const MAX_ROWS = 100;
/** PostgreSQL cuts the name of a prepared statement here. */
const MAX_NAME_CHARS = 63;

/** A check of an invariant by a query that gives `subject` for each row that breaks it. */
export function check(
  invariant: Check['invariant'],
  finding: string,
  text: string,
  { values = () => [], isServiceWork = false }: Partial<Pick<Check, 'values' | 'isServiceWork'>> = {},
): Check {
  const statement = { name: `verify ${finding}`.slice(0, MAX_NAME_CHARS), text: `${text} LIMIT ${MAX_ROWS}` };
  return { invariant, finding, statement, values, isServiceWork };
}
