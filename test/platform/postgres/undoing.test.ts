import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Currency } from '../../../src/kernel/money.ts';
import { lossesIn, migrateDown, migrateUp } from '../../../src/platform/postgres/migrations.ts';
import { sql } from '../../support/databases.ts';
import { emptyDatabase } from '../../support/own-database.ts';
import { earlierSales } from '../../support/takeover.ts';
import { startTestApp } from '../../support/test-app.ts';

const dir = 'migrations';
const currency = new Currency('lkr');

async function undoAll(dsn: string): Promise<void> {
  while ((await migrateDown({ dsn, dir, currency })).length > 0);
}

describe('last-down: undoing migrations', () => {
  test('every step says first what it loses', async () => {
    const files = (await readdir(dir)).filter((file) => file.endsWith('.down.sql'));
    for (const file of files) {
      const loses = lossesIn(await readFile(`${dir}/${file}`, 'utf8'));
      expect(loses, file).not.toContain('does not say');
    }
  });

  test('it undoes nothing of a database with rows until the operator agrees', async () => {
    const sales = await earlierSales();
    await sales.sell();
    await migrateUp({ dsn: sales.dsn, dir, currency });
    const applied = await sales.sql('SELECT name FROM ticketing_migrations ORDER BY id');
    const refused = await sales.run('migrate', '-a', 'down');
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('--yes') });
    expect(refused.err).toContain(`Undoing ${applied.at(-1)?.name} loses `);
    expect(await sales.sql('SELECT name FROM ticketing_migrations ORDER BY id')).toEqual(applied);
    const agreed = await sales.run('migrate', '-a', 'down', '--yes');
    expect(agreed).toMatchObject({ code: 0, out: `${applied.at(-1)?.name}\n` });
    expect(await sales.sql('SELECT name FROM ticketing_migrations ORDER BY id')).toEqual(applied.slice(0, -1));
  });

  test('it undoes only the step that the operator agreed to', async () => {
    const dsn = await emptyDatabase();
    await migrateUp({ dsn, dir, currency });
    const before = await sql(dsn, 'SELECT name FROM ticketing_migrations');
    await expect(migrateDown({ dsn, dir, currency }, '000001_init_schema')).rejects.toThrow('not the newest');
    expect(await sql(dsn, 'SELECT name FROM ticketing_migrations')).toEqual(before);
  });

  test('the last step leaves the tables of the earlier service and every row in them', async () => {
    const { dsn, ...sales } = await earlierSales();
    const sold = await sales.sell({ prices: [10, 20] });
    await sales.order({ status: 'pending' });
    await sales.order({ status: 'cancelled' });
    const rows = (table: string, columns: string) => sql(dsn, `SELECT ${columns} FROM ${table} ORDER BY 1`);
    const orders = () =>
      rows(
        'orders',
        "order_id, user_id, status, price::text, created_at::timestamptz, NULLIF(payment_intent_id, '') AS intent",
      );
    const tickets = () => rows('tickets', 'ticket_id, order_id, seat_id::text, qr_code, price_at_purchase::text');
    const before = [await orders(), await tickets()];
    await migrateUp({ dsn, dir, currency });
    await undoAll(dsn);
    expect([await orders(), await tickets()]).toEqual(before);
    expect(await sql(dsn, 'SELECT version::int FROM schema_migrations')).toEqual([{ version: 2 }]);
    // Forward again, with the same payment.
    await migrateUp({ dsn, dir, currency });
    expect(await sales.payments(sold.orderId)).toMatchObject([{ payment_intent_id: sold.intentId }]);
  });

  test('the last step leaves the earlier service’s tables also while they are empty', async () => {
    const { dsn } = await earlierSales();
    await migrateUp({ dsn, dir, currency });
    await undoAll(dsn);
    expect(await sql(dsn, "SELECT to_regclass('orders')::text AS orders")).toEqual([{ orders: 'orders' }]);
  });

  test('the last step leaves the orders of this service, too', async () => {
    const app = await startTestApp({ SEED_DATA: 'true' }, {}, { background: false });
    await app.app.close();
    await undoAll(app.dsn);
    expect(await sql(app.dsn, 'SELECT count(*)::int AS orders FROM orders')).toEqual([{ orders: 1 }]);
    expect(await migrateUp({ dsn: app.dsn, dir, currency })).not.toEqual([]);
  });
});

describe('takeover-refunds: a database that a version before this one took over', () => {
  test('unsent refunds that no administrator asked for are dropped, and the payment is applied to its order', async () => {
    const sales = await earlierSales();
    const { orderId, intentId } = await sales.sell();
    const { dsn } = sales;
    await migrateUp({ dsn, dir, currency });
    const names = await sql<{ name: string }>(dsn, 'SELECT name FROM ticketing_migrations ORDER BY id');
    const later = names.map(({ name }) => name).filter((name) => name >= '000011');
    for (const name of later.toReversed()) await migrateDown({ dsn, dir, currency }, name);
    // As the previous version wrote it, a moment after its start.
    await sql(
      dsn,
      `UPDATE payments SET state = 'refund_due';
       INSERT INTO refunds (refund_id, payment_intent_id, amount_minor, origin, reason, created_at, next_attempt_at)
       SELECT gen_random_uuid(), payment_intent_id, amount_minor, 'service', 'the order was already completed', now(), now() FROM payments;
       UPDATE money_by_session SET refunded_minor = taken_minor`,
    );
    await migrateUp({ dsn, dir, currency });
    expect(await sales.payments(orderId)).toMatchObject([{ payment_intent_id: intentId, state: 'applied' }]);
    expect(await sql(dsn, 'SELECT FROM refunds')).toEqual([]);
    expect((await sales.run('verify')).out).toContain('Every invariant holds.');
  });
});

describe('verify-before-start: npm run verify while no replica runs', () => {
  test('it lists pending orders past their end separately, and as wrong while a replica runs', async () => {
    const sales = await earlierSales();
    const orderId = await sales.order({ status: 'pending' });
    await migrateUp({ dsn: sales.dsn, dir, currency });
    const stopped = await sales.run('verify');
    expect(stopped).toMatchObject({ code: 0, out: expect.stringContaining('No replica runs') });
    expect(stopped.out).toContain(orderId);
    expect(stopped.out).toContain('Every invariant holds.');

    const app = await startTestApp(sales.env, {}, { background: false });
    // It publishes, so it leads, and a leader also sweeps.
    await app.app.turn('relay');
    const running = await sales.run('verify');
    expect(running).toMatchObject({
      code: 1,
      out: expect.stringContaining(`I3  a pending order outlived its hold: ${orderId}`),
    });
  });
});
