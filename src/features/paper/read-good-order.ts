import { AppError } from '../../kernel/errors.ts';
import type { OrderId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Access } from '../access/index.ts';
import type { Order } from '../orders/index.ts';

/** Throws `order_not_found`. */
export type GetOrder = (orderId: OrderId) => Promise<Order>;

/**
 * Reads an order with good tickets for users who may read it. Throws `order_not_found`, `forbidden`, `ticket_not_paid`,
 * `ticket_cancelled`, `seating_unavailable`.
 */
export type ReadGoodOrder = (orderId: OrderId, who: Principal) => Promise<Order>;

export function createReadGoodOrder(access: Access, getOrder: GetOrder): ReadGoodOrder {
  return async (orderId, who) => {
    const order = await getOrder(orderId);
    await access.require('order.read', who, { owner: order.userId, event: order.eventId });
    if (order.status !== 'completed' || order.tickets.length === 0) throw nothingToPrint(order.status);
    return order;
  };
}

/** The error for an order without printable tickets. */
export function nothingToPrint(status: Order['status']): AppError {
  return status === 'pending'
    ? new AppError('ticket_not_paid', 'The order is not paid yet, so it has no tickets to print.')
    : new AppError('ticket_cancelled', 'The ticket was cancelled and cannot be printed.');
}
