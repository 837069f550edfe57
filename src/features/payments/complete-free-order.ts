import type { Clock } from '../../kernel/clock.ts';
import type { Database, Transaction } from '../../platform/postgres/database.ts';
import { notPending, type Order, type OrderBook, requireHeld } from '../orders/index.ts';

/** Completes an order that costs nothing, for its buyer. */
export class CompleteFreeOrder {
  readonly #database: Database;
  readonly #clock: Clock;
  readonly #orders: OrderBook;

  constructor(database: Database, clock: Clock, orders: OrderBook) {
    this.#database = database;
    this.#clock = clock;
    this.#orders = orders;
  }

  /**
   * Completes the order and returns it; undefined when another request changed the order and it now has a price. `keep` is
   * called with the completed order in the transaction. Throws `order_not_pending`, `hold_ended`.
   */
  complete(
    { orderId }: Order,
    keep: (tx: Transaction, completed: Order) => void = () => undefined,
  ): Promise<Order | undefined> {
    return this.#database.transaction(async (tx) => {
      const locked = await this.#orders.getLocked(tx, orderId);
      const done = locked.status === 'completed' ? locked : await this.#completeLocked(tx, locked);
      if (done) keep(tx, done);
      return done;
    });
  }

  async #completeLocked(tx: Transaction, order: Order): Promise<Order | undefined> {
    requireHeld(order, this.#clock.now());
    if (order.price > 0) return undefined;
    const transition = await this.#orders.complete(tx, order);
    if (transition.outcome === 'changed') return transition.order;
    throw notPending(transition);
  }
}
