import { check } from '../../platform/checks.ts';
import type { Check } from '../../platform/feature.ts';

/** Checks of check-ins and scans. */
export const doorChecks: readonly Check[] = [
  check(
    'I5',
    'a live ticket was checked in without its order being completed',
    `
    SELECT t.ticket_id::text AS subject FROM tickets t JOIN orders o USING (order_id)
     WHERE t.checked_in AND t.voided_at IS NULL AND o.status <> 'completed'`,
  ),
  check(
    'I5',
    'a ticket is inside or outside against its scans',
    `
    SELECT t.ticket_id::text AS subject FROM tickets t JOIN scans s USING (ticket_id)
     GROUP BY t.ticket_id
    HAVING sum(CASE s.outcome WHEN 'admitted' THEN 1 WHEN 'refused' THEN 0 ELSE -1 END)
           <> (t.checked_in AND t.left_at IS NULL)::integer`,
  ),
  check(
    'I7',
    'a scan was kept more than once',
    `
    SELECT session_id || ' ' || nonce AS subject FROM scans WHERE nonce IS NOT NULL
     GROUP BY session_id, nonce, COALESCE(device_id, scanned_by::text) HAVING count(*) > 1`,
  ),
];
