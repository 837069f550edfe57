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

/**
 * The live tickets that a refund made elsewhere covers: tickets whose `shares` add up to exactly its amount, with as few
 * used tickets as possible. Empty when no tickets add up to it: the refund had another reason, and the tickets stay valid.
 */
export function ticketsCovered(
  tickets: readonly Ticket[],
  shares: ReadonlyMap<TicketId, Money>,
  amountMinor: number,
): Ticket[] {
  const isUsed = (ticket: Ticket) => Number(ticket.checkedInAt !== undefined);
  const candidates = tickets
    .map((ticket) => ({ ticket, share: shares.get(ticket.ticketId) ?? 0 }))
    .filter(({ share }) => share > 0)
    // The first choice found for a sum is kept, so unused tickets come first.
    .toSorted((a, b) => isUsed(a.ticket) - isUsed(b.ticket));
  return [...(addingUpTo(amountMinor, candidates) ?? [])];
}

/** Most sums that are tried; an order has few tickets of few prices, so few sums. */
const MAX_SUMS = 10_000;

/** Tickets whose shares add up to `amountMinor`; for each sum the first choice is kept. */
function addingUpTo(
  amountMinor: number,
  candidates: readonly { readonly ticket: Ticket; readonly share: number }[],
): readonly Ticket[] | undefined {
  const reached = new Map<number, Ticket[]>([[0, []]]);
  for (const { ticket, share } of candidates) {
    for (const [total, chosen] of [...reached]) {
      const next = total + share;
      if (next <= amountMinor && !reached.has(next)) reached.set(next, [...chosen, ticket]);
    }
    if (reached.has(amountMinor) || reached.size > MAX_SUMS) break;
  }
  return reached.get(amountMinor);
}
