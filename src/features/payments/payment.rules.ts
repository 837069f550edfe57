import type { PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency, Money } from '../../kernel/money.ts';
import type { Order } from '../orders/order.rules.ts';

/**
 * Money received, by PaymentIntent. `settle` decides once what becomes of it (I2); a refund is carried out afterwards.
 *
 * | from       | what happens                                             | to          |
 * |------------|----------------------------------------------------------|-------------|
 * | -          | Stripe says that a PaymentIntent succeeded               | received    |
 * | received   | it is the price of a pending order                       | applied     |
 * | received   | it came late, and the order's seats are still free       | applied     |
 * | received   | anything else: another amount, a second payment, too late | refund_due |
 * | applied    | an admin cancels the order                               | refund_due  |
 * | refund_due | Stripe has given it back                                 | refunded    |
 */
export interface Payment {
  readonly intentId: PaymentIntentId;
  /** Minor units as Stripe took them, and in which currency. */
  readonly amountMinor: number;
  readonly currency: string;
  readonly state: 'received' | 'applied' | 'refund_due' | 'refunded';
}

export type Settlement =
  | { readonly decision: 'complete' }
  | { readonly decision: 'rebook' }
  | { readonly decision: 'refund'; readonly reason: string }
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
      return settleLate(order.reason, facts.seatsFree);
    default:
      return order satisfies never;
  }
}

/** Late money takes the seats again only where nobody wanted the order gone. */
function settleLate(
  reason: Extract<Order, { status: 'cancelled' }>['reason'],
  seatsFree: boolean,
): Settlement {
  if (reason !== 'expired' && reason !== 'payment') return refund('the order had been cancelled');
  return seatsFree ? { decision: 'rebook' } : refund('the hold had ended and the seats were sold');
}

function refund(reason: string): Settlement {
  return { decision: 'refund', reason };
}

/**
 * Keys the creation of a PaymentIntent: the same attempt at the same amount gives the same intent however often it is
 * asked for, and a new attempt never collides with an earlier one.
 */
export function intentKey(order: Order, attempt: number, amount: Money): string {
  return `order-${order.orderId}-attempt-${attempt}-amount-${amount}`;
}

/** Keys a refund of the whole payment: it is given back once. */
export function refundKey(intentId: PaymentIntentId): string {
  return `refund-${intentId}`;
}
