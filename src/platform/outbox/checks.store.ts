import { check, GRACE } from '../checks.ts';
import type { Check } from '../feature.ts';

/** What must be true of the outbox itself. */
export const outboxChecks: readonly Check[] = [
  check(
    'I4',
    'an announcement has not been published',
    `
    SELECT id::text AS subject FROM outbox WHERE published_at IS NULL AND committed_at < now() - ${GRACE}`,
    { isServiceWork: true },
  ),
  // Of a session it is the messages of each seat that have an order: those of other seats may be committed in any.
  check(
    'I4',
    'a message of an order or a seat was published before an older one',
    `
    SELECT DISTINCT later.id::text AS subject
      FROM (SELECT b.id, published_at, lag(b.id) OVER of_key AS before, lag(published_at) OVER of_key AS published_before
              FROM outbox b
              LEFT JOIN LATERAL jsonb_array_elements_text(
                CASE b.topic WHEN 'seatsStatus' THEN b.value::jsonb -> 'seat_ids' END) AS seat_id ON true
            WINDOW of_key AS (PARTITION BY b.key, seat_id ORDER BY b.id)) later
     WHERE later.before IS NOT NULL AND later.published_at IS NOT NULL
       AND (later.published_before IS NULL OR later.published_before > later.published_at)`,
  ),
];
