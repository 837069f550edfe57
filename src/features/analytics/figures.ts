import type { EventId, SessionId, TierId } from '../../kernel/ids.ts';
import { type Money, money, sum, ZERO } from '../../kernel/money.ts';
import { dateOfDay } from './time-zones.ts';

/** The figures of events, a session or an organisation. They cover completed orders; `money` covers all payments. */
export interface Figures {
  readonly orders: number;
  readonly tickets: number;
  /** Prices of the orders at the time of sale. */
  readonly revenue: Money;
  readonly beforeDiscounts: Money;
  readonly days: readonly Day[];
  readonly tiers: readonly Tier[];
  readonly money: MoneyFigures;
}

/** Sales of orders placed on one day, `YYYY-MM-DD` in the requested zone. */
export interface Day {
  readonly date: string;
  readonly tickets: number;
  readonly revenue: Money;
}

export interface Tier {
  readonly tierId: TierId;
  readonly name: string;
  readonly color: string;
  readonly tickets: number;
  /** Prices of its tickets, before discounts. */
  readonly revenue: Money;
}

/** All payments received, and the refunds of them that are sent or pending. */
export interface MoneyFigures {
  readonly taken: Money;
  readonly refunded: Money;
}

export interface SessionFigures {
  readonly sessionId: SessionId;
  readonly orders: number;
  readonly tickets: number;
  readonly revenue: Money;
  readonly beforeDiscounts: Money;
  readonly money: MoneyFigures;
}

export interface DiscountDay {
  readonly date: string;
  readonly code: string;
  readonly uses: number;
  readonly amount: Money;
}

/** Sums of a day, for one event or all events together. The day is counted from 1970. */
export interface DaySum extends Omit<Day, 'date'> {
  readonly eventId: EventId | undefined;
  readonly day: number;
  readonly orders: number;
  readonly beforeDiscounts: Money;
}

/** Sums of a tier under one of its names. */
export interface TierSum extends Tier {
  readonly eventId: EventId | undefined;
}

export interface MoneySum extends MoneyFigures {
  readonly eventId: EventId | undefined;
}

/** The sums from which figures are built. */
export interface Sums {
  readonly days: readonly DaySum[];
  readonly tiers: readonly TierSum[];
  readonly money: readonly MoneySum[];
}

/** Builds figures from sums. Days are in order without gaps, tiers are sorted by name. */
export function toFigures({ days, tiers, money: moved }: Sums): Figures {
  return {
    orders: days.reduce((total, day) => total + day.orders, 0),
    tickets: days.reduce((total, day) => total + day.tickets, 0),
    revenue: sum(days.map((day) => day.revenue)),
    beforeDiscounts: sum(days.map((day) => day.beforeDiscounts)),
    days: everyDay(days),
    tiers: byTier(tiers),
    money: { taken: sum(moved.map((each) => each.taken)), refunded: sum(moved.map((each) => each.refunded)) },
  };
}

/** Builds the figures of each event from the sums of several. */
export function figuresOfEach(
  eventIds: readonly EventId[],
  { days, tiers, money: moved }: Sums,
): Map<EventId, Figures> {
  const eventOf = (each: { readonly eventId: EventId | undefined }) => each.eventId;
  const [daysOf, tiersOf, moneyOf] = [
    Map.groupBy(days, eventOf),
    Map.groupBy(tiers, eventOf),
    Map.groupBy(moved, eventOf),
  ];
  return new Map(
    eventIds.map((eventId) => [
      eventId,
      toFigures({
        days: daysOf.get(eventId) ?? [],
        tiers: tiersOf.get(eventId) ?? [],
        money: moneyOf.get(eventId) ?? [],
      }),
    ]),
  );
}

/** Merges the sums of a renamed tier under the name that most of its tickets have. */
function byTier(tiers: readonly TierSum[]): Tier[] {
  return [...Map.groupBy(tiers, (tier) => tier.tierId).values()]
    .flatMap((ofTier) => {
      const names = [...Map.groupBy(ofTier, (tier) => JSON.stringify([tier.name, tier.color])).values()];
      const named = names.flatMap((ofName) => added(ofName));
      return added(named.toSorted(commonestFirst));
    })
    .toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));
}

/** Merges sums under the name of the first. */
function added(tiers: readonly Tier[]): Tier[] {
  const [first] = tiers;
  if (!first) return [];
  const { tierId, name, color } = first;
  const tickets = tiers.reduce((total, tier) => total + tier.tickets, 0);
  return [{ tierId, name, color, tickets, revenue: sum(tiers.map((tier) => tier.revenue)) }];
}

function commonestFirst(a: Tier, b: Tier): number {
  return b.tickets - a.tickets || (a.name + a.color < b.name + b.color ? -1 : 1);
}

function rankOf({ name, tierId }: Tier): string {
  return `${name}\n${tierId}`;
}

/** Ten years. A longer range comes from wrong dates of the earlier service, so only days with sales are listed. */
const MAX_DAYS = 3_660;

/** All days from the first sale to the last, including days without sales. */
function everyDay(sums: readonly DaySum[]): Day[] {
  const byDay = new Map(sums.map((each) => [each.day, each]));
  const sold = [...byDay.keys()].toSorted((a, b) => a - b);
  const [first = 0, last = -1] = [sold[0], sold.at(-1)];
  const count = last - first + 1;
  const listed = count <= MAX_DAYS ? Array.from({ length: count }, (_, at) => first + at) : sold;
  return listed.map((day) => {
    const { tickets = 0, revenue = ZERO } = byDay.get(day) ?? {};
    return { date: dateOfDay(day), tickets, revenue };
  });
}

/** Money taken less money refunded. */
export function netOf({ taken, refunded }: MoneyFigures): Money {
  return money(taken - refunded);
}
