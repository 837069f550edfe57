import { check } from '../checks.ts';
import type { Check } from '../feature.ts';

/** A key is kept once. */
export const idempotencyChecks: readonly Check[] = [
  check(
    'I7',
    'a request’s key was kept more than once',
    `
    SELECT user_id || ' ' || key AS subject FROM idempotency_keys GROUP BY user_id, key HAVING count(*) > 1`,
  ),
];
