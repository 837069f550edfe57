import { check, GRACE } from '../../platform/checks.ts';
import type { Check } from '../../platform/feature.ts';

/**
 * What must be true of orders, their prices, their discounts and their announcements. Orders that the earlier service completed
 * or cancelled have no end of hold, and their prices are not checked. Published messages are deleted oldest first, so each
 * change that is younger than the oldest published message must still have a message.
 */
export const orderChecks: readonly Check[] = [
  check(
    'I1',
    'a live ticket belongs to a cancelled order',
    `
    SELECT t.ticket_id::text AS subject FROM tickets t JOIN orders o USING (order_id)
     WHERE t.voided_at IS NULL AND o.status = 'cancelled'`,
  ),
  check(
    'I1',
    'an order that is not cancelled has no live ticket, and no organiser voided its last',
    `
    SELECT o.order_id::text AS subject FROM orders o LEFT JOIN tickets t USING (order_id)
     WHERE o.status <> 'cancelled' AND o.expires_at IS NOT NULL
     GROUP BY o.order_id
    HAVING count(t.ticket_id) FILTER (WHERE t.voided_at IS NULL) = 0
       AND (o.price = 0 OR o.status = 'pending'
            OR (count(t.ticket_id) FILTER (WHERE t.void_reason = 'organiser') = 0
                -- The money of a ticket that an organiser voided may have gone back since.
                AND NOT EXISTS (SELECT FROM audit_trail a WHERE a.order_id = o.order_id AND a.action = 'ticket.voided')))`,
  ),
  check(
    'I3',
    'a pending order outlived its hold',
    `
    SELECT order_id::text AS subject FROM orders
     WHERE status = 'pending' AND expires_at < now() - ${GRACE}
       AND (settling_until IS NULL OR settling_until < now() - ${GRACE})`,
    { isServiceWork: true },
  ),
  check(
    'I4',
    'an order’s state was not announced',
    `
    SELECT o.order_id::text AS subject FROM orders o
     WHERE COALESCE(o.cancelled_at, o.completed_at, o.created_at) > (SELECT min(published_at) FROM outbox)
       AND o.expires_at IS NOT NULL
       AND NOT EXISTS (
         SELECT FROM outbox b WHERE b.key = o.order_id::text
            AND b.topic = ANY (CASE o.status WHEN 'pending' THEN ARRAY['orderCreated']
                                             WHEN 'completed' THEN ARRAY['orderUpdated', 'orderAmended']
                                             ELSE ARRAY['orderCanceled'] END))`,
  ),
  check(
    'I4',
    'an order was announced as a new sale more than once',
    `
    SELECT key AS subject FROM outbox
     WHERE topic = 'orderUpdated' AND value::jsonb ->> 'Status' = 'completed'
     GROUP BY key HAVING count(*) > 1`,
  ),
  check(
    'I4',
    'what was announced never happened',
    `
    SELECT b.id::text AS subject FROM outbox b
     WHERE b.topic IN ('orderCreated', 'orderUpdated', 'orderAmended', 'orderCanceled')
       AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id::text = b.key)`,
  ),
  check(
    'I8',
    'a price is not its seats less the discount',
    `
    SELECT o.order_id::text AS subject FROM orders o JOIN tickets t USING (order_id)
     WHERE o.expires_at IS NOT NULL AND t.void_reason IS DISTINCT FROM 'replaced'
     GROUP BY o.order_id
    HAVING o.subtotal <> sum(t.price_at_purchase) OR o.price <> o.subtotal - o.discount_amount`,
  ),
  check(
    'I8',
    'a discount’s uses are not the orders that have it',
    `
    SELECT COALESCE(u.discount_id, o.discount_id)::text AS subject
      FROM discount_uses u
      FULL JOIN (SELECT discount_id, count(*) AS orders FROM orders
                  WHERE discount_id IS NOT NULL AND status <> 'cancelled' GROUP BY discount_id) o USING (discount_id)
     WHERE COALESCE(u.uses, 0) <> COALESCE(o.orders, 0)`,
  ),
];
