import type { EventId } from '../../kernel/ids.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { type Cell, EXPORTS, type Exported } from './export.ts';

/** An amount as text with `$2` decimals, as many as the currency has. */
const decimal = (amount: string, as: string) => `round(${amount}, $2::integer)::text AS ${as}`;
const ofOrder = (sum: string) => `(SELECT COALESCE(${sum}, 0) / power(10::numeric, $2::integer)`;

/**
 * Good tickets, read order by order so that the first row comes at once. The condition uses `void_reason` instead of
 * `voided_at`: with the latter and without fresh statistics, the planner reads the index of all live seats for each order.
 */
const GOOD_TICKETS = `
  SELECT * FROM tickets WHERE order_id = o.order_id AND void_reason IS NULL ORDER BY seat_label, seat_id`;

/** Each query selects the columns of `EXPORTS`, sorted as the index of an event's orders is. */
const ROWS = {
  orders: `
    SELECT o.order_id, o.status, o.created_at AS created_at_utc, o.completed_at AS completed_at_utc,
           o.cancelled_at AS cancelled_at_utc, o.cancel_reason, o.session_id, o.user_id,
           (SELECT count(*) FROM tickets t WHERE t.order_id = o.order_id AND t.void_reason IS NULL) AS tickets,
           ${decimal('o.subtotal', 'subtotal')}, o.discount_code, ${decimal('o.discount_amount', 'discount_amount')},
           ${decimal('o.price', 'price')},
           ${decimal(
             `${ofOrder('sum(p.amount_minor)')} FROM payments p WHERE p.order_id = o.order_id AND p.currency = $3)`,
             'money_taken',
           )},
           ${decimal(
             `${ofOrder('sum(r.amount_minor)')} FROM payments p JOIN refunds r USING (payment_intent_id)
               WHERE p.order_id = o.order_id AND p.currency = $3)`,
             'money_refunded',
           )},
           o.payment_intent_id
      FROM orders o WHERE o.event_id = $1 ORDER BY o.created_at, o.order_id`,
  tickets: `
    SELECT t.ticket_id, o.order_id, o.session_id, o.user_id, t.seat_id, t.seat_label, t.tier_id, t.tier_name,
           ${decimal('t.price_at_purchase', 'price_at_purchase')}, t.issued_at AS issued_at_utc, t.checked_in,
           t.checked_in_time AS checked_in_time_utc
      FROM orders o CROSS JOIN LATERAL (${GOOD_TICKETS}) t
     WHERE o.event_id = $1 AND o.status = 'completed' AND $3::text IS NOT NULL ORDER BY o.created_at, o.order_id`,
  checkins: `
    SELECT t.ticket_id, o.order_id, o.session_id, t.seat_id, t.seat_label, t.tier_name,
           t.checked_in_time AS checked_in_time_utc, t.checked_in_by
      FROM orders o CROSS JOIN LATERAL (${GOOD_TICKETS}) t
     WHERE o.event_id = $1 AND o.status = 'completed' AND t.checked_in AND $2::integer IS NOT NULL
       AND $3::text IS NOT NULL
     ORDER BY o.created_at, o.order_id`,
  discounts: `
    SELECT o.order_id, o.created_at AS created_at_utc, o.session_id, o.user_id, o.discount_id, o.discount_code,
           ${decimal('o.subtotal', 'subtotal')}, ${decimal('o.discount_amount', 'discount_amount')},
           ${decimal('o.price', 'price')}
      FROM orders o
     WHERE o.event_id = $1 AND o.status = 'completed' AND o.discount_id IS NOT NULL AND $3::text IS NOT NULL
     ORDER BY o.created_at, o.order_id`,
} as const satisfies Record<Exported, string>;

/** All rows of one kind of an event, oldest first, in batches from one consistent snapshot. */
export async function* exportedRows(
  database: Database,
  eventId: EventId,
  what: Exported,
): AsyncGenerator<Cell[][], void, void> {
  const columns = EXPORTS[what];
  const statement = { name: `export-${what}`, text: ROWS[what] };
  const values = [eventId, database.currency.exponent, database.currency.code];
  for await (const rows of database.stream<Readonly<Record<string, Cell>>>(statement, values)) {
    yield rows.map((row) => columns.map((column) => row[column.name] ?? null));
  }
}
