import type { Executor } from '../../platform/postgres/database.ts';
import { CHECKS, findingsOf, type Invariant } from './verification.store.ts';

/** What one check found. */
export interface Finding {
  readonly invariant: Invariant;
  readonly finding: string;
  /** Ids to look at. */
  readonly subjects: readonly string[];
}

const SERVICE_WORK = new Set(CHECKS.filter((check) => check.isServiceWork).map((check) => check.finding));

/** Whether what was found is work that a running service does by itself within seconds. */
export function isServiceWork({ finding }: Finding): boolean {
  return SERVICE_WORK.has(finding);
}

/** Runs every check and returns those that found something. Reads only; the caller gives one consistent snapshot. */
export async function verify(executor: Executor): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const check of CHECKS) {
    const subjects = await findingsOf(executor, check);
    if (subjects.length > 0) findings.push({ invariant: check.invariant, finding: check.finding, subjects });
  }
  return findings;
}
