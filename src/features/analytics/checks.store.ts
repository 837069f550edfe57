import { check } from '../../platform/checks.ts';
import type { Check } from '../../platform/feature.ts';

/** The quarter of an hour in which an order was placed. */
const QUARTER_HOUR = 'floor(extract(epoch FROM created_at) / 900)::integer';
const LIVE_TICKETS = '(SELECT count(*) FROM tickets t WHERE t.order_id = o.order_id AND t.void_reason IS NULL)';

/** Selects the keys for which the sums in `table` differ from the sums over `rows`. */
function counted(key: readonly string[], sums: readonly string[], table: string, rows: string): string {
  const left = (sign: string) => `${key.join(', ')}, ${sums.map((sum) => `${sign}${sum} AS ${sum}`).join(', ')}`;
  return `
    SELECT concat_ws(' ', ${key.join(', ')}) AS subject
      FROM (SELECT ${left('')} FROM (${rows}) sold UNION ALL SELECT ${left('-')} FROM ${table}) compared
     GROUP BY ${key.join(', ')} HAVING ${sums.map((sum) => `sum(${sum}) <> 0`).join(' OR ')}`;
}

/** The sums in the analytics tables match orders, tickets and payments. */
export const analyticsChecks: readonly Check[] = [
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
