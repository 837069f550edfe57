import type pg from 'pg';
import { createTicketSealer } from '../../src/features/tickets/qr/sealer.ts';
import { as, type SessionId, type TicketId } from '../../src/kernel/ids.ts';
import { QR_KEY } from './stage.ts';

/** Orders of the same numbers are the same in every run: an id is the digest of its number. */
const SEED = 'ms-ticketing';
const ORDERS_A_STATEMENT = 250_000;
const ORDERS_A_SESSION = 5_000;
const USERS = 100_000;

/**
 * Orders `from` to `to`, two tickets each, spread over a year: of ten, seven completed, two cancelled, one pending whose
 * hold ends tomorrow. Of every 5,000 each is of another session, and they are of 100,000 users unless some are named.
 */
export async function addHistory(
  sql: pg.Pool,
  from: number,
  to: number,
  users: readonly string[] = [],
): Promise<void> {
  for (let at = from; at < to; at += ORDERS_A_STATEMENT) {
    await sql.query(ADD, [
      SEED,
      at,
      Math.min(to, at + ORDERS_A_STATEMENT) - 1,
      users,
      ORDERS_A_SESSION,
      USERS,
    ]);
  }
  await sql.query('VACUUM (ANALYZE, FREEZE) orders, tickets');
}

const ADD = `
  WITH numbered AS (
    SELECT n, n % 10 AS tenth, md5($1 || 'order' || n)::uuid AS order_id, md5($1 || 'session' || n / $5::int)::uuid AS session_id,
           now() - interval '1 year' + interval '1 second' * (n % 31000000) AS created_at
      FROM generate_series($2::int, $3::int) AS n
  ), placed AS (
    INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at,
                        expires_at, completed_at, cancelled_at, cancel_reason)
    SELECT order_id,
           CASE WHEN cardinality($4::uuid[]) > 0 THEN ($4::uuid[])[1 + n % cardinality($4::uuid[])]
                ELSE md5($1 || 'user' || n % $6::int)::uuid END,
           session_id, session_id, session_id,
           CASE WHEN tenth < 7 THEN 'completed' WHEN tenth < 9 THEN 'cancelled' ELSE 'pending' END, 200, 200, created_at,
           CASE WHEN tenth = 9 THEN now() + interval '1 day' ELSE created_at + interval '5 minutes' END,
           CASE WHEN tenth < 7 THEN created_at END, CASE WHEN tenth IN (7, 8) THEN created_at END,
           CASE WHEN tenth IN (7, 8) THEN 'expired' END
      FROM numbered
  )
  INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name, price_at_purchase,
                       issued_at, voided_at, void_reason)
  SELECT md5($1 || 'ticket' || n || '/' || seat)::uuid, order_id, session_id, md5($1 || 'seat' || n || '/' || seat)::uuid::text,
         'A12', '#FFD700', '33333333-3333-3333-3333-333333333333'::uuid, 'VIP', 100, created_at,
         CASE WHEN tenth IN (7, 8) THEN created_at END, CASE WHEN tenth IN (7, 8) THEN 'order' END
    FROM numbered, generate_series(1, 2) AS seat`;

/** Bodies of check-ins of so many paid tickets that nobody has used. */
export async function checkIns(sql: pg.Pool, count: number): Promise<string[]> {
  const sealer = await createTicketSealer([QR_KEY]);
  const { rows } = await sql.query<{ ticket_id: string; session_id: string }>(
    `SELECT t.ticket_id, t.session_id FROM tickets t JOIN orders o USING (order_id)
      WHERE o.status = 'completed' AND NOT t.checked_in AND t.voided_at IS NULL LIMIT $1`,
    [count],
  );
  return Promise.all(
    rows.map(async (row) => {
      const ticket = { ticketId: as<TicketId>(row.ticket_id), sessionId: as<SessionId>(row.session_id) };
      return JSON.stringify({ encrypted_qr: await sealer.seal(ticket) });
    }),
  );
}
