import type { Database } from './database.ts';

const SAMPLE = {
  name: 'sample-data',
  text: `
    WITH placed AS (
      INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, discount_amount,
                          price, created_at, expires_at, completed_at, payment_intent_id, payment_attempt)
      VALUES ('22222222-2222-2222-2222-222222222222', 'b0000000-0000-4000-8000-000000000001',
              '55555555-5555-5555-5555-555555555555', '66666666-6666-6666-6666-666666666666',
              '44444444-4444-4444-4444-444444444444', 'completed', 100.00, 0, 100.00, now(), now(), now(),
              'pi_sample', 1)
      ON CONFLICT (order_id) DO NOTHING
      RETURNING order_id, event_id, organization_id, session_id, created_at
    ), changed AS (
      INSERT INTO sale_changes (event_id, organization_id, orders, tickets, revenue)
      SELECT event_id, organization_id, 1, 1, 100.00 FROM placed
    ), paid AS (
      INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
      SELECT 'pi_sample', order_id, 100 * power(10, $2::integer)::bigint, $1, now(), 'applied' FROM placed
    ), counted AS (
      SELECT *, floor(extract(epoch FROM created_at) / 900)::integer AS quarter_hour FROM placed
    ), timed AS (
      INSERT INTO sales_by_time (event_id, session_id, quarter_hour, orders, tickets, revenue, before_discounts)
      SELECT event_id, session_id, quarter_hour, 1, 1, 100, 100 FROM counted
    ), organized AS (
      INSERT INTO organization_sales_by_time (organization_id, quarter_hour, orders, tickets, revenue, before_discounts)
      SELECT organization_id, quarter_hour, 1, 1, 100, 100 FROM counted
    ), tiered AS (
      INSERT INTO sales_by_tier (organization_id, event_id, session_id, tier_id, tier_name, tier_color, tickets, revenue)
      SELECT organization_id, event_id, session_id, '33333333-3333-3333-3333-333333333333', 'VIP', '#FFD700', 1, 100
        FROM placed
    ), moved AS (
      INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
      SELECT organization_id, event_id, session_id, $1, 100 * power(10, $2::integer)::bigint, 0 FROM placed
    )
    INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name,
                         price_at_purchase, issued_at)
    SELECT '11111111-1111-1111-1111-111111111111', order_id, session_id, 'A1', 'A1', '#FFD700',
           '33333333-3333-3333-3333-333333333333', 'VIP', 100.00, now() FROM placed`,
};

/** Inserts the sample order with its payment and ticket (contract section 7), unless it exists. */
export async function insertSampleData(database: Database): Promise<void> {
  const { currency } = database;
  await database.rows(SAMPLE, [currency.code, currency.exponent]);
}
