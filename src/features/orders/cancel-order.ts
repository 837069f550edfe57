import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import { notPending, type Order, orderChanged, paymentUnknown } from './order.ts';
import type { OrderBook } from './order-book.ts';
import type { PaymentConclusion, RefundPayment } from './payments.ports.ts';

export interface CancelOrderNeeds {
  readonly access: Access;
  readonly book: OrderBook;
  readonly payments: PaymentConclusion & RefundPayment;
  readonly audit: { readonly record: RecordAction };
}

/** A try fails when another request attaches a PaymentIntent; the next try asks Stripe about that one. */
const MAX_CANCEL_ATTEMPTS = 3;

type Canceller = 'buyer' | 'admin';

/** Cancels orders for buyers and administrators. */
export class CancelOrder {
  readonly #needs: CancelOrderNeeds;
  readonly #database: Core['database'];

  constructor({ database }: Pick<Core, 'database'>, needs: CancelOrderNeeds) {
    this.#database = database;
    this.#needs = needs;
  }

  /**
   * Cancels a pending order for its buyer, or a pending or completed order for an administrator. The payment of a completed
   * order is refunded. Throws `order_not_found`, `forbidden`, `order_not_pending`, `order_already_paid`, `order_changed`, `payments_unavailable`,
   * `refund_not_possible`.
   */
  async cancel(orderId: OrderId, who: Principal): Promise<Order> {
    for (let attempt = 1; attempt <= MAX_CANCEL_ATTEMPTS; attempt += 1) {
      const order = await this.#needs.book.get(this.#database, orderId);
      const about = { owner: order.userId, event: order.eventId };
      const role = await this.#needs.access.require('order.cancel', who, about);
      const by = role === 'owner' ? 'buyer' : 'admin';
      await this.#requireUnpaid(order, by);
      const cancelled = await this.#cancelLocked(order, by, who);
      if (cancelled) return cancelled;
    }
    throw orderChanged();
  }

  /** Makes sure that the PaymentIntent of a pending order cannot be paid any more. Does nothing for other orders. */
  async #requireUnpaid(order: Order, by: Canceller): Promise<void> {
    if (order.status !== 'pending') return;
    const money = await this.#needs.payments.conclude(order);
    if (money === 'unknown') throw paymentUnknown();
    if (money === 'paid' && by === 'buyer') {
      throw new AppError('order_already_paid', 'The order was paid just now and is completed.');
    }
  }

  /** Cancels under the lock; undefined when another request has attached a PaymentIntent since. */
  #cancelLocked(
    { orderId, paymentIntentId: concluded }: Order,
    by: Canceller,
    who: Principal,
  ): Promise<Order | undefined> {
    return this.#database.transaction(async (tx) => {
      const order = await this.#needs.book.getLocked(tx, orderId);
      if (order.status === 'pending' && order.paymentIntentId !== concluded) return undefined;
      const transition = await this.#needs.book.cancel(tx, order, by);
      if (transition.outcome === 'not_possible') throw notPending(transition);
      if (order.status === 'completed') {
        await this.#needs.payments.refundOrder(tx, order, 'cancelled by an administrator');
      }
      if (by === 'admin') {
        await this.#needs.audit.record(tx, {
          actor: who.userId,
          action: 'order.cancelled',
          about: order,
          before: { status: order.status },
          after: { status: 'cancelled' },
        });
      }
      tx.keepAnswer(transition.order);
      return transition.order;
    });
  }
}
