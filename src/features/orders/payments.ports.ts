import type { Transaction } from '../../platform/postgres/database.ts';
import type { NewTerms, Order, PendingOrder } from './order.ts';

/** Port: what became of an order's money, asked before the order ends without it. */
export interface PaymentConclusion {
  /**
   * Makes sure that the order's newest PaymentIntent can no longer be paid. `paid` when it was already: the order is
   * completed by then. `unknown` when Stripe cannot say: ask again.
   */
  conclude(order: Order): Promise<'unpaid' | 'paid' | 'unknown'>;
}

/** Port: makes ready the PaymentIntent of an order's next attempt, for the price it is about to have. */
export interface PaymentPreparation {
  /** Nobody can pay it before its client secret is given out. Throws `payment_refused`, `payments_unavailable`. */
  prepare(order: PendingOrder): Promise<NewTerms['payment']>;
}

/** Port: the refund of a completed order that an administrator cancels. */
export interface RefundPayment {
  /**
   * Makes the refund of everything that is left of the order's payment due, in the caller's transaction. Throws
   * `refund_not_possible` when the order's payment is not known.
   */
  refundOrder(tx: Transaction, order: Order, reason: string): Promise<void>;
}
