import { AppError } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import type { Order } from '../orders/index.ts';
import { ordersOn } from './orders-list.store.ts';
import { type OrderList, type PageStart, readCursor, toCursor } from './orders-list.ts';

/** A page of orders. */
export interface OrdersPage {
  readonly orders: readonly Order[];
  /** Number of orders on all pages. */
  readonly total: number;
  /** The cursor of the next page; undefined on the last page. */
  readonly nextCursor: string | undefined;
}

export interface OrdersPageRequest {
  readonly limit: number;
  readonly offset?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Lists the orders of an event. */
export class ListOrders {
  readonly #database: Executor;
  readonly #access: Access;

  constructor(database: Executor, access: Access) {
    this.#database = database;
    this.#access = access;
  }

  /**
   * For the event's organiser and administrators. Throws `invalid_request` for a cursor of another list, `forbidden`,
   * `seating_unavailable`.
   */
  async list(list: OrderList, request: OrdersPageRequest, who: Principal): Promise<OrdersPage> {
    const start = startOf(list, request);
    await this.#access.require('analytics.event', who, { event: list.eventId });
    const { orders, total, end } = await ordersOn(this.#database, { list, start, limit: request.limit });
    return { orders, total, nextCursor: end && toCursor(list, end) };
  }
}

function startOf(list: OrderList, { offset, cursor }: OrdersPageRequest): PageStart {
  if (cursor === undefined) return { from: 'offset', offset: offset ?? 0 };
  if (offset !== undefined) throw badCursor('cannot be used together with offset');
  const reading = readCursor(list, cursor);
  if (reading.outcome === 'refused') throw badCursor(reading.reason);
  return { from: 'after', position: reading.position };
}

function badCursor(reason: string): AppError {
  return new AppError('invalid_request', `querystring/cursor: ${reason}`, {
    fields: [{ field: 'querystring/cursor', reason }],
  });
}
