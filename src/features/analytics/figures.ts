import type { EventId, SessionId } from '../../kernel/ids.ts';
import { bigSum } from '../../kernel/money.ts';
import { addTiers, type DiscountSales, type SalesTotals, type TierSales, totalOf } from '../sales/index.ts';
import { dateOfDay } from './time-zones.ts';

/** The figures of events, a session or an organisation. They cover completed orders; `money` covers all payments. */
export interface Figures extends SalesTotals {
  readonly days: readonly Day[];
  readonly tiers: readonly TierSales[];
  readonly money: MoneyFigures;
}

/** Sales of orders placed on one day, `YYYY-MM-DD` in the requested zone. */
export interface Day extends Pick<SalesTotals, 'tickets' | 'revenue'> {
  readonly date: string;
}

/** All payments received, and the refunds of them that are sent or pending, in minor units. */
export interface MoneyFigures {
  readonly taken: bigint;
  readonly refunded: bigint;
}

export interface SessionFigures extends SalesTotals {
  readonly sessionId: SessionId;
  readonly money: MoneyFigures;
}

/** Uses of a discount on one day. */
export interface DiscountDay extends DiscountSales {
  readonly date: string;
}

/** The event of a sum, or undefined for a sum of all events together. */
interface OfEvent {
  readonly eventId: EventId | undefined;
}

/** The sums from which figures are built. Days are counted from 1970; tiers are listed under each of their names. */
export interface Sums {
  readonly days: readonly (SalesTotals & OfEvent & { readonly day: number })[];
  readonly tiers: readonly (TierSales & OfEvent)[];
  readonly money: readonly (MoneyFigures & OfEvent)[];
}

/** Builds figures from sums. Days are in order without gaps, tiers are sorted by name. */
export function toFigures({ days, tiers, money }: Sums): Figures {
  return {
    ...totalOf(days),
    days: everyDay(days),
    tiers: byTier(tiers),
    money: { taken: bigSum(money.map((each) => each.taken)), refunded: bigSum(money.map((each) => each.refunded)) },
  };
}

/** Builds the figures of each event from the sums of several. */
export function figuresOfEach(eventIds: readonly EventId[], { days, tiers, money }: Sums): Map<EventId, Figures> {
  const eventOf = (each: OfEvent) => each.eventId;
  const daysOf = Map.groupBy(days, eventOf);
  const tiersOf = Map.groupBy(tiers, eventOf);
  const moneyOf = Map.groupBy(money, eventOf);
  const sumsOf = (eventId: EventId): Sums => ({
    days: daysOf.get(eventId) ?? [],
    tiers: tiersOf.get(eventId) ?? [],
    money: moneyOf.get(eventId) ?? [],
  });
  return new Map(eventIds.map((eventId) => [eventId, toFigures(sumsOf(eventId))]));
}

/** Merges the sums of a renamed tier under the name that most of its tickets have. */
function byTier(tiers: readonly TierSales[]): TierSales[] {
  return [...Map.groupBy(tiers, (tier) => tier.tierId).values()]
    .flatMap((ofTier) => {
      const names = [...Map.groupBy(ofTier, nameOf).values()].flatMap(addTiers);
      return addTiers(names.toSorted((a, b) => b.tickets - a.tickets || (nameOf(a) < nameOf(b) ? -1 : 1)));
    })
    .toSorted((a, b) => (rankOf(a) < rankOf(b) ? -1 : 1));
}

function nameOf({ tierName, tierColor }: TierSales): string {
  return JSON.stringify([tierName, tierColor]);
}

function rankOf({ tierName, tierId }: TierSales): string {
  return `${tierName}\n${tierId}`;
}

/** Ten years. A longer range comes from wrong dates of the earlier service, so only days with sales are listed. */
const MAX_DAYS = 3_660;

/** All days from the first sale to the last, including days without sales. */
function everyDay(sums: Sums['days']): Day[] {
  const byDay = new Map(sums.map((each) => [each.day, each]));
  const sold = [...byDay.keys()].toSorted((a, b) => a - b);
  const [first = 0, last = -1] = [sold[0], sold.at(-1)];
  const count = last - first + 1;
  const listed = count <= MAX_DAYS ? Array.from({ length: count }, (_, at) => first + at) : sold;
  return listed.map((day) => {
    const { tickets = 0, revenue = 0n } = byDay.get(day) ?? {};
    return { date: dateOfDay(day), tickets, revenue };
  });
}

/** Money taken less money refunded. */
export function netOf({ taken, refunded }: MoneyFigures): bigint {
  return taken - refunded;
}
