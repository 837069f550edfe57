import { randomUUID } from 'node:crypto';
import { beforeAll, expect, test } from 'vitest';
import { discountDaysOf, sessionsOf, sumsIn } from '../../../src/features/analytics/figures.store.ts';
import { figuresOfEach, netOf, toFigures } from '../../../src/features/analytics/figures.ts';
import { AnalyticsJson } from '../../../src/features/analytics/json.ts';
import { foldCounted } from '../../../src/features/analytics/sales.store.ts';
import { readTimeZone, type TimeZone } from '../../../src/features/analytics/time-zones.ts';
import { totalsOf } from '../../../src/features/live/feed.store.ts';
import { as, type EventId } from '../../../src/kernel/ids.ts';
import { type Database, openDatabase } from '../../../src/platform/postgres/database.ts';
import { atEnd } from '../../support/at-end.ts';
import { LKR } from '../../support/currencies.ts';
import { sql } from '../../support/databases.ts';
import { testDatabase } from '../../support/own-database.ts';

/** The largest price that an integer of minor units can be: two of them are more than it can hold. */
const LARGEST = '90071992547409.91';
/** More payments of that price than an eight-byte integer can hold together. */
const PAYMENTS = 2_000n;
const UTC = readTimeZone('UTC') as TimeZone;
const absurd = as<EventId>(randomUUID());
const modest = as<EventId>(randomUUID());
const sold = BigInt(LARGEST.replace('.', '')) * PAYMENTS;

let database: Database;

/** Rows as they were before they are folded: `count` sales of an event, each of this price. */
const SELL = `
  WITH sales AS (SELECT $1::uuid AS id, $2::numeric AS price FROM generate_series(1, $3::integer)),
  timed AS (
    INSERT INTO sales_by_time (event_id, session_id, quarter_hour, orders, tickets, revenue, before_discounts)
    SELECT id, id, 0, 1, 1, price, price FROM sales
  ), tiered AS (
    INSERT INTO sales_by_tier (organization_id, event_id, session_id, tier_id, tier_name, tier_color, tickets, revenue)
    SELECT id, id, id, id, 'VIP', '', 1, price FROM sales
  ), discounted AS (
    INSERT INTO discounts_by_time (event_id, discount_code, quarter_hour, uses, amount) SELECT id, 'C', 0, 1, price FROM sales
  ), totals AS (
    INSERT INTO sales_totals SELECT 'event', id, count(*), count(*), sum(price) FROM sales GROUP BY id
  )
  INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
  SELECT id, id, id, 'lkr', price * 100, 0 FROM sales`;

beforeAll(async () => {
  const dsn = await testDatabase();
  await sql(dsn, SELL, [absurd, LARGEST, Number(PAYMENTS)]);
  await sql(dsn, SELL, [modest, '1.50', 2]);
  database = openDatabase({ currency: LKR, dsn, maxConnections: 1, onIdleError: () => undefined });
  atEnd(() => database.close());
});

async function everyFigure() {
  const sums = await sumsIn(database, { of: 'each', eventIds: [absurd, modest] }, UTC);
  return {
    each: figuresOfEach([absurd, modest], sums),
    together: toFigures(sums),
    sessions: await sessionsOf(database, absurd),
    discounts: await discountDaysOf(database, absurd, UTC),
  };
}

test('absurd-price: sums of the largest prices are exact, before and after they are folded', async () => {
  const before = await everyFigure();
  const totals = { orders: 2_000, tickets: 2_000, revenue: sold, beforeDiscounts: sold };
  const moved = { taken: sold, refunded: 0n };
  expect(before.each.get(absurd)).toMatchObject({ ...totals, money: moved, tiers: [{ revenue: sold }] });
  expect(before.together).toMatchObject({ revenue: sold + 300n });
  expect(before.sessions).toEqual([{ sessionId: absurd, ...totals, money: moved }]);
  expect(before.discounts).toEqual([{ date: '1970-01-01', code: 'C', uses: 2_000, amount: sold }]);
  expect(netOf(moved)).toBe(sold);

  await foldCounted(database);
  await foldCounted(database);
  expect(await everyFigure()).toEqual(before);
  const rows = {
    name: 'rows',
    text: 'SELECT event_id AS id, bool_and(is_folded) AS done FROM money_by_session GROUP BY 1',
  };
  expect(new Set(await database.rows(rows, []))).toEqual(new Set([absurd, modest].map((id) => ({ id, done: true }))));
});

test('absurd-price: such a sum is a number in JSON, and the totals of other events stay exact', async () => {
  const { each } = await everyFigure();
  const figures = each.get(absurd);
  expect(figures && new AnalyticsJson(LKR).figures(figures).total_revenue).toBe(Number(sold / 100n));
  const totals = await totalsOf(
    database,
    [absurd, modest].map((id) => ({ kind: 'event', id })),
  );
  expect([...totals.values()].toSorted((a, b) => a.revenue - b.revenue)).toEqual([
    { orders: 2, tickets: 2, revenue: 3 },
    { orders: 2_000, tickets: 2_000, revenue: Number(sold / 100n) },
  ]);
});
