import type { EventId, OrganizationId, SessionId, TierId } from '../../kernel/ids.ts';
import type { Executor, Statement } from '../../platform/postgres/database.ts';
import type { DiscountDay, MoneyFigures, SessionFigures, Sums } from './figures.ts';
import { dateOfDay, QUARTER_HOURS_PER_DAY, type TimeZone } from './time-zones.ts';

/** The sales to add up. */
export type Scope =
  /** Several events, added up or separately. */
  | { readonly of: 'together' | 'each'; readonly eventIds: readonly EventId[] }
  | { readonly of: 'session'; readonly eventIds: readonly [EventId]; readonly sessionId: SessionId }
  | { readonly of: 'organization'; readonly organizationId: OrganizationId };

/** The rows to add up and the column to group them by. `$4` is the currency, `$5` its number of decimals. */
interface Source {
  readonly key: string;
  readonly filter: string;
  readonly days: 'sales_by_time' | 'organization_sales_by_time';
}

/**
 * The zone's day, counted from 1970, that contains a quarter of an hour. `width_bucket` finds the offset in force. The shift
 * makes the dividend positive, because division rounds negative numbers up.
 */
const dayOf = (starts: string, offsets: string): string => {
  const offset = `(${offsets}::integer[])[GREATEST(width_bucket(quarter_hour, ${starts}::integer[]), 1)]`;
  return `(quarter_hour + ${offset} + ${SHIFT_DAYS * QUARTER_HOURS_PER_DAY}) / ${QUARTER_HOURS_PER_DAY} - ${SHIFT_DAYS}`;
};
const SHIFT_DAYS = 1_000_000;

/** A sum in minor units as text, because it may be too large for a number of JSON. */
const minor = (amount: string, exponent = '$5') =>
  `trim_scale(sum(${amount}) * power(10::numeric, ${exponent}::integer))::text AS ${amount}`;

/** Days with completed orders in the zone with starts `$2` and offsets `$6`. */
const daysWhere = (days: Source['days'], filter: string): string => `
  SELECT ${dayOf('$2', '$6')} AS day, sum(orders) AS orders,
         sum(tickets) AS tickets, ${minor('revenue')}, ${minor('before_discounts')}
    FROM ${days} WHERE ${filter} GROUP BY 1 HAVING sum(orders) > 0`;
/** Reads event by event. For all events at once the planner underestimates the rows and sorts them. */
const daysOf = ({ key, filter, days }: Source): string =>
  key === 'event_id'
    ? `SELECT asked.place, d.* FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (event_id, place)
        CROSS JOIN LATERAL (${daysWhere(days, 'event_id = asked.event_id')}) d`
    : `SELECT 0 AS place, d.* FROM (${daysWhere(days, filter)}) d`;
const DAY_COLUMNS = ['place', 'day', 'orders', 'tickets', 'revenue', 'before_discounts'] as const;
const tiersOf = ({ key, filter }: Source): string => `
  SELECT ${key} AS event_id, tier_id, tier_name, tier_color, sum(tickets) AS tickets, ${minor('revenue')}
    FROM sales_by_tier WHERE ${filter} GROUP BY 1, 2, 3, 4 HAVING sum(tickets) > 0`;
const moneyOf = (key: string, filter: string, currency: string): string => `
  SELECT ${key} AS key, sum(taken_minor)::text AS taken, sum(refunded_minor)::text AS refunded
    FROM money_by_session WHERE currency = ${currency} AND ${filter}
   GROUP BY 1`;

/** One statement for all sums, so that they are consistent. */
function figures(name: string, source: Source): Statement {
  const list = (rows: string) => `(SELECT COALESCE(json_agg(r), '[]') FROM (${rows}) r)`;
  // There may be thousands of days. One list for each column avoids repeating the column names.
  const columns = DAY_COLUMNS.map((column) => `'${column}', COALESCE(json_agg(${column}), '[]')`);
  return named(
    name,
    `SELECT (SELECT json_build_object(${columns.join(', ')}) FROM (${daysOf(source)}) r) AS days, ${list(tiersOf(source))} AS tiers,
            ${list(moneyOf(source.key, source.filter, '$4::text'))} AS money`,
  );
}

const TOGETHER: Source = {
  key: 'NULL::uuid',
  filter: 'event_id = ANY ($1::uuid[]) AND $3::uuid IS NULL',
  days: 'sales_by_time',
};
const FIGURES = {
  together: figures('events-together', TOGETHER),
  each: figures('events-each', { ...TOGETHER, key: 'event_id' }),
  session: figures('session', { ...TOGETHER, filter: 'event_id = ANY ($1::uuid[]) AND session_id = $3::uuid' }),
  organization: figures('organization', {
    key: 'NULL::uuid',
    filter: 'organization_id = $1::uuid AND $3::uuid IS NULL',
    days: 'organization_sales_by_time',
  }),
} as const satisfies Record<Scope['of'], Statement>;

function named(name: string, text: string): Statement {
  return { name: `analytics-${name}`, text };
}

/** Sums by event, day of the zone and tier. */
export async function sumsIn(executor: Executor, scope: Scope, zone: TimeZone): Promise<Sums> {
  const [row] = await executor.rows<FiguresRow>(FIGURES[scope.of], [
    scope.of === 'organization' ? scope.organizationId : scope.eventIds,
    zone.starts,
    scope.of === 'session' ? scope.sessionId : null,
    executor.currency.code,
    executor.currency.exponent,
    zone.offsets,
  ]);
  return {
    days: row ? toDays(row.days, scope.of === 'each' ? scope.eventIds : []) : [],
    tiers: (row?.tiers ?? []).map((tier) => ({
      eventId: tier.event_id ?? undefined,
      tierId: tier.tier_id,
      tierName: tier.tier_name,
      tierColor: tier.tier_color,
      tickets: tier.tickets,
      revenue: BigInt(tier.revenue),
    })),
    money: (row?.money ?? []).map((each) => ({ eventId: each.key ?? undefined, ...toMoney(each) })),
  };
}

/** Amounts are texts of minor units. */
interface FiguresRow {
  readonly days: DayColumns;
  readonly tiers: readonly {
    readonly event_id: EventId | null;
    readonly tier_id: TierId;
    readonly tier_name: string;
    readonly tier_color: string;
    readonly tickets: number;
    readonly revenue: string;
  }[];
  readonly money: readonly (MoneyRow & { readonly key: EventId | null })[];
}

/** `place` is the event's position in the request, from 1. */
type DayColumns = Readonly<Record<'place' | 'day' | 'orders' | 'tickets', readonly number[]>> &
  Readonly<Record<'revenue' | 'before_discounts', readonly string[]>>;

interface MoneyRow {
  readonly taken: string;
  readonly refunded: string;
}

function toDays(columns: DayColumns, eventIds: readonly EventId[]): Sums['days'] {
  return columns.day.map((day, at) => ({
    eventId: eventIds[(columns.place[at] ?? 0) - 1],
    day,
    orders: columns.orders[at] ?? 0,
    tickets: columns.tickets[at] ?? 0,
    revenue: BigInt(columns.revenue[at] ?? 0),
    beforeDiscounts: BigInt(columns.before_discounts[at] ?? 0),
  }));
}

function toMoney({ taken, refunded }: MoneyRow): MoneyFigures {
  return { taken: BigInt(taken), refunded: BigInt(refunded) };
}

const DISCOUNT_DAYS = named(
  'discounts',
  `SELECT ${dayOf('$2', '$3')} AS day, discount_code AS code, sum(uses) AS uses, ${minor('amount', '$4')}
     FROM discounts_by_time WHERE event_id = $1 GROUP BY 1, 2 HAVING sum(uses) > 0 ORDER BY 1, 2`,
);

/** Uses and amount of each discount on each day. */
export async function discountDaysOf(executor: Executor, eventId: EventId, zone: TimeZone): Promise<DiscountDay[]> {
  type Row = Omit<DiscountDay, 'date' | 'amount'> & { readonly day: number; readonly amount: string };
  const values = [eventId, zone.starts, zone.offsets, executor.currency.exponent];
  const rows = await executor.rows<Row>(DISCOUNT_DAYS, values);
  return rows.map(({ day, code, uses, amount }) => ({ date: dateOfDay(day), code, uses, amount: BigInt(amount) }));
}

const SESSIONS = named(
  'sessions',
  `SELECT session_id, COALESCE(orders, 0) AS orders, COALESCE(tickets, 0) AS tickets,
          COALESCE(revenue, '0') AS revenue, COALESCE(before_discounts, '0') AS before_discounts,
          COALESCE(taken, '0') AS taken, COALESCE(refunded, '0') AS refunded
     FROM (SELECT session_id, sum(orders) AS orders, sum(tickets) AS tickets, ${minor('revenue', '$3')},
                  ${minor('before_discounts', '$3')}
             FROM sales_by_time WHERE event_id = $1 GROUP BY 1 HAVING sum(orders) > 0) sold
     FULL JOIN (SELECT key AS session_id, taken, refunded
                  FROM (${moneyOf('session_id', 'event_id = $1::uuid', '$2::text')}) of_session) moved
               USING (session_id)
    ORDER BY session_id`,
);

interface SessionRow extends MoneyRow {
  readonly session_id: SessionId;
  readonly orders: number;
  readonly tickets: number;
  readonly revenue: string;
  readonly before_discounts: string;
}

/** Sales and money of each session of an event. Sessions without either are left out. */
export async function sessionsOf(executor: Executor, eventId: EventId): Promise<SessionFigures[]> {
  const { code, exponent } = executor.currency;
  const rows = await executor.rows<SessionRow>(SESSIONS, [eventId, code, exponent]);
  return rows.map((row) => ({
    sessionId: row.session_id,
    orders: row.orders,
    tickets: row.tickets,
    revenue: BigInt(row.revenue),
    beforeDiscounts: BigInt(row.before_discounts),
    money: toMoney(row),
  }));
}
