import pg from 'pg';
import { createTicketSealer } from '../../src/features/tickets/qr/sealer.ts';
import { MS_PER_SECOND } from '../../src/kernel/clock.ts';
import { as, type SessionId, type TicketId } from '../../src/kernel/ids.ts';
import { QR_KEY } from './stage.ts';

/** Ids are derived from numbers, so that each run creates the same orders: a number followed by its digest. */
const SEED = 'ms-ticketing';
const ORDERS_A_STATEMENT = 250_000;
const ORDERS_A_SESSION = 5_000;
const USERS = 100_000;

export interface Filling {
  readonly from: number;
  readonly to: number;
  /** Buyers of the orders; by default 100,000 made-up ones. */
  readonly users?: readonly string[];
  readonly say: (line: string) => void;
}

/** The bench is meant for a machine with two cores. */
const FILLING_SESSIONS = 2;
/** Server settings while it is filled; the defaults are restored afterwards. */
const FILLING_SERVER = { max_wal_size: "'16GB'", full_page_writes: 'off', autovacuum: 'off' };

/**
 * Creates orders `from` to `to` with two tickets each, spread over a year. Of ten orders seven are completed, two cancelled
 * and one is pending with a hold until tomorrow. Each block of 5,000 orders belongs to another session.
 */
export async function addHistory(dsn: string, filling: Filling): Promise<void> {
  await onServer(dsn, async (server) => {
    const settings = Object.entries(FILLING_SERVER);
    try {
      for (const [name, value] of settings) await server.query(`ALTER SYSTEM SET ${name} = ${value}`);
      await server.query('SELECT pg_reload_conf()');
      await fillSideBySide(dsn, filling);
      await server.query('VACUUM (ANALYZE, FREEZE) orders, tickets');
    } finally {
      for (const [name] of settings) await server.query(`ALTER SYSTEM RESET ${name}`);
      await server.query('SELECT pg_reload_conf()');
    }
    // Writes the remaining dirty pages now, so that this does not disturb measurements.
    await server.query('CHECKPOINT');
  });
}

async function fillSideBySide(dsn: string, { from, to, users = [], say }: Filling): Promise<void> {
  let next = from;
  const fill = () =>
    onServer(dsn, async (client) => {
      await client.query(FILLING_SESSION);
      while (next < to) {
        const at = next;
        next = Math.min(to, at + ORDERS_A_STATEMENT);
        const last = next - 1;
        const began = performance.now();
        await client.query(ADD, [SEED, at, last, users, ORDERS_A_SESSION, USERS]);
        const seconds = (performance.now() - began) / MS_PER_SECOND;
        say(`orders ${at} to ${last} created after ${seconds.toFixed(1)} s`);
      }
    });
  await Promise.all(Array.from({ length: FILLING_SESSIONS }, fill));
}

async function onServer(dsn: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: dsn });
  // If the server ends, the running statement fails.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

/** Disables foreign keys and triggers: the rows are consistent by construction. */
const FILLING_SESSION = `
  SET session_replication_role = replica;
  SET synchronous_commit = off;
  SET statement_timeout = 0;
  SET work_mem = '256MB';
  SET maintenance_work_mem = '512MB'`;

/** An id that increases with its number, as the service's ids increase with time. */
const grownId = (what: string, number: string) =>
  `(lpad(to_hex(${number}), 12, '0') || '7' || substr(md5($1 || '${what}' || ${number}), 14, 3) || '8' ||
    substr(md5($1 || '${what}' || ${number}), 18))::uuid`;

const ADD = `
  WITH numbered AS MATERIALIZED (
    SELECT n, n % 10 AS tenth, ${grownId('order', 'n')} AS order_id,
           md5($1 || 'session' || n / $5::int)::uuid AS session_id,
           now() - interval '1 year' + interval '1 second' * (n % 31000000) AS created_at
      FROM generate_series($2::int, $3::int) AS n
  ), placed AS (
    INSERT INTO orders (order_id, user_id, event_id, organization_id, session_id, status, subtotal, price, created_at,
                        expires_at, completed_at, cancelled_at, cancel_reason, ended_in)
    SELECT order_id,
           CASE WHEN cardinality($4::uuid[]) > 0 THEN ($4::uuid[])[1 + n % cardinality($4::uuid[])]
                ELSE md5($1 || 'user' || n % $6::int)::uuid END,
           session_id, session_id, session_id,
           CASE WHEN tenth < 7 THEN 'completed' WHEN tenth < 9 THEN 'cancelled' ELSE 'pending' END, 200, 200, created_at,
           CASE WHEN tenth = 9 THEN now() + interval '1 day' ELSE created_at + interval '5 minutes' END,
           CASE WHEN tenth < 7 THEN created_at END, CASE WHEN tenth IN (7, 8) THEN created_at END,
           CASE WHEN tenth IN (7, 8) THEN 'expired' END,
           CASE WHEN tenth < 9 THEN pg_current_xact_id() ELSE '0' END
      FROM numbered
  )
  INSERT INTO tickets (ticket_id, order_id, session_id, seat_id, seat_label, colour, tier_id, tier_name, price_at_purchase,
                       issued_at, voided_at, void_reason)
  SELECT ${grownId('ticket', '(n * 2 + seat)')}, order_id, session_id, md5($1 || 'seat' || n || '/' || seat)::uuid::text,
         'A12', '#FFD700', '33333333-3333-3333-3333-333333333333'::uuid, 'VIP', 100, created_at,
         CASE WHEN tenth IN (7, 8) THEN created_at END, CASE WHEN tenth IN (7, 8) THEN 'order' END
    FROM numbered, generate_series(1, 2) AS seat`;

/** Bodies of check-in requests for paid tickets that are not checked in. */
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
