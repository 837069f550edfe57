import { as, type OrderId, type PaymentIntentId } from '../../kernel/ids.ts';
import type { Currency, Money } from '../../kernel/money.ts';
import { acceptsLateMoney, type Order } from '../orders/index.ts';

/**
 * Who received a payment. `stripe`: Stripe has the money, and refunds it. `cash`: it was paid over the counter, and is handed
 * back there. `external`: another system received it, and a person refunds it. It never changes.
 */
export type PaymentSource = 'stripe' | 'cash' | 'external';

/**
 * Money received, by PaymentIntent. `settle` decides once whether it pays for its order or is refunded (I2). Refunds are rows
 * of their own, sent afterwards; `stateAfter` computes the payment's state from them.
 *
 * | from            | what happens                                              | who              | function     | to         |
 * |-----------------|-----------------------------------------------------------|------------------|--------------|------------|
 * | -               | a PaymentIntent succeeded, or another system took money   | Stripe, a topic  | `recordMoney` | received  |
 * | -               | cash was taken for an order                               | an organiser     | `takeCash`   | applied    |
 * | -               | a comparison that may not refund finds money              | a comparison     | `recordMoney` | withheld  |
 * | -               | there is a completed order without a payment              | a migration      | -            | applied    |
 * | received, withheld | it is the price of a pending order                     | `SettlePayment`  | `settle`     | applied    |
 * | received, withheld | it came late, and the order's seats are still free     | `SettlePayment`  | `settle`     | applied    |
 * | received, withheld | it is the completed order's own intent, and nothing else pays for it | `SettlePayment` | `settle` | applied    |
 * | received        | anything else: another amount, a second payment, too late | `SettlePayment`  | `settle`     | refund_due |
 * | withheld        | the same, and a person allowed the refund                 | `SettlePayment`  | `settle`     | refund_due |
 * | applied         | the order is cancelled, or all of it is to be refunded    | an administrator, an organiser | `stateAfter` | refund_due |
 * | applied         | a part is to be refunded, or a bank takes back a part     | the same, a bank | `stateAfter` | applied    |
 * | refund_due      | the last of it is refunded                                | job `refunds`, a person | `stateAfter` | refunded |
 * | applied, refund_due | all of it was refunded in Stripe's dashboard          | Stripe           | `stateAfter` | refunded   |
 * | applied, refund_due | the buyer's bank takes the last of it (dispute)       | a bank           | `stateAfter` | disputed   |
 * | refunded        | a bank rejected a refund                                  | a bank           | `stateAfter` | refund_due |
 * | disputed        | the dispute is won: it is settled again                   | a bank           | `stateAfter` | received   |
 */
export interface Payment {
  readonly intentId: PaymentIntentId;
  readonly source: PaymentSource;
  /** Minor units as they were received, in `currency`. */
  readonly amountMinor: number;
  readonly currency: string;
  readonly state: 'received' | 'withheld' | 'applied' | 'refund_due' | 'refunded' | 'disputed';
  /**
   * A payment that a migration wrote for an order of the earlier service: `assumed` from the order alone, so that Stripe's
   * account overrides it; `confirmed` once that account was read. Undefined for money that this service recorded itself.
   */
  readonly takenOver?: 'assumed' | 'confirmed' | undefined;
}

export type Settlement =
  | { readonly decision: 'complete' }
  | { readonly decision: 'rebook' }
  /** The earlier service completed the order with this money. */
  | { readonly decision: 'apply' }
  /** This money completed the order, and another payment was assumed instead. */
  | { readonly decision: 'replace'; readonly assumed: Payment }
  /** It depends on whether the provider received the assumed payment: ask the provider, then settle again. */
  | { readonly decision: 'ask'; readonly assumed: Payment }
  | { readonly decision: 'refund'; readonly reason: string; readonly isLate: boolean }
  /** It is to be refunded once a person allows it. */
  | { readonly decision: 'withheld'; readonly reason: string }
  | { readonly decision: 'already_done' };

/**
 * Whether a settlement may refund. `refund`: it may, except money that is withheld. `withhold`: it may not, and the money
 * waits for a person. `release`: it may, also money that is withheld.
 */
export type RefundPolicy = 'refund' | 'withhold' | 'release';

/** Further facts for the decision. */
export interface SettlementFacts {
  readonly currency: Currency;
  /** Another payment that pays for this order, or is assumed to. */
  readonly paidBy: Payment | undefined;
  /** Whether the provider received `paidBy`; undefined before it was asked. */
  readonly isPaidByReceived?: boolean | undefined;
  /** Whether all seats of the order are free. */
  readonly seatsFree: boolean;
  readonly policy?: RefundPolicy;
}

/**
 * Decides what becomes of money received for an order. Only the exact price in the right currency completes an order (I8).
 * The intent of a completed order is its payment whatever the amount, because the order was sold for that.
 */
export function settle(order: Order, payment: Payment, facts: SettlementFacts): Settlement {
  const { paidBy, policy = 'refund' } = facts;
  const wasWithheld = payment.state === 'withheld';
  if (payment.state !== 'received' && !wasWithheld) return { decision: 'already_done' };
  if (paidBy?.takenOver === 'assumed') {
    const isReceived = paidBy.source === 'stripe' ? facts.isPaidByReceived : false;
    if (isReceived === undefined) return { decision: 'ask', assumed: paidBy };
    if (!isReceived) return { decision: 'replace', assumed: paidBy };
  }
  const settlement = settleUnpaid(order, payment, facts);
  const mayRefund = policy === 'release' || (policy === 'refund' && !wasWithheld);
  return settlement.decision === 'refund' && !mayRefund
    ? { decision: 'withheld', reason: settlement.reason }
    : settlement;
}

function settleUnpaid(order: Order, payment: Payment, { paidBy, currency, seatsFree }: SettlementFacts): Settlement {
  if (paidBy?.state === 'applied') return refund('the order was already paid');
  const isOwn = order.paymentIntentId === payment.intentId;
  if (order.status === 'completed' && order.price > 0 && isOwn) return { decision: 'apply' };
  if (payment.currency !== currency.code || payment.amountMinor !== order.price) {
    return refund('the amount is not the price of the order');
  }
  switch (order.status) {
    case 'pending':
      return { decision: 'complete' };
    case 'completed':
      return refund('the order was already completed');
    case 'cancelled':
      if (!acceptsLateMoney(order)) return refund('the order had been cancelled');
      return seatsFree
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
 * The idempotency key of a PaymentIntent: repeating an attempt at the same amount returns the same intent, and a new attempt
 * never collides with an earlier one.
 */
export function intentKey(order: Order, attempt: number, amount: Money): string {
  return `order-${order.orderId}-attempt-${attempt}-amount-${amount}`;
}

/** A payment as a message of another system identifies it. */
export interface PaymentReference {
  readonly source: 'stripe' | 'external';
  readonly intentId: PaymentIntentId;
}

/**
 * Reads the payment id in a message of another system: an id of Stripe's, which begins with `pi_`, or an id of that system.
 * Ids of another system are unique only within an order, because it may number them from 1 for each order.
 */
export function readReference(orderId: OrderId, paymentId: string | undefined): PaymentReference {
  if (paymentId?.startsWith('pi_')) return { source: 'stripe', intentId: as<PaymentIntentId>(paymentId) };
  const id = `elsewhere:${orderId}${paymentId === undefined ? '' : `:${paymentId}`}`;
  return { source: 'external', intentId: as<PaymentIntentId>(id) };
}

/** The payment id of an order that was paid in cash at the box office. */
export function cashPaymentId(orderId: OrderId): PaymentIntentId {
  return as<PaymentIntentId>(`cash:${orderId}`);
}
