import type { OrderId, UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import type { Access } from '../access/index.ts';
import type { Order } from './order.ts';
import type { OrderBook } from './order-book.ts';
import { ordersOfUser } from './orders.store.ts';

/** Most orders in one list. */
const MAX_LISTED_ORDERS = 200;

/** Reads orders for callers of the API. */
export class ReadOrders {
  readonly #needs: { readonly access: Access; readonly book: OrderBook };
  readonly #database: Core['database'];

  constructor({ database }: Pick<Core, 'database'>, needs: { readonly access: Access; readonly book: OrderBook }) {
    this.#database = database;
    this.#needs = needs;
  }

  /** For the buyer, the organiser of the event, and administrators. Throws `order_not_found`, `forbidden`. */
  async read(orderId: OrderId, who: Principal): Promise<Order> {
    const order = await this.#needs.book.get(this.#database, orderId);
    await this.#needs.access.require('order.read', who, { owner: order.userId, event: order.eventId });
    return order;
  }

  /** A user's orders, newest first; for the user and administrators. Throws `forbidden`. */
  async listOf(userId: UserId, who: Principal): Promise<Order[]> {
    await this.#needs.access.require('order.list', who, { owner: userId });
    return ordersOfUser(this.#database, userId, MAX_LISTED_ORDERS);
  }
}
