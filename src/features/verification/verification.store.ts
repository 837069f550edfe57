import type { Currency } from '../../kernel/money.ts';
import type { Executor, Statement } from '../../platform/postgres/database.ts';

/** Which invariant of the design a check is about. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I8';

/** One thing that must never be so, and the rows for which it is. */
export interface Check {
  readonly invariant: Invariant;
  /** What is wrong with a row that is found. */
  readonly finding: string;
  readonly statement: Statement;
  /** The statement's parameters, for the service's currency. */
  readonly values: (currency: Currency) => readonly unknown[];
}

const inMinorUnits = (currency: Currency) => [currency.exponent];

/** A live system is always in the middle of something: what should follow at once has this long. */
const GRACE = `interval '60 seconds'`;
/** Enough to see what is wrong; a broken database is not printed whole. */
const MAX_ROWS = 100;
/** PostgreSQL cuts the name of a prepared statement here. */
const MAX_NAME_CHARS = 63;

/**
 * Every invariant as a query for what breaks it; each gives `subject`, an id to look at. Orders that the earlier
 * service finished have no end of hold: its arithmetic and its payments are not ours to judge.
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
    'an order that is not cancelled has a voided ticket or none',
    `
    SELECT o.order_id::text AS subject FROM orders o LEFT JOIN tickets t USING (order_id)
     WHERE o.status <> 'cancelled' AND o.expires_at IS NOT NULL
     GROUP BY o.order_id HAVING count(t.ticket_id) FILTER (WHERE t.voided_at IS NULL) = 0`,
  ),
  check(
    'I2',
    'a completed order has not exactly its price',
    `
    SELECT o.order_id::text AS subject FROM orders o
      LEFT JOIN payments p ON p.order_id = o.order_id AND p.state = 'applied'
     WHERE o.status = 'completed' AND o.expires_at IS NOT NULL AND o.price > 0
       AND (p.payment_intent_id IS NULL OR p.amount_minor <> o.price * power(10::numeric, $1::integer))`,
    inMinorUnits,
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
  ),
  check(
    'I3',
    'a pending order outlived its hold',
    `
    SELECT order_id::text AS subject FROM orders
     WHERE status = 'pending' AND expires_at < now() - ${GRACE}
       AND (settling_until IS NULL OR settling_until < now() - ${GRACE})`,
  ),
  check(
    'I4',
    'an order’s state was not announced',
    `
    SELECT o.order_id::text AS subject FROM orders o
     WHERE COALESCE(o.cancelled_at, o.completed_at, o.created_at) > (SELECT min(committed_at) FROM outbox)
       AND o.expires_at IS NOT NULL
       AND NOT EXISTS (
         SELECT FROM outbox b WHERE b.key = o.order_id::text
            AND b.topic = CASE o.status WHEN 'pending' THEN 'orderCreated' WHEN 'completed' THEN 'orderUpdated' ELSE 'orderCanceled' END)`,
  ),
  check(
    'I4',
    'an announcement has not been published',
    `
    SELECT id::text AS subject FROM outbox WHERE published_at IS NULL AND committed_at < now() - ${GRACE}`,
  ),
  check(
    'I5',
    'a live ticket was checked in without its order being completed',
    `
    SELECT t.ticket_id::text AS subject FROM tickets t JOIN orders o USING (order_id)
     WHERE t.checked_in AND t.voided_at IS NULL AND o.status <> 'completed'`,
  ),
  check(
    'I8',
    'a price is not its seats less the discount',
    `
    SELECT o.order_id::text AS subject FROM orders o JOIN tickets t USING (order_id)
     WHERE o.expires_at IS NOT NULL AND (t.voided_at IS NULL OR o.status = 'cancelled')
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

function check(
  invariant: Invariant,
  finding: string,
  text: string,
  values: Check['values'] = () => [],
): Check {
  const statement = { name: `verify ${finding}`.slice(0, MAX_NAME_CHARS), text: `${text} LIMIT ${MAX_ROWS}` };
  return { invariant, finding, statement, values };
}

/** The rows for which a check is true; none in a sound database. */
export async function findingsOf(executor: Executor, check: Check, currency: Currency): Promise<string[]> {
  const rows = await executor.rows<{ subject: string }>(check.statement, check.values(currency));
  return rows.map((row) => row.subject);
}
