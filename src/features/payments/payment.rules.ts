import type { PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency, Money } from '../../kernel/money.ts';
import { mayComeLate, type Order } from '../orders/order.rules.ts';
import type { Ticket } from '../tickets/ticket.rules.ts';

/**
 * Money received, by PaymentIntent. `settle` decides once what becomes of it (I2); refunds are rows of their own, carried
 * out afterwards.
 *
 * | from            | what happens                                              | to         |
 * |-----------------|-----------------------------------------------------------|------------|
 * | -               | Stripe says that a PaymentIntent succeeded                | received   |
 * | received        | it is the price of a pending order                        | applied    |
 * | received        | it came late, and the order's seats are still free        | applied    |
 * | received        | anything else: another amount, a second payment, too late | refund_due |
 * | applied         | an admin cancels the order or gives all of it back        | refund_due |
 * | applied         | an admin gives back a part                                | applied    |
 * | refund_due      | Stripe has given the last of it back                      | refunded   |
 * | applied, refund_due | all of it was given back in Stripe's dashboard        | refunded   |
 * | applied, refund_due | the buyer's bank takes it back (dispute)              | disputed   |
 * | disputed        | the dispute is won: decided on again                      | received   |
 */
export interface Payment {
  readonly intentId: PaymentIntentId;
  /** Minor units as Stripe took them, and in which currency. */
  readonly amountMinor: number;
  readonly currency: string;
  readonly state: 'received' | 'applied' | 'refund_due' | 'refunded' | 'disputed';
}

/** A part of a payment that goes back, or went: it has a `providerId` from then on. */
export interface Refund {
  readonly refundId: string;
  readonly amountMinor: number;
  readonly origin: 'service' | 'stripe' | 'dispute';
  readonly providerId: string | undefined;
}

export type Settlement =
  | { readonly decision: 'complete' }
  | { readonly decision: 'rebook' }
  | { readonly decision: 'refund'; readonly reason: string; readonly isLate: boolean }
  | { readonly decision: 'already_done' };

/** Facts beside the order that the decision needs. */
export interface SettlementFacts {
  readonly currency: Currency;
  /** Whether another payment already pays for this order. */
  readonly paidByAnother: boolean;
  /** Whether all seats of the order could be taken again. */
  readonly seatsFree: boolean;
}

/** What becomes of money received for an order. Only its exact price, in its currency, ever completes it (I8). */
export function settle(order: Order, payment: Payment, facts: SettlementFacts): Settlement {
  if (payment.state !== 'received') return { decision: 'already_done' };
  if (payment.currency !== facts.currency.code || payment.amountMinor !== order.price) {
    return refund('the amount is not the price of the order');
  }
  if (facts.paidByAnother) return refund('the order was already paid');
  switch (order.status) {
    case 'pending':
      return { decision: 'complete' };
    case 'completed':
      return refund('the order was already completed');
    case 'cancelled':
      if (!mayComeLate(order)) return refund('the order had been cancelled');
      return facts.seatsFree
        ? { decision: 'rebook' }
        : { ...refund('the hold had ended and the seats were sold'), isLate: true };
    default:
      return order satisfies never;
  }
}

function refund(reason: string): Extract<Settlement, { decision: 'refund' }> {
  return { decision: 'refund', reason, isLate: false };
}

/**
 * Keys the creation of a PaymentIntent: the same attempt at the same amount gives the same intent however often it is
 * asked for, and a new attempt never collides with an earlier one.
 */
export function intentKey(order: Order, attempt: number, amount: Money): string {
  return `order-${order.orderId}-attempt-${attempt}-amount-${amount}`;
}

/** What of a payment neither went back nor is about to, in minor units. */
export function leftOf(payment: Payment, refunds: readonly Refund[]): number {
  return payment.amountMinor - refunds.reduce((total, refund) => total + refund.amountMinor, 0);
}

/** What was paid for one ticket of an order: its share of the price, half a minor unit going up. */
export function paidFor(ticket: Ticket, order: Order): number {
  if (order.subtotal === 0) return 0;
  const [price, total, subtotal] = [BigInt(ticket.price), BigInt(order.price), BigInt(order.subtotal)];
  return Number((price * total * 2n + subtotal) / (subtotal * 2n));
}

/**
 * The tickets that an amount given back covers: those whose shares are exactly that amount, the dearest first, one that
 * was used last. None when no such tickets are found: then it was given back for another reason, and they stay good.
 */
export function ticketsCovered(order: Order, amountMinor: number): Ticket[] {
  const candidates = order.tickets
    .filter((ticket) => paidFor(ticket, order) > 0)
    .toSorted(
      (a, b) =>
        Number(a.checkedInAt !== undefined) - Number(b.checkedInAt !== undefined) ||
        paidFor(b, order) - paidFor(a, order) ||
        (a.seatLabel < b.seatLabel ? 1 : -1),
    );
  let left = amountMinor;
  const covered = candidates.filter((ticket) => {
    const share = paidFor(ticket, order);
    if (share > left) return false;
    left -= share;
    return true;
  });
  return left === 0 ? covered : [];
}

/** Money that another system took: there is no PaymentIntent at Stripe to ask about or to give back. */
export function isPaidElsewhere(intentId: PaymentIntentId): boolean {
  return !intentId.startsWith('pi_');
}
