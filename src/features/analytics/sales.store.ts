import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { MoneyMoved } from '../payments/index.ts';
import type { SalesRows } from './sales-rows.ts';

const ADD_SALES = {
  name: 'sales-add',
  text: `
    WITH sold AS (
      SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::integer[], $6::integer[],
                           $7::numeric[], $8::numeric[])
        AS s (organization_id, event_id, session_id, quarter_hour, orders, tickets, revenue, before_discounts)
    ), timed AS (
      INSERT INTO sales_by_time (event_id, session_id, quarter_hour, orders, tickets, revenue, before_discounts)
      SELECT event_id, session_id, quarter_hour, orders, tickets, revenue, before_discounts FROM sold
    ), organized AS (
      INSERT INTO organization_sales_by_time
                  (organization_id, quarter_hour, orders, tickets, revenue, before_discounts)
      SELECT organization_id, quarter_hour, orders, tickets, revenue, before_discounts FROM sold
    ), discounted AS (
      INSERT INTO discounts_by_time (event_id, discount_code, quarter_hour, uses, amount)
      SELECT * FROM unnest($17::uuid[], $18::text[], $19::integer[], $20::integer[], $21::numeric[])
    )
    INSERT INTO sales_by_tier (organization_id, event_id, session_id, tier_id, tier_name, tier_color, tickets, revenue)
    SELECT * FROM unnest($9::uuid[], $10::uuid[], $11::uuid[], $12::uuid[], $13::text[], $14::text[], $15::integer[],
                         $16::numeric[])`,
};

/** Adds rows to the figures. It only inserts, so that no transaction waits for another. */
export async function addSales(tx: Transaction, { times, tiers, discounts }: SalesRows): Promise<void> {
  if (times.length === 0) return;
  await tx.rows(ADD_SALES, [
    times.map((row) => row.organizationId),
    times.map((row) => row.eventId),
    times.map((row) => row.sessionId),
    times.map((row) => row.quarterHour),
    times.map((row) => row.orders),
    times.map((row) => row.tickets),
    times.map((row) => tx.currency.toDecimal(row.revenue)),
    times.map((row) => tx.currency.toDecimal(row.beforeDiscounts)),
    tiers.map((row) => row.organizationId),
    tiers.map((row) => row.eventId),
    tiers.map((row) => row.sessionId),
    tiers.map((row) => row.tierId),
    tiers.map((row) => row.tierName),
    tiers.map((row) => row.tierColor),
    tiers.map((row) => row.tickets),
    tiers.map((row) => tx.currency.toDecimal(row.revenue)),
    discounts.map((row) => row.eventId),
    discounts.map((row) => row.code),
    discounts.map((row) => row.quarterHour),
    discounts.map((row) => row.uses),
    discounts.map((row) => tx.currency.toDecimal(row.amount)),
  ]);
}

const ADD_MONEY = {
  name: 'money-add',
  text: `INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
         SELECT o.organization_id, o.event_id, o.session_id, p.currency, $2, $3
           FROM payments p JOIN orders o USING (order_id) WHERE p.payment_intent_id = $1`,
};

/** Counts money of a payment that this transaction has written or found. */
export async function addMoney(tx: Transaction, { intentId, taken, refunded }: MoneyMoved): Promise<void> {
  await tx.rows(ADD_MONEY, [intentId, taken, refunded]);
}

/** Few enough that their rows are looked up and not the whole table read. */
const MAX_KEYS_FOLDED = 500;

/*
 * A statement for each table of what is counted. Rows that another transaction inserts at the same time are not seen, and stay
 * for the next turn.
 */
const FOLD_TIMES = {
  name: 'fold-sales-by-time',
  text: `
    WITH fresh AS (
      SELECT DISTINCT event_id, session_id, quarter_hour FROM sales_by_time
       WHERE NOT is_folded LIMIT ${MAX_KEYS_FOLDED}
    ), removed AS (
      DELETE FROM sales_by_time t USING fresh f
       WHERE (t.event_id, t.session_id, t.quarter_hour) = (f.event_id, f.session_id, f.quarter_hour)
      RETURNING t.*
    ), folded AS (
      INSERT INTO sales_by_time
      SELECT event_id, session_id, quarter_hour, sum(orders), sum(tickets), sum(revenue), sum(before_discounts), true
        FROM removed GROUP BY 1, 2, 3
      HAVING sum(orders) <> 0 OR sum(tickets) <> 0 OR sum(revenue) <> 0 OR sum(before_discounts) <> 0
    )
    SELECT count(*) AS keys FROM fresh`,
};

const FOLD_ORGANIZATIONS = {
  name: 'fold-organization-sales',
  text: `
    WITH fresh AS (
      SELECT DISTINCT organization_id, quarter_hour FROM organization_sales_by_time
       WHERE NOT is_folded LIMIT ${MAX_KEYS_FOLDED}
    ), removed AS (
      DELETE FROM organization_sales_by_time t USING fresh f
       WHERE (t.organization_id, t.quarter_hour) = (f.organization_id, f.quarter_hour)
      RETURNING t.*
    ), folded AS (
      INSERT INTO organization_sales_by_time
      SELECT organization_id, quarter_hour, sum(orders), sum(tickets), sum(revenue), sum(before_discounts), true
        FROM removed GROUP BY 1, 2
      HAVING sum(orders) <> 0 OR sum(tickets) <> 0 OR sum(revenue) <> 0 OR sum(before_discounts) <> 0
    )
    SELECT count(*) AS keys FROM fresh`,
};

const FOLD_TIERS = {
  name: 'fold-sales-by-tier',
  text: `
    WITH fresh AS (
      SELECT DISTINCT event_id, session_id, tier_id FROM sales_by_tier
       WHERE NOT is_folded LIMIT ${MAX_KEYS_FOLDED}
    ), removed AS (
      DELETE FROM sales_by_tier t USING fresh f
       WHERE (t.event_id, t.session_id, t.tier_id) = (f.event_id, f.session_id, f.tier_id)
      RETURNING t.*
    ), folded AS (
      INSERT INTO sales_by_tier
      SELECT organization_id, event_id, session_id, tier_id, tier_name, tier_color, sum(tickets), sum(revenue), true
        FROM removed GROUP BY 1, 2, 3, 4, 5, 6
      HAVING sum(tickets) <> 0 OR sum(revenue) <> 0
    )
    SELECT count(*) AS keys FROM fresh`,
};

const FOLD_DISCOUNTS = {
  name: 'fold-discounts-by-time',
  text: `
    WITH fresh AS (
      SELECT DISTINCT event_id, discount_code, quarter_hour FROM discounts_by_time
       WHERE NOT is_folded LIMIT ${MAX_KEYS_FOLDED}
    ), removed AS (
      DELETE FROM discounts_by_time t USING fresh f
       WHERE (t.event_id, t.discount_code, t.quarter_hour) = (f.event_id, f.discount_code, f.quarter_hour)
      RETURNING t.*
    ), folded AS (
      INSERT INTO discounts_by_time
      SELECT event_id, discount_code, quarter_hour, sum(uses), sum(amount), true
        FROM removed GROUP BY 1, 2, 3
      HAVING sum(uses) <> 0 OR sum(amount) <> 0
    )
    SELECT count(*) AS keys FROM fresh`,
};

const FOLD_MONEY = {
  name: 'fold-money-by-session',
  text: `
    WITH fresh AS (
      SELECT DISTINCT event_id, session_id, currency FROM money_by_session
       WHERE NOT is_folded LIMIT ${MAX_KEYS_FOLDED}
    ), removed AS (
      DELETE FROM money_by_session t USING fresh f
       WHERE (t.event_id, t.session_id, t.currency) = (f.event_id, f.session_id, f.currency)
      RETURNING t.*
    ), folded AS (
      INSERT INTO money_by_session
      SELECT organization_id, event_id, session_id, currency, sum(taken_minor), sum(refunded_minor), true
        FROM removed GROUP BY 1, 2, 3, 4
      HAVING sum(taken_minor) <> 0 OR sum(refunded_minor) <> 0
    )
    SELECT count(*) AS keys FROM fresh`,
};

const FOLDS = [FOLD_TIMES, FOLD_ORGANIZATIONS, FOLD_TIERS, FOLD_DISCOUNTS, FOLD_MONEY];

/** Any number will do that nothing else locks. */
const FOLD_LOCK = { name: 'fold-lock', text: 'SELECT pg_try_advisory_xact_lock(840084004) AS mine' };

/**
 * Makes one row of each key that has several, some hundred keys of each table, while no other process does; true when
 * there is more. Sums are the same before, during and after.
 */
export function foldCounted(database: Database): Promise<boolean> {
  return database.transaction(async (tx) => {
    const [lock] = await tx.rows<{ mine: boolean }>(FOLD_LOCK, []);
    if (!lock?.mine) return false;
    let isFull = false;
    for (const fold of FOLDS) {
      const [done] = await tx.rows<{ keys: number }>(fold, []);
      isFull ||= (done?.keys ?? 0) === MAX_KEYS_FOLDED;
    }
    return isFull;
  });
}
