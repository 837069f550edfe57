import type { EventId, SessionId, TierId } from '../../kernel/ids.ts';
import { type Money, money, sum, ZERO } from '../../kernel/money.ts';
import { dateOfDay } from './time-zones.ts';

/** What an organiser sees of some events, a session or an organisation. Completed orders only, but for the money. */
export interface Figures {
  readonly orders: number;
  readonly tickets: number;
  /** Prices of the orders, as they were sold. */
  readonly revenue: Money;
  readonly beforeDiscounts: Money;
  readonly days: readonly Day[];
  readonly tiers: readonly Tier[];
  readonly money: MoneyFigures;
}

/** Orders placed on a day of the zone that was asked for, `YYYY-MM-DD`. */
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

/** Every payment that came, whatever became of it, and what of it went back or is about to. */
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

/** A day's sums of one event, or of all together; the day is counted from 1970. */
export interface DaySum extends Omit<Day, 'date'> {
  readonly eventId: EventId | undefined;
  readonly day: number;
  readonly orders: number;
  readonly beforeDiscounts: Money;
}

/** A tier's sums under one name of it. */
export interface TierSum extends Tier {
  readonly eventId: EventId | undefined;
}

export interface MoneySum extends MoneyFigures {
  readonly eventId: EventId | undefined;
}

/** The sums that some figures are made of. */
export interface Sums {
  readonly days: readonly DaySum[];
  readonly tiers: readonly TierSum[];
  readonly money: readonly MoneySum[];
}

/** Sums of one or several events as figures: days in order with none left out, tiers by name. */
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

/** The figures of each event from the sums of several. */
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

/** A tier that was renamed is one tier, by the name that most of its tickets bear. */
function byTier(tiers: readonly TierSum[]): Tier[] {
  return [...Map.groupBy(tiers, (tier) => tier.tierId).values()]
    .flatMap((ofTier) => {
      const names = [...Map.groupBy(ofTier, (tier) => JSON.stringify([tier.name, tier.color])).values()];
      const named = names.flatMap((ofName) => added(ofName));
      return added(named.toSorted(commonestFirst));
    })
    .toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));
}

/** All of them as one, by the name of the first. */
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

/** Ten years. Orders further apart are an earlier service's faulty dates: then only days with sales are listed. */
const MAX_DAYS = 3_660;

/** From the first day to the last, those between without a sale, too. */
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

/** What is left of the money. */
export function netOf({ taken, refunded }: MoneyFigures): Money {
  return money(taken - refunded);
}
