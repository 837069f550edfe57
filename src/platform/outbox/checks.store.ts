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
  // Messages are published in turns, and the transaction that marks a turn's messages is the last to write their rows. So
  // `xmin` says which turn was earlier, also after the database's clock was set back, as `published_at` does not.
  // The messages of a session are compared seat by seat: those of different seats may be committed in any order. Set-aside
  // payment messages have keys that others chose, and are written without the lock of an order.
  check(
    'I4',
    'a message of an order or a seat was published before an older one',
    `
    SELECT DISTINCT later.id::text AS subject
      FROM (SELECT b.id, published_at, age(b.xmin) AS age, lag(b.id) OVER of_key AS before,
                   lag(published_at) OVER of_key AS published_before, lag(age(b.xmin)) OVER of_key AS age_before
              FROM outbox b
              LEFT JOIN LATERAL jsonb_array_elements_text(
                CASE b.topic WHEN 'seatsStatus' THEN b.value::jsonb -> 'seat_ids' END) AS seat_id ON true
             WHERE b.topic NOT IN ('paymentSucceededDead', 'paymentFailedDead')
            WINDOW of_key AS (PARTITION BY b.key, seat_id ORDER BY b.id)) later
     WHERE later.before IS NOT NULL AND later.published_at IS NOT NULL
       AND (later.published_before IS NULL OR later.age_before < later.age)`,
  ),
];
