import { execFile } from 'node:child_process';
import { mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { Currency } from '../../../src/kernel/money.ts';
import {
  createMigration,
  migrateDown,
  migrateUp,
  migrationVersion,
} from '../../../src/platform/postgres/migrations.ts';
import { sql } from '../../support/databases.ts';
import { EARLIER_SCHEMA } from '../../support/earlier-service.ts';
import { emptyDatabase } from '../../support/own-database.ts';
import { until } from '../../support/servers.ts';

const dir = 'migrations';
const currency = new Currency('lkr');
const run = promisify(execFile);

async function names(): Promise<string[]> {
  const files = await readdir(dir);
  return files.flatMap((file) => /(.*)\.up\.sql/.exec(file)?.[1] ?? []).sort();
}

/** Every column, constraint and index of the public schema, as text. */
async function shapeOf(dsn: string): Promise<string[]> {
  const rows = await sql<{ line: string }>(
    dsn,
    `SELECT format('%s.%s %s %s', table_name, column_name, data_type, is_nullable) AS line FROM information_schema.columns WHERE table_schema = 'public'
     UNION ALL SELECT format('%s %s', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
     UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`,
  );
  return rows.map(({ line }) => line);
}

const ORDER = (n: number, status: string) =>
  `INSERT INTO orders VALUES ('00000000-0000-4000-8000-00000000000${n}', '10000000-0000-4000-8000-000000000000', '20000000-0000-4000-8000-000000000000',
    '30000000-0000-4000-8000-000000000000', '40000000-0000-4000-8000-000000000000', '${status}', 150.50, NULL, NULL, 0, 150.50, '2026-01-02 03:04:05.678901', ${n === 1 ? "'pi_1'" : "''"});`;
const TICKET = (n: number, order: number, seat: number, checkedIn = false) =>
  `INSERT INTO tickets VALUES ('50000000-0000-4000-8000-00000000000${n}', '00000000-0000-4000-8000-00000000000${order}', '60000000-0000-4000-8000-00000000000${seat}',
    'A1', '#FFD700', '70000000-0000-4000-8000-000000000000', 'VIP', '\\x89504e47', 150.50, '2026-01-02 03:04:05', ${checkedIn}, ${checkedIn ? "'2026-02-02 20:00:00'" : "'0001-01-01 00:00:00'"});`;

describe('migrations', () => {
  test('they run once when they are started twenty times at once', async () => {
    const dsn = await emptyDatabase();
    const runs = await Promise.all(Array.from({ length: 20 }, () => migrateUp({ dsn, dir })));
    expect(runs.filter((done) => done.length > 0)).toEqual([await names()]);
    expect(await migrationVersion(dsn)).toBe((await names()).at(-1));
  });

  test('they lead to the same schema after going all the way down and up again', async () => {
    const dsn = await emptyDatabase();
    await migrateUp({ dsn, dir });
    const before = await shapeOf(dsn);
    for (const name of (await names()).toReversed()) expect(await migrateDown({ dsn, dir })).toEqual([name]);
    expect(await migrateDown({ dsn, dir })).toEqual([]);
    expect((await shapeOf(dsn)).filter((line) => !line.includes('ticketing_migrations'))).toEqual([]);
    await migrateUp({ dsn, dir });
    expect(await shapeOf(dsn)).toEqual(before);
  });

  test('scripts/migrate.sh runs the four actions', async () => {
    const dsn = await emptyDatabase();
    const folder = await mkdtemp(join(tmpdir(), 'migrations-'));
    const script = (...args: string[]) =>
      run('scripts/migrate.sh', args, { env: { ...process.env, POSTGRES_DSN: dsn } });
    expect((await script('-a', 'version')).stdout.trim()).toBe('none');
    expect((await script('-a', 'up')).stdout.trim().split('\n')).toEqual(await names());
    expect((await script('-a', 'version')).stdout.trim()).toBe((await names()).at(-1));
    expect((await script('-a', 'down')).stdout.trim()).toBe((await names()).at(-1));
    await createMigration(folder, 'first_thing');
    await createMigration(folder, 'second_thing');
    const pairs = ['000001_first_thing', '000002_second_thing'].flatMap((name) => [
      `${name}.down.sql`,
      `${name}.up.sql`,
    ]);
    expect((await readdir(folder)).sort()).toEqual(pairs);
    await expect(script('-a', 'sideways')).rejects.toMatchObject({ code: 2 });
    const env = { ...process.env, POSTGRES_DSN: 'postgres://127.0.0.1:1/x', DATABASE_WAIT_SECONDS: '0' };
    await expect(run('scripts/migrate.sh', ['-a', 'up'], { env })).rejects.toMatchObject({ code: 1 });
  });
});

describe('migrations while the release before sells', () => {
  const NEWEST_THERE = '000014_named_states';

  /** A database of the release before, with an order. */
  async function earlierRelease(): Promise<string> {
    const dsn = await emptyDatabase();
    await sql(dsn, EARLIER_SCHEMA);
    await sql(dsn, ORDER(1, 'completed'));
    await migrateUp({ dsn, dir, currency });
    for (const name of (await names()).toReversed()) {
      if (name > NEWEST_THERE) await migrateDown({ dsn, dir, currency }, name);
    }
    return dsn;
  }

  const untilWaiting = (dsn: string) =>
    until('the migration waits', async () => {
      const text = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`;
      return (await sql(dsn, text)).length === 1;
    });

  async function connected(dsn: string): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: dsn });
    await client.connect();
    return client;
  }

  test('they wait for a sale that has its order and goes on to the sums and the refunds', async () => {
    const dsn = await earlierRelease();
    const sale = await connected(dsn);
    await sale.query('BEGIN');
    await sale.query('UPDATE orders SET status = status');
    const migrating = migrateUp({ dsn, dir, currency }).catch((error: Error) => error.message);
    await untilWaiting(dsn);
    // Readers go on meanwhile.
    expect(await sql(dsn, 'SELECT count(*)::int AS orders FROM orders')).toEqual([{ orders: 1 }]);
    for (const table of ['sales_by_time', 'sales_by_tier', 'money_by_session', 'refunds']) {
      await sale.query(`DELETE FROM ${table}`);
    }
    await sale.query('COMMIT');
    await sale.end();
    expect(await migrating).toEqual((await names()).filter((name) => name > NEWEST_THERE));
  });

  test('undoing the refunds at Stripe waits for a transaction that has one refund and goes on to another', async () => {
    const dsn = await earlierRelease();
    await sql(
      dsn,
      `INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, next_attempt_at)
       SELECT gen_random_uuid(), payment_intent_id, n, 'service', 'x', now(), now() FROM payments, generate_series(1, 2) n`,
    );
    await migrateUp({ dsn, dir, currency });
    const undone = '000015_refunds_at_stripe';
    for (const name of (await names()).toReversed()) {
      if (name > undone) await migrateDown({ dsn, dir, currency }, name);
    }
    const sale = await connected(dsn);
    await sale.query('BEGIN');
    await sale.query('UPDATE refunds SET last_error = NULL WHERE amount_minor = 2');
    const undoing = migrateDown({ dsn, dir, currency }, undone).catch((error: Error) => error.message);
    await untilWaiting(dsn);
    await sale.query('UPDATE refunds SET last_error = NULL WHERE amount_minor = 1');
    await sale.query('COMMIT');
    await sale.end();
    expect(await undoing).toEqual([undone]);
  });

  test('undoing the replica identities waits for a sale that has its order and goes on to the sums', async () => {
    const dsn = await earlierRelease();
    await migrateUp({ dsn, dir, currency });
    const undone = '000017_replica_identity';
    for (const name of (await names()).toReversed()) {
      if (name > undone) await migrateDown({ dsn, dir, currency }, name);
    }
    const sale = await connected(dsn);
    await sale.query('BEGIN');
    await sale.query('UPDATE orders SET status = status');
    await sale.query('DELETE FROM sales_by_tier');
    const undoing = migrateDown({ dsn, dir, currency }, undone).catch((error: Error) => error.message);
    await untilWaiting(dsn);
    await sale.query('DELETE FROM sales_by_time');
    await sale.query('COMMIT');
    await sale.end();
    expect(await undoing).toEqual([undone]);
  });
});

describe('taking over from the earlier service', () => {
  test('it loses no row, and applies the new rules to each', async () => {
    const dsn = await emptyDatabase();
    await sql(dsn, EARLIER_SCHEMA);
    await sql(dsn, [ORDER(1, 'completed'), ORDER(2, 'pending'), ORDER(3, 'cancelled')].join(''));
    await sql(dsn, [TICKET(1, 1, 1, true), TICKET(2, 2, 2), TICKET(3, 3, 1), TICKET(4, 9, 3)].join(''));
    await migrateUp({ dsn, dir, currency });

    const created = new Date('2026-01-02T03:04:05.678Z');
    const times = { created_at: created, completed_at: created, expires_at: null };
    expect(await sql(dsn, 'SELECT *, price::text FROM orders ORDER BY order_id')).toMatchObject([
      { status: 'completed', price: '150.50', payment_intent_id: 'pi_1', ...times },
      { status: 'pending', payment_intent_id: null, expires_at: new Date('2026-01-02T03:09:05.678Z') },
      { status: 'cancelled', cancelled_at: created, cancel_reason: 'unknown' },
    ]);
    const tickets = await sql(
      dsn,
      `SELECT right(seat_id, 1)::int AS seat, checked_in, checked_in_time, voided_at IS NULL AS live, qr_code IS NOT NULL AS has_qr
         FROM tickets ORDER BY ticket_id`,
    );
    const unused = { checked_in: false, checked_in_time: null, has_qr: true };
    expect(tickets).toEqual([
      { seat: 1, checked_in: true, checked_in_time: new Date('2026-02-02T20:00:00Z'), live: true, has_qr: true },
      { seat: 2, live: true, ...unused },
      { seat: 1, live: false, ...unused },
      { seat: 3, live: false, ...unused },
    ]);
    expect(await sql(dsn, 'SELECT version::int, dirty FROM schema_migrations')).toEqual([{ version: 2, dirty: false }]);
    const revived = sql(dsn, 'UPDATE tickets SET voided_at = NULL, void_reason = NULL');
    await expect(revived).rejects.toThrow('tickets_live_seat');
  });

  test('it stops where two live tickets hold a seat, lists them, and changes nothing', async () => {
    const dsn = await emptyDatabase();
    await sql(dsn, EARLIER_SCHEMA);
    await sql(dsn, [ORDER(1, 'completed'), ORDER(2, 'pending'), TICKET(1, 1, 1), TICKET(2, 2, 1)].join(''));
    const before = await shapeOf(dsn);
    const rows = await sql(dsn, 'SELECT * FROM tickets ORDER BY ticket_id');
    const failure = await migrateUp({ dsn, dir, currency }).catch((error: Error) => error.message);
    expect(failure).toContain('seat 60000000-0000-4000-8000-000000000001');
    expect(failure).toContain('ticket 50000000-0000-4000-8000-000000000001 of completed order');
    expect(failure).toContain('ticket 50000000-0000-4000-8000-000000000002 of pending order');
    expect(await shapeOf(dsn)).toEqual(before);
    expect(await sql(dsn, 'SELECT * FROM tickets ORDER BY ticket_id')).toEqual(rows);
  });

  test.each([
    [
      'an unknown status',
      "UPDATE orders SET status = 'Refunded'",
      'order 00000000-0000-4000-8000-000000000001: Refunded',
    ],
    [
      'orders that share a PaymentIntent',
      "UPDATE orders SET payment_intent_id = 'pi_1'",
      'pi_1: completed order 00000000-0000-4000-8000-000000000001, completed order 00000000-0000-4000-8000-000000000002',
    ],
    [
      'an id that is not a UUID',
      "ALTER TABLE orders ALTER user_id TYPE text; UPDATE orders SET user_id = 'guest' WHERE status = 'completed'",
      'order 00000000-0000-4000-8000-000000000001: user_id is not a UUID',
    ],
    [
      'a price that is not a number',
      "UPDATE orders SET price = 'NaN'",
      'order 00000000-0000-4000-8000-000000000001: price is not a number',
    ],
    [
      'a ticket of no seat',
      `${TICKET(7, 1, 1)} ALTER TABLE tickets ALTER seat_id TYPE text; UPDATE tickets SET seat_id = ''`,
      'ticket 50000000-0000-4000-8000-000000000007: seat_id must have 1 to 64 characters',
    ],
    [
      'a ticket with a price below zero',
      `${TICKET(7, 1, 1)} UPDATE tickets SET price_at_purchase = -1`,
      'ticket 50000000-0000-4000-8000-000000000007: price_at_purchase is below zero',
    ],
    [
      'a ticket without a date',
      `${TICKET(7, 1, 1)} UPDATE tickets SET issued_at = 'infinity'`,
      'ticket 50000000-0000-4000-8000-000000000007: issued_at has no date',
    ],
    ['an amount below zero', 'UPDATE orders SET price = -0.01', 'order 00000000-0000-4000-8000-000000000001'],
    [
      'a view on a column whose type changes',
      'CREATE VIEW takings AS SELECT sum(price) FROM orders',
      'view takings depends on column "price"',
    ],
  ])('it stops at %s, names it, and changes nothing', async (_name, change, named) => {
    const dsn = await emptyDatabase();
    await sql(dsn, [EARLIER_SCHEMA, ORDER(1, 'completed'), ORDER(2, 'completed'), change, ';'].join(''));
    const before = await shapeOf(dsn);
    await expect(migrateUp({ dsn, dir, currency })).rejects.toThrow(named);
    expect(await shapeOf(dsn)).toEqual(before);
  });

  test('it reads every known status in upper or lower case', async () => {
    const dsn = await emptyDatabase();
    await sql(dsn, [EARLIER_SCHEMA, ORDER(1, 'COMPLETED'), ORDER(2, 'Canceled'), ORDER(3, 'Pending')].join(''));
    await migrateUp({ dsn, dir, currency });
    const orders = await sql<{ status: string }>(dsn, 'SELECT status FROM orders ORDER BY order_id');
    expect(orders.map(({ status }) => status)).toEqual(['completed', 'cancelled', 'pending']);
  });

  test('it stops at a migration that the earlier service left half done', async () => {
    const dsn = await emptyDatabase();
    await sql(dsn, `${EARLIER_SCHEMA} UPDATE schema_migrations SET dirty = true`);
    await expect(migrateUp({ dsn, dir, currency })).rejects.toThrow('half done');
  });

  test('it continues from version 1, which lacked columns', async () => {
    const dsn = await emptyDatabase();
    await sql(
      dsn,
      `${EARLIER_SCHEMA} UPDATE schema_migrations SET version = 1;
      ALTER TABLE orders DROP COLUMN subtotal, DROP COLUMN discount_id, DROP COLUMN discount_code, DROP COLUMN discount_amount, DROP COLUMN organization_id, DROP COLUMN payment_intent_id;
      INSERT INTO orders VALUES ('00000000-0000-4000-8000-000000000001', '10000000-0000-4000-8000-000000000000', '20000000-0000-4000-8000-000000000000', '40000000-0000-4000-8000-000000000000', 'completed', 99.99);`,
    );
    await migrateUp({ dsn, dir, currency });
    expect(await sql(dsn, 'SELECT subtotal::text, discount_amount::text, price::text FROM orders')).toEqual([
      { subtotal: '99.99', discount_amount: '0', price: '99.99' },
    ]);
  });
});
