import { randomUUID } from 'node:crypto';
import type { TestApp } from './test-app.ts';

/** The ids of an event, a session and an organisation, as the body of an order names them. */
export interface SaleIds {
  readonly event_id: string;
  readonly session_id: string;
  readonly organization_id: string;
}

/** Inserts many completed orders of two tickets each, as a sale leaves them: the quick way to a large event. */
export async function insertSold(
  { sql }: Pick<TestApp, 'sql'>,
  ids: SaleIds,
  { orders, label = 'A', buyer = randomUUID() }: { orders: number; label?: string; buyer?: string },
): Promise<void> {
  await sql(
    `WITH sold AS (
       INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at, completed_at)
       SELECT gen_random_uuid(), $1, $2, $3, $4, 'completed', 200.1, 200.1, now() - i * interval '1 second', now()
         FROM generate_series(1, $5::integer) i
       RETURNING *
     ), paid AS (
       INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
       SELECT 'elsewhere:' || order_id, order_id, 20010, 'lkr', now(), 'applied' FROM sold
     ), counted AS (
       INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
       SELECT organization_id, event_id, session_id, 'lkr', 20010, 0 FROM sold
     ), announced AS (
       INSERT INTO sale_changes (event_id, organization_id, orders, tickets, revenue)
       SELECT event_id, organization_id, 1, 2, price FROM sold
     ), timed AS (
       INSERT INTO sales_by_time (event_id, session_id, quarter_hour, orders, tickets, revenue, before_discounts)
       SELECT event_id, session_id, floor(extract(epoch FROM created_at) / 900), 1, 2, price, subtotal FROM sold
     ), organized AS (
       INSERT INTO organization_sales_by_time (organization_id, quarter_hour, orders, tickets, revenue, before_discounts)
       SELECT organization_id, floor(extract(epoch FROM created_at) / 900), 1, 2, price, subtotal FROM sold
     ), tiered AS (
       INSERT INTO sales_by_tier (organization_id, event_id, session_id, tier_id, tier_name, tier_color, tickets, revenue)
       SELECT organization_id, event_id, session_id, $3, 'VIP', '', 2, 200.1 FROM sold
     )
     INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name, price_at_purchase, issued_at)
     SELECT gen_random_uuid(), order_id, session_id, gen_random_uuid(), $6 || seat, '', $3, 'VIP', 100.05, created_at
       FROM sold, generate_series(1, 2) seat`,
    [buyer, ids.event_id, ids.organization_id, ids.session_id, orders, label],
  );
}
