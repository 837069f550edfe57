import { readFile } from 'node:fs/promises';
import type pg from 'pg';

/** Parameters of generated sales. The same parameters always give the same rows and ids. */
export interface MadeUpSales {
  readonly seed: number;
  /** Distinguishes several sets in one database. */
  readonly name: string;
  readonly events: number;
  readonly sessionsPerEvent: number;
  readonly tickets: number;
  readonly firstDay: string;
  /** Days that each event is on sale. The events start evenly over the year. */
  readonly daysOnSale: number;
}

/** Orders have one to four tickets, in equal shares. */
const TICKETS_PER_ORDER = 2.5;

/** The ids of generated sales. */
export function idsOf(name: string, event: number, session = 0) {
  return {
    organization: `md5('${name} organization')::uuid`,
    event: `md5('${name} event ${event}')::uuid`,
    session: `md5('${name} event ${event} session ${session}')::uuid`,
  };
}

/** SQL for a pseudo-random number from 0 that depends on a row and a purpose. */
const dice = (row: string, seed: number, purpose: number) =>
  `(hashint8extended(${row}, ${seed * 1_000 + purpose}) & 1073741823)`;

/**
 * Fills orders, tickets, payments and refunds. Of a hundred orders 90 are completed, 6 cancelled and 4 completed with a
 * partial refund. One in ten has a discount; six in ten tickets are checked in.
 */
export async function insertSales(sql: pg.Pool, sales: MadeUpSales): Promise<void> {
  const { seed, name, events, sessionsPerEvent, tickets, firstDay, daysOnSale } = sales;
  const orders = Math.round(tickets / TICKETS_PER_ORDER);
  const client = await sql.connect();
  try {
    await client.query('SET synchronous_commit = off; SET statement_timeout = 0');
    await client.query(`
      CREATE TEMP TABLE made_up ON COMMIT PRESERVE ROWS AS
      SELECT i, i % ${events} AS event, ${dice('i', seed, 1)} % ${sessionsPerEvent} AS session,
             1 + i % 4 AS seats, ${dice('i', seed, 2)} % 100 AS fate, ${dice('i', seed, 3)} % 10 = 0 AS is_discounted,
             timestamptz '${firstDay}' + (i % ${events}) * interval '365 days' / ${events}
               + ${dice('i', seed, 4)} % (${daysOnSale} * 86400) * interval '1 second' AS at
        FROM generate_series(1, ${orders}) i`);
    await client.query(`
      CREATE TEMP TABLE made_up_tickets AS
      SELECT i, j, ${dice('i * 4 + j', seed, 5)} % 4 AS tier,
             (ARRAY[49.90, 99.90, 149.50, 300])[1 + ${dice('i * 4 + j', seed, 5)} % 4] AS price
        FROM made_up, generate_series(1, seats) j`);
    await client.query(`
      INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, discount_id,
                          discount_code, discount_amount, price, created_at, expires_at, completed_at, cancelled_at,
                          cancel_reason, payment_intent_id, payment_attempt)
      SELECT md5('${name} order ' || i)::uuid, md5('${name} user ' || i % 50000)::uuid,
             md5('${name} event ' || event)::uuid, md5('${name} organization')::uuid,
             md5('${name} event ' || event || ' session ' || session)::uuid,
             CASE WHEN fate < 6 THEN 'cancelled' ELSE 'completed' END, subtotal,
             CASE WHEN is_discounted THEN md5('${name} discount ' || event)::uuid END,
             CASE WHEN is_discounted THEN 'CODE' || event END, discount, subtotal - discount, at,
             at + interval '5 minutes', CASE WHEN fate >= 6 THEN at + interval '1 minute' END,
             CASE WHEN fate < 6 THEN at + interval '5 minutes' END, CASE WHEN fate < 6 THEN 'expired' END,
             CASE WHEN fate >= 6 THEN 'pi_${name}_' || i END, 1
        FROM made_up
        JOIN (SELECT i, sum(price) AS subtotal FROM made_up_tickets GROUP BY i) t USING (i),
             LATERAL (SELECT CASE WHEN is_discounted THEN 10.00 ELSE 0 END AS discount) d
       ORDER BY i`);
    await client.query(`
      INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name,
                           price_at_purchase, issued_at, checked_in, checked_in_time, checked_in_by, voided_at, void_reason)
      SELECT md5('${name} ticket ' || i || ' ' || j)::uuid, md5('${name} order ' || i)::uuid,
             md5('${name} event ' || event || ' session ' || session)::uuid, md5('${name} seat ' || i || ' ' || j)::uuid::text,
             chr(65 + i % 26) || j, (ARRAY['#FFD700', '#C0C0C0', '#CD7F32', '#3366FF'])[1 + tier],
             md5('${name} event ' || event || ' tier ' || tier)::uuid, (ARRAY['Balcony', 'Stalls', 'Circle', 'VIP'])[1 + tier],
             price, at, is_in, CASE WHEN is_in THEN at + interval '60 days' END, NULL,
             CASE WHEN fate < 6 THEN at + interval '5 minutes' END, CASE WHEN fate < 6 THEN 'order' END
        FROM made_up JOIN made_up_tickets USING (i),
             LATERAL (SELECT fate >= 6 AND ${dice('i * 4 + j', seed, 6)} % 10 < 6 AS is_in) c
       ORDER BY i, j`);
    await client.query(`
      INSERT INTO payments (payment_intent_id, order_id, amount_minor, currency, received_at, state)
      SELECT payment_intent_id, order_id, price * 100, 'lkr', completed_at, 'applied'
        FROM orders WHERE payment_intent_id LIKE 'pi_${name}_%'`);
    await client.query(`
      INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, provider_id, next_attempt_at)
      SELECT md5('${name} refund ' || i)::uuid, 'pi_${name}_' || i, 1000, 'service', 'made up', at, 're_${name}_' || i, NULL
        FROM made_up WHERE fate >= 96`);
    await client.query('DROP TABLE made_up_tickets, made_up');
  } finally {
    client.release();
  }
  await sql.query('VACUUM ANALYZE orders, tickets, payments, refunds');
}

/** Counts all sales again, as the migration does for a database with sales. Returns the seconds it took. */
export async function countAnew(sql: pg.Pool): Promise<number> {
  const began = performance.now();
  for (const direction of ['down', 'up']) {
    const text = await readFile(`migrations/000006_analytics.${direction}.sql`, 'utf8');
    // The service's folding job must not run while its tables are dropped.
    await sql.query(`SET statement_timeout = 0; SELECT pg_advisory_xact_lock(840084004); ${text}`);
  }
  await sql.query(
    'VACUUM ANALYZE sales_by_time, organization_sales_by_time, sales_by_tier, discounts_by_time, money_by_session',
  );
  return (performance.now() - began) / 1_000;
}
