import type { Clock } from '../../kernel/clock.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import { notPending, type Order, type OrderBook, requireHeld } from '../orders/index.ts';

export interface FreeOrderNeeds {
  readonly database: Database;
  readonly clock: Clock;
  readonly orders: OrderBook;
}

/**
 * Completes an order that costs nothing, for its buyer. Returns it, or undefined when another request changed the order and
 * it now has a price. `keep` is called with the completed order in the transaction. Throws `order_not_pending`, `hold_ended`.
 */
export function completeFreeOrder(
  { database, clock, orders }: FreeOrderNeeds,
  { orderId }: Order,
  keep: (tx: Transaction, completed: Order) => void = () => undefined,
): Promise<Order | undefined> {
  return database.transaction(async (tx) => {
    const locked = await orders.getLocked(tx, orderId);
    if (locked.status !== 'completed') {
      requireHeld(locked, clock.now());
      if (locked.price > 0) return undefined;
    }
    const done = locked.status === 'completed' ? locked : await complete(tx, locked, orders);
    keep(tx, done);
    return done;
  });
}

async function complete(tx: Transaction, order: Order, orders: OrderBook): Promise<Order> {
  const transition = await orders.complete(tx, order);
  if (transition.outcome === 'changed') return transition.order;
  throw notPending(transition);
}
