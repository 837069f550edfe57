import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { notPending, type Order, requireHeld } from '../orders/index.ts';
import { completeFreeOrder } from './complete-free-order.ts';
import type { BuyerNeeds } from './offer-payment.ts';

/** Completes an order for its buyer. */
export class CheckOut {
  readonly #needs: BuyerNeeds;

  constructor(needs: BuyerNeeds) {
    this.#needs = needs;
  }

  /**
   * Completes a free order, or an order whose payment succeeded at Stripe. Returns a completed order unchanged.
   * Throws `order_not_found`, `forbidden`, `order_not_pending`, `hold_ended`, `payment_missing`, `payment_mismatch`,
   * `payments_unavailable`.
   */
  async checkOut(orderId: OrderId, who: Principal): Promise<Order> {
    const order = await this.#needs.orders.get(this.#needs.database, orderId);
    await this.#needs.access.require('order.pay', who, { owner: order.userId, event: order.eventId });
    if (order.status === 'completed') return order;
    if (order.price > 0) return this.#checkOutPaid(order);
    requireHeld(order, this.#needs.clock.now());
    const completed = await completeFreeOrder(this.#needs, order, (tx, done) => tx.keepAnswer(done));
    if (completed) return completed;
    throw new AppError('payment_missing', 'The order has not been paid yet.');
  }

  /** Asks Stripe, because the buyer's page usually calls before the webhook arrives. */
  async #checkOutPaid(order: Order): Promise<Order> {
    const intent = await this.#needs.intents.find(order);
    if (intent?.state === 'succeeded') {
      const settled = await this.#needs.intents.settle(intent, order);
      if (settled) return settled;
      throw new AppError('payment_mismatch', 'The payment could not be used for this order and is refunded.');
    }
    if (order.status !== 'pending') throw notPending(order);
    const declined = intent?.lastDecline;
    throw new AppError(
      'payment_missing',
      declined ? `The payment did not go through: ${declined}` : 'The order has not been paid yet.',
    );
  }
}
