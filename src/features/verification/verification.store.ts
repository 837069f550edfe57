import type { Currency } from '../../kernel/money.ts';
import { MAX_TRIES } from '../../platform/jobs/due-work.ts';
import type { Executor, Statement } from '../../platform/postgres/database.ts';

/** Which invariant of the design a check is about. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9';

/** One thing that must never be so, and the rows for which it is. */
export interface Check {
  readonly invariant: Invariant;
  /** What is wrong with a row that is found. */
  readonly finding: string;
  readonly statement: Statement;
  /** The statement's parameters, for the service's currency. */
  readonly values: (currency: Currency) => readonly unknown[];
  /** Work that a running service does by itself within seconds; while none runs it is not an error. */
  readonly isServiceWork: boolean;
}

const inMinorUnits = (currency: Currency) => [currency.exponent];

/** When an order was placed, as sales are counted by. */
const QUARTER_HOUR = 'floor(extract(epoch FROM created_at) / 900)::integer';
const LIVE_TICKETS =
  '(SELECT count(*) FROM tickets t WHERE t.order_id = o.order_id AND t.void_reason IS NULL)';

/** Keys by which what is counted in a table is not what its rows add up to: one less the other leaves something. */
function counted(key: readonly string[], sums: readonly string[], table: string, rows: string): string {
  const left = (sign: string) =>
    `${key.join(', ')}, ${sums.map((sum) => `${sign}${sum} AS ${sum}`).join(', ')}`;
  return `
    SELECT concat_ws(' ', ${key.join(', ')}) AS subject
      FROM (SELECT ${left('')} FROM (${rows}) sold UNION ALL SELECT ${left('-')} FROM ${table}) compared
     GROUP BY ${key.join(', ')} HAVING ${sums.map((sum) => `sum(${sum}) <> 0`).join(' OR ')}`;
}

/** A live system is always in the middle of something: what should follow at once has this long. */
const GRACE = `interval '60 seconds'`;
/** Enough to see what is wrong; a broken database is not printed whole. */
const MAX_ROWS = 100;
/** PostgreSQL cuts the name of a prepared statement here. */
const MAX_NAME_CHARS = 63;

/**
 * Every invariant as a query for what breaks it; each gives `subject`, an id to look at. Orders that the earlier
 * service finished have no end of hold: its arithmetic is not ours to judge. Published messages are
 * removed the oldest first, so what happened after the oldest that is left was published must still have its own.
 */
export const CHECKS: readonly Check[] = [
  check(
    'I1',
    'a seat has more than one live ticket',
    `
    SELECT session_id || ' ' || seat_id AS subject FROM tickets WHERE voided_at IS NULL
     GROUP BY session_id, seat_id HAVING count(*) > 1`,
  ),
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
       AND (o.price = 0 OR o.status = 'pending' OR count(t.ticket_id) FILTER (WHERE t.void_reason = 'organiser') = 0)`,
  ),
  check(
    'I2',
    'a completed order has not exactly its price',
    `
    SELECT o.order_id::text AS subject FROM orders o
      LEFT JOIN payments p ON p.order_id = o.order_id AND p.state = 'applied'
     WHERE o.status = 'completed' AND o.price > 0
       AND (p.payment_intent_id IS NULL
            OR (o.expires_at IS NOT NULL AND p.taken_over IS NULL
                AND p.amount_minor <> o.price * power(10::numeric, $1::integer)))`,
    { values: inMinorUnits },
  ),
  check(
    'I2',
    'a payment is withheld until a person decides whether to refund it',
    `
    SELECT payment_intent_id AS subject FROM payments WHERE state = 'withheld'`,
  ),
  check(
    'I2',
    'a payment that was assumed from its order is in another currency than CURRENCY',
    `
    SELECT payment_intent_id AS subject FROM payments WHERE taken_over = 'assumed' AND currency <> $1`,
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
    `
    SELECT payment_intent_id AS subject FROM payments WHERE state = 'received' AND received_at < now() - ${GRACE}`,
    { isServiceWork: true },
  ),
  check(
    'I2',
    'more was given back than was paid',
    `
    SELECT payment_intent_id AS subject FROM payments p JOIN refunds r USING (payment_intent_id)
     GROUP BY payment_intent_id, p.amount_minor HAVING sum(r.amount_minor) > p.amount_minor`,
  ),
  check(
    'I2',
    'a payment’s state is not what was given back of it',
    `
    SELECT payment_intent_id AS subject FROM payments p LEFT JOIN refunds r USING (payment_intent_id)
     GROUP BY payment_intent_id
    HAVING p.state IN ('refund_due', 'refunded', 'disputed') <> (COALESCE(sum(r.amount_minor), 0) = p.amount_minor)
        OR (p.state = 'refunded' AND count(*) FILTER (WHERE r.state <> 'done') > 0)`,
  ),
  check(
    'I2',
    'money waits for a person to give it back',
    `
    SELECT refund_id::text AS subject FROM refunds WHERE state IN ('failed', 'manual')`,
  ),
  check(
    'I2',
    'news of money was given up',
    `
    SELECT event_id AS subject FROM stripe_inbox WHERE applied_at IS NULL AND attempts >= ${MAX_TRIES}`,
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
    'an announcement has not been published',
    `
    SELECT id::text AS subject FROM outbox WHERE published_at IS NULL AND committed_at < now() - ${GRACE}`,
    { isServiceWork: true },
  ),
  // Of a session it is the news of each seat that has an order: those of others may be committed in any.
  check(
    'I4',
    'news of an order or a seat was published before older news of it',
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
  check(
    'I4',
    'what was announced never happened',
    `
    SELECT b.id::text AS subject FROM outbox b
     WHERE b.topic IN ('orderCreated', 'orderUpdated', 'orderAmended', 'orderCanceled')
       AND NOT EXISTS (SELECT FROM orders o WHERE o.order_id::text = b.key)`,
  ),
  check(
    'I4',
    'totals of sales are not the completed orders',
    `
    SELECT scope || ' ' || scope_id AS subject
      FROM (SELECT scope, scope_id, orders, tickets, revenue FROM sales_totals
             UNION ALL
            SELECT s.scope, s.scope_id, c.orders, c.tickets, c.revenue
              FROM sale_changes c
             CROSS JOIN LATERAL (VALUES ('event', c.event_id), ('organization', c.organization_id)) AS s (scope, scope_id)
             UNION ALL
            SELECT s.scope, s.scope_id, -1,
                   (SELECT -count(*) FROM tickets t WHERE t.order_id = o.order_id AND t.void_reason IS NULL), -o.price
              FROM orders o
             CROSS JOIN LATERAL (VALUES ('event', o.event_id), ('organization', o.organization_id)) AS s (scope, scope_id)
             WHERE o.status = 'completed') sums
     GROUP BY scope, scope_id HAVING sum(orders) <> 0 OR sum(tickets) <> 0 OR sum(revenue) <> 0`,
  ),
  check(
    'I5',
    'a live ticket was checked in without its order being completed',
    `
    SELECT t.ticket_id::text AS subject FROM tickets t JOIN orders o USING (order_id)
     WHERE t.checked_in AND t.voided_at IS NULL AND o.status <> 'completed'`,
  ),
  check(
    'I5',
    'who is inside is not whom the scans let in',
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
  check(
    'I6',
    'an organiser’s deed is not in the audit trail',
    `
    SELECT t.ticket_id::text AS subject FROM tickets t
     WHERE t.void_reason = 'organiser'
       AND NOT EXISTS (SELECT FROM audit_trail a WHERE a.ticket_id = t.ticket_id AND a.action = 'ticket.voided')
    UNION ALL
    SELECT p.payment_intent_id FROM payments p
     WHERE p.source = 'cash'
       AND NOT EXISTS (SELECT FROM audit_trail a WHERE a.order_id = p.order_id AND a.action = 'ticket.issued')`,
  ),
  check(
    'I7',
    'a webhook was kept more than once',
    `
    SELECT event_id AS subject FROM stripe_inbox GROUP BY event_id HAVING count(*) > 1`,
  ),
  check(
    'I7',
    'a request’s key was kept more than once',
    `
    SELECT user_id || ' ' || key AS subject FROM idempotency_keys GROUP BY user_id, key HAVING count(*) > 1`,
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
  check(
    'I9',
    'an event’s sales are not its completed orders',
    counted(
      ['event_id', 'session_id', 'quarter_hour'],
      ['orders', 'tickets', 'revenue', 'before_discounts'],
      'sales_by_time',
      `SELECT event_id, session_id, ${QUARTER_HOUR} AS quarter_hour, 1 AS orders, ${LIVE_TICKETS} AS tickets,
              price AS revenue, subtotal AS before_discounts
         FROM orders o WHERE status = 'completed'`,
    ),
  ),
  check(
    'I9',
    'an organisation’s sales are not its completed orders',
    counted(
      ['organization_id', 'quarter_hour'],
      ['orders', 'tickets', 'revenue', 'before_discounts'],
      'organization_sales_by_time',
      `SELECT organization_id, ${QUARTER_HOUR} AS quarter_hour, 1 AS orders, ${LIVE_TICKETS} AS tickets,
              price AS revenue, subtotal AS before_discounts
         FROM orders o WHERE status = 'completed'`,
    ),
  ),
  check(
    'I9',
    'a tier’s sales are not its good tickets',
    counted(
      ['organization_id', 'event_id', 'session_id', 'tier_id', 'tier_name', 'tier_color'],
      ['tickets', 'revenue'],
      'sales_by_tier',
      `SELECT o.organization_id, o.event_id, o.session_id, t.tier_id, left(t.tier_name, 200) AS tier_name,
              left(t.colour, 64) AS tier_color, 1 AS tickets, t.price_at_purchase AS revenue
         FROM orders o JOIN tickets t USING (order_id) WHERE o.status = 'completed' AND t.void_reason IS NULL`,
    ),
  ),
  check(
    'I9',
    'a discount’s figures are not the completed orders that have it',
    counted(
      ['event_id', 'discount_code', 'quarter_hour'],
      ['uses', 'amount'],
      'discounts_by_time',
      `SELECT event_id, left(COALESCE(discount_code, ''), 200) AS discount_code, ${QUARTER_HOUR} AS quarter_hour,
              1 AS uses, discount_amount AS amount
         FROM orders WHERE status = 'completed' AND discount_id IS NOT NULL`,
    ),
  ),
  check(
    'I9',
    'a session’s money is not its payments and refunds',
    counted(
      ['organization_id', 'event_id', 'session_id', 'currency'],
      ['taken_minor', 'refunded_minor'],
      'money_by_session',
      `SELECT o.organization_id, o.event_id, o.session_id, p.currency, p.amount_minor AS taken_minor,
              COALESCE((SELECT sum(r.amount_minor) FROM refunds r
                         WHERE r.payment_intent_id = p.payment_intent_id), 0) AS refunded_minor
         FROM payments p JOIN orders o USING (order_id)`,
    ),
  ),
];

function check(
  invariant: Invariant,
  finding: string,
  text: string,
  { values = () => [], isServiceWork = false }: Partial<Pick<Check, 'values' | 'isServiceWork'>> = {},
): Check {
  const statement = { name: `verify ${finding}`.slice(0, MAX_NAME_CHARS), text: `${text} LIMIT ${MAX_ROWS}` };
  return { invariant, finding, statement, values, isServiceWork };
}

/** The rows for which a check is true; none in a sound database. */
export async function findingsOf(executor: Executor, check: Check): Promise<string[]> {
  const rows = await executor.rows<{ subject: string }>(check.statement, check.values(executor.currency));
  return rows.map((row) => row.subject);
}
