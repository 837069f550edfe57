import type { Database, Transaction } from '../../platform/postgres/database.ts';
import type { MoneyMoved } from '../payments/index.ts';
import type { SaleChange } from '../sales/index.ts';
import { quarterHourOf } from './time-zones.ts';

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

/** Maximum lengths of indexed texts, which come from other services. The migration and the checks use the same. */
const MAX_NAME_CHARS = 200;
const MAX_COLOR_CHARS = 64;

/** Adds changes of sales to the figures. It only inserts, so transactions do not wait for each other. */
export async function addSales(tx: Transaction, changes: readonly SaleChange[]): Promise<void> {
  if (changes.length === 0) return;
  const decimal = (amount: bigint) => tx.currency.toDecimal(amount);
  const tiers = changes.flatMap(({ order, tiers }) => tiers.map((tier) => ({ order, ...tier })));
  const uses = changes.flatMap(({ order, discounts }) => discounts.map((use) => ({ order, ...use })));
  await tx.rows(ADD_SALES, [
    changes.map(({ order }) => order.organizationId),
    changes.map(({ order }) => order.eventId),
    changes.map(({ order }) => order.sessionId),
    changes.map(({ order }) => quarterHourOf(order.createdAt)),
    changes.map(({ difference }) => difference.orders),
    changes.map(({ difference }) => difference.tickets),
    changes.map(({ difference }) => decimal(difference.revenue)),
    changes.map(({ difference }) => decimal(difference.beforeDiscounts)),
    tiers.map(({ order }) => order.organizationId),
    tiers.map(({ order }) => order.eventId),
    tiers.map(({ order }) => order.sessionId),
    tiers.map(({ tierId }) => tierId),
    tiers.map(({ tierName }) => cut(tierName, MAX_NAME_CHARS)),
    tiers.map(({ tierColor }) => cut(tierColor, MAX_COLOR_CHARS)),
    tiers.map(({ tickets }) => tickets),
    tiers.map(({ revenue }) => decimal(revenue)),
    uses.map(({ order }) => order.eventId),
    uses.map(({ code }) => cut(code, MAX_NAME_CHARS)),
    uses.map(({ order }) => quarterHourOf(order.createdAt)),
    uses.map((use) => use.uses),
    uses.map(({ amount }) => decimal(amount)),
  ]);
}

/** Cuts a text to `maxChars` without splitting a character. */
function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : [...text].slice(0, maxChars).join('');
}

const ADD_MONEY = {
  name: 'money-add',
  text: `INSERT INTO money_by_session (organization_id, event_id, session_id, currency, taken_minor, refunded_minor)
         SELECT o.organization_id, o.event_id, o.session_id, p.currency, $2, $3
           FROM payments p JOIN orders o USING (order_id) WHERE p.payment_intent_id = $1`,
};

/** Adds money of a payment, which must already be stored. */
export async function addMoney(tx: Transaction, { intentId, taken, refunded }: MoneyMoved): Promise<void> {
  await tx.rows(ADD_MONEY, [intentId, taken, refunded]);
}

/** Few enough keys that PostgreSQL uses the index and does not read the whole table. */
const MAX_KEYS_FOLDED = 500;

/** A table of sums: the columns that identify a row, others that have one value for each key, and the sums. */
interface SumTable {
  readonly table: string;
  readonly key: readonly string[];
  readonly labels?: readonly string[];
  readonly sums: readonly string[];
  /** Rows of a key stay as they are if one of its sums would be larger; absent for columns without a limit. */
  readonly largestSum?: bigint;
}

const LARGEST_BIGINT = 2n ** 63n - 1n;

/** Replaces the rows of each key by one. Rows that another transaction inserts at the same time wait for the next turn. */
function foldStatement(name: string, { table, key, labels = [], sums, largestSum }: SumTable) {
  const keyOf = (alias: string) => key.map((column) => `${alias}.${column}`).join(', ');
  const columns = [...key, ...labels].join(', ');
  const isLarge = (over = '') =>
    largestSum === undefined ? 'false' : sums.map((sum) => `abs(sum(${sum})${over}) > ${largestSum}`).join(' OR ');
  return {
    name,
    text: `
    WITH fresh AS (
      SELECT DISTINCT ${key.join(', ')} FROM ${table} WHERE NOT is_folded LIMIT ${MAX_KEYS_FOLDED}
    ), removed AS (
      DELETE FROM ${table} t USING fresh f WHERE (${keyOf('t')}) = (${keyOf('f')})
      RETURNING t.*
    ), folded AS (
      INSERT INTO ${table} (${columns}, ${sums.join(', ')}, is_folded)
      SELECT ${columns}, ${sums.map((sum) => `sum(${sum})`).join(', ')}, true FROM removed GROUP BY ${columns}
      HAVING (${sums.map((sum) => `sum(${sum}) <> 0`).join(' OR ')}) AND NOT (${isLarge()})
    ), kept AS (
      INSERT INTO ${table} (${columns}, ${sums.join(', ')}, is_folded)
      SELECT ${columns}, ${sums.join(', ')}, true
        FROM (SELECT *, ${isLarge(` OVER (PARTITION BY ${columns})`)} AS is_large FROM removed) r WHERE is_large
    )
    SELECT count(*) AS keys FROM fresh`,
  };
}

const TIME_SUMS = ['orders', 'tickets', 'revenue', 'before_discounts'] as const;
const FOLDS = [
  foldStatement('fold-sales-by-time', {
    table: 'sales_by_time',
    key: ['event_id', 'session_id', 'quarter_hour'],
    sums: TIME_SUMS,
  }),
  foldStatement('fold-organization-sales', {
    table: 'organization_sales_by_time',
    key: ['organization_id', 'quarter_hour'],
    sums: TIME_SUMS,
  }),
  foldStatement('fold-sales-by-tier', {
    table: 'sales_by_tier',
    key: ['event_id', 'session_id', 'tier_id'],
    labels: ['organization_id', 'tier_name', 'tier_color'],
    sums: ['tickets', 'revenue'],
  }),
  foldStatement('fold-discounts-by-time', {
    table: 'discounts_by_time',
    key: ['event_id', 'discount_code', 'quarter_hour'],
    sums: ['uses', 'amount'],
  }),
  foldStatement('fold-money-by-session', {
    table: 'money_by_session',
    key: ['event_id', 'session_id', 'currency'],
    labels: ['organization_id'],
    sums: ['taken_minor', 'refunded_minor'],
    largestSum: LARGEST_BIGINT,
  }),
];

/** An advisory lock number that nothing else uses. */
const FOLD_LOCK = { name: 'fold-lock', text: 'SELECT pg_try_advisory_xact_lock(840084004) AS mine' };

/**
 * Merges the rows of each key into one, at most `MAX_KEYS_FOLDED` keys of each table, if no other process is doing it.
 * Returns true if there may be more. Sums are the same before, during and after.
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
