import type { TicketId } from '../../kernel/ids.ts';
import { type Money, money } from '../../kernel/money.ts';
import type { Ticket } from '../tickets/index.ts';

/** A ticket that is part of an order's price, void or not. */
export type PaidTicket = Pick<Ticket, 'ticketId' | 'price'>;

/**
 * Shares an order's price among the tickets it paid for. Every refund of a ticket uses this, whether it begins here or at
 * Stripe (I8). `paid` are all tickets of the price, void or not, in any order. The shares add up to `price` exactly, and each
 * is within one `step` of its proportional part. A step is the smallest amount that can be refunded, in minor units.
 */
export function sharesOf(paid: readonly PaidTicket[], price: Money, step: number): ReadonlyMap<TicketId, Money> {
  const inOrder = paid.toSorted((a, b) => (a.ticketId < b.ticketId ? -1 : 1));
  const total = inOrder.reduce((sum, ticket) => sum + BigInt(ticket.price), 0n);
  const unit = price % step === 0 ? BigInt(step) : 1n;
  const upTo = (sum: bigint): bigint =>
    total === 0n ? 0n : (sum * (BigInt(price) / unit) * 2n + total) / (total * 2n);
  const shares = new Map<TicketId, Money>();
  let before = 0n;
  for (const { ticketId, price: ticketPrice } of inOrder) {
    const after = before + BigInt(ticketPrice);
    shares.set(ticketId, money(Number((upTo(after) - upTo(before)) * unit)));
    before = after;
  }
  return shares;
}

/** A refund that was made at Stripe, or what a bank took. */
export interface RefundElsewhere {
  readonly providerId: string;
  readonly amountMinor: number;
  /** A bank takes money for tickets; a refund may have another reason. */
  readonly isDispute: boolean;
  /** The ticket that it names. */
  readonly ticketId?: TicketId | undefined;
}

/** A ticket that a refund may be for. */
export type Refundable = Pick<Ticket, 'ticketId' | 'checkedInAt'>;

/**
 * The tickets that refunds made elsewhere are for: the ticket that a refund names, otherwise the tickets that its amount
 * covers. `tickets` are those of the order that were not refunded yet, void or not. `unclear` are the refunds that name a
 * ticket of another order or fit more than one choice of tickets, and disputes that fit none.
 */
export function ticketsRefunded(
  refunds: readonly RefundElsewhere[],
  tickets: readonly Refundable[],
  shares: ReadonlyMap<TicketId, Money>,
): { readonly found: ReadonlyMap<string, readonly TicketId[]>; readonly unclear: readonly string[] } {
  const found = new Map<string, readonly TicketId[]>();
  const unclear: string[] = [];
  for (const { providerId, amountMinor, isDispute, ticketId } of refunds) {
    const known = [...found.values()].flat();
    const left = tickets.filter((ticket) => !known.includes(ticket.ticketId));
    if (ticketId === undefined) {
      const covered = ticketsCovered(left, shares, amountMinor);
      if (covered === 'unclear' || (isDispute && covered.length === 0)) unclear.push(providerId);
      else
        found.set(
          providerId,
          covered.map((ticket) => ticket.ticketId),
        );
    } else if (shares.has(ticketId)) found.set(providerId, [ticketId]);
    else unclear.push(providerId);
  }
  return { found, unclear };
}

/**
 * The tickets that a refund made elsewhere covers: the only choice of tickets whose `shares` add up to exactly its amount. Of
 * tickets with the same share, those that were not used come first. `unclear` when there is more than one choice. Empty when
 * there is none: the refund had another reason, and the tickets stay valid.
 */
export function ticketsCovered<Some extends Refundable>(
  tickets: readonly Some[],
  shares: ReadonlyMap<TicketId, Money>,
  amountMinor: number,
): readonly Some[] | 'unclear' {
  const byShare = Map.groupBy(tickets, (ticket) => shares.get(ticket.ticketId) ?? 0);
  byShare.delete(0);
  const kinds = [...byShare].map(([share, equal]) => ({ share, most: equal.length }));
  const count = onlyCount(amountMinor, kinds);
  if (count === 'none') return [];
  if (count === 'several') return 'unclear';
  const covered = [...byShare].map(([share, equal]) => firstOf(equal, count.get(share) ?? 0));
  return covered.includes('unclear') ? 'unclear' : covered.flatMap((some) => (some === 'unclear' ? [] : some));
}

/** So many of the tickets, unused ones first; `unclear` when other ones could be meant as well. */
function firstOf<Some extends Refundable>(equal: readonly Some[], count: number): readonly Some[] | 'unclear' {
  if (count === 0 || count === equal.length) return equal.slice(0, count);
  const unused = equal.filter(({ checkedInAt }) => checkedInAt === undefined);
  return count === unused.length ? unused : 'unclear';
}

/** Most sums that are tried; an order has few tickets of few prices, so few sums. */
const MAX_SUMS = 10_000;

/** How many tickets of each share add up to the amount, if there is exactly one way. */
function onlyCount(
  amountMinor: number,
  kinds: readonly { readonly share: number; readonly most: number }[],
): ReadonlyMap<number, number> | 'none' | 'several' {
  let reached = new Map<number, ReadonlyMap<number, number> | 'several'>([[0, new Map()]]);
  for (const { share, most } of kinds) {
    const next = new Map<number, ReadonlyMap<number, number> | 'several'>();
    for (const [total, way] of reached) {
      for (let count = 0; count <= most && total + count * share <= amountMinor; count += 1) {
        const sum = total + count * share;
        const isNew = way !== 'several' && !next.has(sum);
        next.set(sum, isNew ? new Map(way).set(share, count) : 'several');
      }
    }
    // So many sums cannot be searched: whatever adds up would be a guess.
    if (next.size > MAX_SUMS) return 'several';
    reached = next;
  }
  return reached.get(amountMinor) ?? 'none';
}
