import { check, GRACE } from '../../platform/checks.ts';
import type { Check } from '../../platform/feature.ts';
import { MAX_TRIES } from '../../platform/jobs/due-work.ts';

/** What must be true of payments, refunds and webhooks. */
export const paymentChecks: readonly Check[] = [
  check(
    'I2',
    'a completed order is not paid exactly its price',
    `
    SELECT o.order_id::text AS subject FROM orders o
      LEFT JOIN payments p ON p.order_id = o.order_id AND p.state = 'applied'
     WHERE o.status = 'completed' AND o.price > 0
       AND (p.payment_intent_id IS NULL
            OR (o.expires_at IS NOT NULL AND p.taken_over IS NULL
                AND p.amount_minor <> o.price * power(10::numeric, $1::integer)))`,
    { values: ({ exponent }) => [exponent] },
  ),
  check(
    'I2',
    'a payment is withheld until a person decides whether to refund it',
    `SELECT payment_intent_id AS subject FROM payments WHERE state = 'withheld'`,
  ),
  check(
    'I2',
    'a payment that was assumed from its order is in another currency than CURRENCY',
    `SELECT payment_intent_id AS subject FROM payments WHERE taken_over = 'assumed' AND currency <> $1`,
    { values: ({ code }) => [code] },
  ),
  check(
    'I2',
    'money pays for an order that is not completed',
    `
    SELECT p.payment_intent_id AS subject FROM payments p JOIN orders o USING (order_id)
     WHERE p.state = 'applied' AND o.status <> 'completed'`,
  ),
  check(
    'I2',
    'money received has been left undecided',
    `SELECT payment_intent_id AS subject FROM payments WHERE state = 'received' AND received_at < now() - ${GRACE}`,
    { isServiceWork: true },
  ),
  check(
    'I2',
    'more was refunded than was paid',
    `
    SELECT payment_intent_id AS subject FROM payments p JOIN refunds r USING (payment_intent_id)
     GROUP BY payment_intent_id, p.amount_minor HAVING sum(r.amount_minor) > p.amount_minor`,
  ),
  check(
    'I2',
    'a payment’s state is not what was refunded of it',
    `
    SELECT payment_intent_id AS subject FROM payments p LEFT JOIN refunds r USING (payment_intent_id)
     GROUP BY payment_intent_id
    HAVING p.state IN ('refund_due', 'refunded', 'disputed') <> (COALESCE(sum(r.amount_minor), 0) = p.amount_minor)
        OR (p.state = 'refunded' AND count(*) FILTER (WHERE r.state <> 'done') > 0)`,
  ),
  check(
    'I2',
    'a refund waits for a person',
    `SELECT refund_id::text AS subject FROM refunds WHERE state IN ('failed', 'manual')`,
  ),
  check(
    'I2',
    'a webhook was given up',
    `SELECT event_id AS subject FROM stripe_inbox WHERE applied_at IS NULL AND attempts >= ${MAX_TRIES}`,
  ),
  check(
    'I7',
    'a webhook was kept more than once',
    `SELECT event_id AS subject FROM stripe_inbox GROUP BY event_id HAVING count(*) > 1`,
  ),
];
