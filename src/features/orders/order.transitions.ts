import type { Clock } from '../../kernel/clock.ts';
import type { Announcement } from '../../kernel/events.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import { type CancelReason, cancel, complete, type Order, rebook, type Transition } from './order.rules.ts';
import { liveSeats, lockOrder, saveCancelled, saveTransition } from './order.store.ts';
import { announce } from './order.wire.ts';

/** Stores announcements in the transaction of the change they tell of. */
export type AppendToOutbox = (tx: Transaction, announcements: readonly Announcement[]) => Promise<void>;

/** The transitions of a locked order, each saved and announced in the caller's transaction. */
export interface OrderTransitions {
  /** The order, locked until the transaction ends. */
  lock(tx: Transaction, orderId: OrderId): Promise<Order | undefined>;
  /** Whether a cancelled order could have its seats again. */
  seatsFree(tx: Transaction, order: Order): Promise<boolean>;
  complete(tx: Transaction, order: Order): Promise<Transition>;
  cancel(tx: Transaction, order: Order, reason: CancelReason): Promise<Transition>;
  /** The same for many locked orders in a few statements; those that were cancelled, as they are now. */
  cancelAll(tx: Transaction, orders: readonly Order[], reason: CancelReason): Promise<Order[]>;
  /** Throws an error that `isSeatTaken` knows when a seat was sold meanwhile. */
  rebook(tx: Transaction, order: Order): Promise<Transition>;
}

export interface OrderTransitionsOptions {
  readonly appendToOutbox: AppendToOutbox;
  readonly clock: Clock;
  readonly currency: Currency;
}

export function createOrderTransitions(options: OrderTransitionsOptions): OrderTransitions {
  const { appendToOutbox, clock, currency } = options;

  async function save(tx: Transaction, from: Order, transition: Transition): Promise<Transition> {
    if (transition.outcome === 'changed') {
      await saveTransition(tx, from, transition.order);
      await appendToOutbox(tx, announce(transition.order, currency));
    }
    return transition;
  }

  return {
    lock: (tx, orderId) => lockOrder(tx, orderId, currency),
    async seatsFree(tx, order) {
      const seatIds = order.tickets.map((ticket) => ticket.seatId);
      return (await liveSeats(tx, order.sessionId, seatIds)).length === 0;
    },
    complete: (tx, order) => save(tx, order, complete(order, clock.now())),
    cancel: (tx, order, reason) => save(tx, order, cancel(order, reason, clock.now())),
    async cancelAll(tx, orders, reason) {
      const at = clock.now();
      const transitions = orders.map((order) => cancel(order, reason, at));
      const cancelled = transitions.flatMap((each) => (each.outcome === 'changed' ? [each.order] : []));
      if (cancelled.length === 0) return [];
      await saveCancelled(tx, cancelled, at, reason);
      await appendToOutbox(
        tx,
        cancelled.flatMap((order) => announce(order, currency)),
      );
      return cancelled;
    },
    rebook: (tx, order) => save(tx, order, rebook(order, clock.now())),
  };
}
