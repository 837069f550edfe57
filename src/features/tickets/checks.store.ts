import { check } from '../../platform/checks.ts';
import type { Check } from '../../platform/feature.ts';

/** A seat has one live ticket at most. */
export const ticketChecks: readonly Check[] = [
  check(
    'I1',
    'a seat has more than one live ticket',
    `
    SELECT session_id || ' ' || seat_id AS subject FROM tickets WHERE voided_at IS NULL
     GROUP BY session_id, seat_id HAVING count(*) > 1`,
  ),
];
