import type { Check } from '../../platform/feature.ts';
import type { Executor } from '../../platform/postgres/database.ts';

/** A check that found something. */
export interface Finding {
  readonly invariant: Check['invariant'];
  readonly finding: string;
  /** Ids to look at. */
  readonly subjects: readonly string[];
}

/** Runs every check and returns those that found something. Reads only; the caller gives one consistent snapshot. */
export async function verify(executor: Executor, checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { invariant, finding, statement, values } of checks) {
    const rows = await executor.rows<{ subject: string }>(statement, values(executor.currency));
    if (rows.length > 0) findings.push({ invariant, finding, subjects: rows.map(({ subject }) => subject) });
  }
  return findings;
}
