import type { Transaction } from '../../platform/postgres/database.ts';
import type { NewTerms, Order, PendingOrder } from './order.ts';

/** Port: closes the payment of an order before the order is cancelled. */
export interface PaymentConclusion {
  /**
   * Makes sure that the order's newest PaymentIntent cannot be paid any more. `paid`: it was paid before, and the order is
   * completed. `unknown`: Stripe cannot say, and the caller asks again later.
   */
  conclude(order: Order): Promise<'unpaid' | 'paid' | 'unknown'>;
}

/** Port: creates the PaymentIntent for the next price of an order. */
export interface PaymentPreparation {
  /** It cannot be paid before the buyer receives its client secret. Throws `payment_refused`, `payments_unavailable`. */
  prepare(order: PendingOrder): Promise<NewTerms['payment']>;
}

/** Port: the refund of a completed order that an administrator cancels. */
export interface RefundPayment {
  /**
   * Writes a refund of all that is left of the order's payment, in the caller's transaction. Throws
   * `refund_not_possible` when the order's payment is not known.
   */
  refundOrder(tx: Transaction, order: Order, reason: string): Promise<void>;
}
