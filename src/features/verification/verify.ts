import type { Check } from '../../platform/feature.ts';
import type { Executor } from '../../platform/postgres/database.ts';

/** The result of a check that found a problem. */
export interface Finding {
  readonly invariant: Check['invariant'];
  readonly finding: string;
  /** Ids of the rows with the problem. */
  readonly subjects: readonly string[];
}

/** Runs all checks and returns their findings. It only reads; the caller passes a consistent snapshot. */
export async function verify(executor: Executor, checks: readonly Check[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { invariant, finding, statement, values } of checks) {
    const rows = await executor.rows<{ subject: string }>(statement, values(executor.currency));
    if (rows.length > 0) findings.push({ invariant, finding, subjects: rows.map(({ subject }) => subject) });
  }
  return findings;
}
