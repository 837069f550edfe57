import { AppError } from '../../kernel/errors.ts';
import type { OrderId, UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { RecordAction } from '../audit/index.ts';
import type { SeatingServices } from '../seats/index.ts';
import { mayCancel, standingTo } from './order.access.rules.ts';
import { type Order, whyNotPending } from './order.ts';
import type { OrderBook } from './order-book.ts';
import { findOrder, ordersOfUser } from './orders.store.ts';
import type { PaymentConclusion, RefundPayment } from './payments.ports.ts';

export interface OrderService {
  /** For the buyer, the organiser of the event, and admins. Throws `order_not_found`, `forbidden`. */
  read(orderId: OrderId, who: Principal): Promise<Order>;
  /** A user's orders, newest first; for himself and admins. Throws `forbidden`. */
  listOf(userId: UserId, who: Principal): Promise<Order[]>;
  /**
   * Cancels: the buyer a pending order, an admin a completed one, too, whose payment is given back.
   * Throws `order_not_found`, `forbidden`, `order_not_pending`, `order_already_paid`, `order_changed`,
   * `payments_unavailable`, `refund_not_possible`.
   */
  cancel(orderId: OrderId, who: Principal): Promise<Order>;
}

export interface OrderServiceOptions {
  readonly database: Database;
  readonly seating: SeatingServices;
  readonly transitions: OrderBook;
  readonly payments: PaymentConclusion;
  readonly giveBack: RefundPayment['refundOrder'];
  readonly recordAction: RecordAction;
  readonly currency: Currency;
}

/** Most orders in one list; a buyer has a handful, and an answer has a bound. */
const MAX_LISTED_ORDERS = 200;
/** Each further try asks about the PaymentIntent that the order was given meanwhile. */
const MAX_CANCEL_ATTEMPTS = 3;

export function createOrderService(options: OrderServiceOptions): OrderService {
  const { database, seating } = options;

  async function load(orderId: OrderId): Promise<Order> {
    return orFail(await findOrder(database, orderId));
  }

  return {
    async read(orderId, who) {
      const order = await load(orderId);
      if (standingTo(order.userId, who) !== 'stranger') return order;
      if (await seating.ownsEvent(order.eventId, who.userId)) return order;
      throw new AppError('forbidden', 'This order is not yours.');
    },

    async listOf(userId, who) {
      if (standingTo(userId, who) === 'stranger') {
        throw new AppError('forbidden', 'These orders are not yours.');
      }
      return ordersOfUser(database, userId, MAX_LISTED_ORDERS);
    },

    async cancel(orderId, who) {
      for (let attempt = 1; attempt <= MAX_CANCEL_ATTEMPTS; attempt += 1) {
        const order = await load(orderId);
        if (!mayCancel(order, who)) throw new AppError('forbidden', 'This order is not yours.');
        await refuseIfPaid(order, who, options);
        const cancelled = await cancelLocked(order, who, options);
        if (cancelled) return cancelled;
      }
      throw new AppError('order_changed', 'Another request changed the order meanwhile. Look at it again.');
    },
  };
}

/** A pending order with a PaymentIntent ends only when that can no longer be paid. */
async function refuseIfPaid(order: Order, who: Principal, { payments }: OrderServiceOptions): Promise<void> {
  if (order.status !== 'pending') return;
  const money = await payments.conclude(order);
  if (money === 'unknown') {
    throw new AppError(
      'payments_unavailable',
      'Whether the order was paid cannot be known right now. Try again shortly.',
    );
  }
  if (money === 'paid' && !who.isAdmin) {
    throw new AppError('order_already_paid', 'The order was paid just now and is completed.');
  }
}

/** Cancels under the lock; undefined when the order has another PaymentIntent than the one known to be closed. */
function cancelLocked(
  { orderId, paymentIntentId: concluded }: Order,
  who: Principal,
  { database, transitions, giveBack, recordAction }: OrderServiceOptions,
): Promise<Order | undefined> {
  return database.transaction(async (tx) => {
    const order = orFail(await transitions.lock(tx, orderId));
    if (order.status === 'pending' && order.paymentIntentId !== concluded) return undefined;
    const byBuyer = standingTo(order.userId, who) === 'buyer' && !who.isAdmin;
    const transition = await transitions.cancel(tx, order, byBuyer ? 'buyer' : 'admin');
    if (transition.outcome === 'not_possible') {
      throw new AppError('order_not_pending', whyNotPending(transition.status));
    }
    if (order.status === 'completed') await giveBack(tx, order, 'cancelled by an administrator');
    if (!byBuyer) {
      await recordAction(tx, {
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

function orFail(order: Order | undefined): Order {
  if (!order) throw new AppError('order_not_found', 'There is no order with this id.');
  return order;
}
