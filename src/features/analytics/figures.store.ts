import type { EventId, OrganizationId, SessionId, TierId } from '../../kernel/ids.ts';
import { type Currency, money, readDecimal } from '../../kernel/money.ts';
import type { Executor, Statement } from '../../platform/postgres/database.ts';
import { isUnknownTimeZone } from '../../platform/postgres/sqlstate.ts';
import type {
  DaySum,
  DiscountDay,
  MoneyFigures,
  MoneySum,
  SessionFigures,
  Sums,
  TierSum,
} from './figures.rules.ts';

/** Whether the database has no such zone: its own time zone data may be older than ours. */
export function isNoZoneThere(error: unknown): boolean {
  return isUnknownTimeZone(error);
}

/** Whose sales are added up. */
export type Scope =
  | { readonly of: 'events'; readonly eventIds: readonly EventId[]; readonly sessionId?: SessionId }
  | { readonly of: 'organization'; readonly organizationId: OrganizationId };

/** Days of the zone `$2` with completed orders, each with its sums. */
const daysOf = (source: string, key: string, filter: string): string => `
  SELECT ${key} AS event_id, (quarter_hour AT TIME ZONE $2::text)::date::text AS date, sum(orders) AS orders,
         sum(tickets) AS tickets, sum(revenue) AS revenue, sum(before_discounts) AS before_discounts
    FROM ${source} WHERE ${filter} GROUP BY 1, 2 HAVING sum(orders) > 0`;
const tiersOf = (key: string, filter: string): string => `
  SELECT ${key} AS event_id, tier_id, tier_name, tier_color, sum(tickets) AS tickets, sum(revenue) AS revenue
    FROM sales_by_tier WHERE ${filter} GROUP BY 1, 2, 3, 4 HAVING sum(tickets) > 0`;
/** Orders that the earlier service completed stand for their own payment: `$3` makes minor units of their price. */
const moneyOf = (key: string, filter: string): string => `
  SELECT event_id, sum(taken)::bigint AS taken, sum(refunded)::bigint AS refunded
    FROM (SELECT ${key} AS event_id, taken_minor AS taken, refunded_minor AS refunded
            FROM money_by_session WHERE currency = $2 AND ${filter}
          UNION ALL
          SELECT ${key}, price * power(10::numeric, $3::integer), 0
            FROM orders WHERE status = 'completed' AND expires_at IS NULL AND ${filter}) moved
   GROUP BY 1`;

const OF_EVENTS = 'event_id = ANY ($1::uuid[])';
const OF_ORGANIZATION = 'organization_id = $1::uuid';
const STATEMENTS = {
  events: statements('events', 'event_id', OF_EVENTS, 'sales_by_time'),
  session: {
    days: named('session-days', daysOf('sales_by_time', 'event_id', `${OF_EVENTS} AND session_id = $3`)),
    tiers: named('session-tiers', tiersOf('event_id', `${OF_EVENTS} AND session_id = $2`)),
    money: named('session-money', moneyOf('event_id', `${OF_EVENTS} AND session_id = $4`)),
  },
  organization: statements('organization', 'NULL::uuid', OF_ORGANIZATION, 'organization_sales_by_time'),
};

function statements(name: string, key: string, filter: string, source: string) {
  return {
    days: named(`${name}-days`, daysOf(source, key, filter)),
    tiers: named(`${name}-tiers`, tiersOf(key, filter)),
    money: named(`${name}-money`, moneyOf(key, filter)),
  };
}

function named(name: string, text: string): Statement {
  return { name: `analytics-${name}`, text };
}

/**
 * The sums that figures are made of, by event and day of the zone; give it a snapshot, so that they fit together.
 * Throws an error that `isNoZoneThere` knows when the database has no such zone.
 */
export async function sumsIn(
  executor: Executor,
  scope: Scope,
  zone: string,
  currency: Currency,
): Promise<Sums> {
  const isSession = scope.of === 'events' && scope.sessionId !== undefined;
  const { days, tiers, money: moved } = STATEMENTS[isSession ? 'session' : scope.of];
  const whose = scope.of === 'events' ? scope.eventIds : scope.organizationId;
  const session = isSession ? [scope.sessionId] : [];
  const dayRows = await executor.rows<DayRow>(days, [whose, zone, ...session]);
  const tierRows = await executor.rows<TierRow>(tiers, [whose, ...session]);
  const moneyRows = await executor.rows<MoneyRow>(moved, [
    whose,
    currency.code,
    currency.exponent,
    ...session,
  ]);
  return {
    days: dayRows.map((row) => toDaySum(row, currency)),
    tiers: tierRows.map((row) => toTierSum(row, currency)),
    money: moneyRows.map(
      (row) => ({ eventId: row.event_id ?? undefined, ...toMoney(row) }) satisfies MoneySum,
    ),
  };
}

interface DayRow {
  readonly event_id: EventId | null;
  readonly date: string;
  readonly orders: number;
  readonly tickets: number;
  readonly revenue: string;
  readonly before_discounts: string;
}

interface TierRow {
  readonly event_id: EventId | null;
  readonly tier_id: TierId;
  readonly tier_name: string;
  readonly tier_color: string;
  readonly tickets: number;
  readonly revenue: string;
}

interface MoneyRow {
  readonly event_id: EventId | null;
  readonly taken: number;
  readonly refunded: number;
}

function toDaySum(row: DayRow, currency: Currency): DaySum {
  return {
    eventId: row.event_id ?? undefined,
    date: row.date,
    orders: row.orders,
    tickets: row.tickets,
    revenue: readDecimal(row.revenue, currency),
    beforeDiscounts: readDecimal(row.before_discounts, currency),
  };
}

function toTierSum(row: TierRow, currency: Currency): TierSum {
  return {
    eventId: row.event_id ?? undefined,
    tierId: row.tier_id,
    name: row.tier_name,
    color: row.tier_color,
    tickets: row.tickets,
    revenue: readDecimal(row.revenue, currency),
  };
}

function toMoney({ taken, refunded }: Pick<MoneyRow, 'taken' | 'refunded'>): MoneyFigures {
  return { taken: money(taken), refunded: money(refunded) };
}

const DISCOUNT_DAYS = named(
  'discounts',
  `SELECT (quarter_hour AT TIME ZONE $2::text)::date::text AS date, discount_code, sum(uses) AS uses, sum(amount) AS amount
     FROM discounts_by_time WHERE event_id = $1 GROUP BY 1, 2 HAVING sum(uses) > 0 ORDER BY 1, 2`,
);

/** How often and for how much each discount was used on each day. Throws as `sumsIn` does. */
export async function discountDaysOf(
  executor: Executor,
  eventId: EventId,
  zone: string,
  currency: Currency,
): Promise<DiscountDay[]> {
  const rows = await executor.rows<{ date: string; discount_code: string; uses: number; amount: string }>(
    DISCOUNT_DAYS,
    [eventId, zone],
  );
  return rows.map((row) => ({
    date: row.date,
    code: row.discount_code,
    uses: row.uses,
    amount: readDecimal(row.amount, currency),
  }));
}

const SESSIONS = named(
  'sessions',
  `SELECT session_id, sum(orders) AS orders, sum(tickets) AS tickets, sum(revenue) AS revenue,
          sum(before_discounts) AS before_discounts
     FROM sales_by_time WHERE event_id = $1 GROUP BY 1 HAVING sum(orders) > 0`,
);

/** The sales of each session of an event that has any. */
export async function sessionsOf(
  executor: Executor,
  eventId: EventId,
  currency: Currency,
): Promise<Omit<SessionFigures, 'money'>[]> {
  const rows = await executor.rows<Omit<DayRow, 'date'> & { readonly session_id: SessionId }>(SESSIONS, [
    eventId,
  ]);
  return rows.map((row) => ({
    sessionId: row.session_id,
    orders: row.orders,
    tickets: row.tickets,
    revenue: readDecimal(row.revenue, currency),
    beforeDiscounts: readDecimal(row.before_discounts, currency),
  }));
}

const SESSION_MONEY = named('sessions-money', `${moneyOf('session_id', 'event_id = $1::uuid')}`);

/** The money of each session of an event that took any. */
export async function moneyOfSessions(
  executor: Executor,
  eventId: EventId,
  currency: Currency,
): Promise<(MoneyFigures & { readonly sessionId: SessionId })[]> {
  const rows = await executor.rows<MoneyRow & { readonly event_id: SessionId }>(SESSION_MONEY, [
    eventId,
    currency.code,
    currency.exponent,
  ]);
  return rows.map((row) => ({ sessionId: row.event_id, ...toMoney(row) }));
}
