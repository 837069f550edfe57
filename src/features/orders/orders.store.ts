import type { OrderId, PaymentIntentId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import { TICKET_COLUMNS } from '../tickets/index.ts';
import type { Order } from './order.ts';
import { ITS_TICKETS, ORDER_COLUMNS, type OrderTicketRow, toOrders } from './rows.ts';

const FIND_ORDER = {
  name: 'order-find',
  text: `SELECT ${ORDER_COLUMNS}, ${TICKET_COLUMNS} FROM orders o LEFT JOIN ${ITS_TICKETS}
          WHERE o.order_id = $1 ORDER BY t.seat_label, t.seat_id`,
};

/** The order, or undefined when there is none with this id. */
export async function findOrder(executor: Executor, orderId: OrderId): Promise<Order | undefined> {
  const rows = await executor.rows<OrderTicketRow>(FIND_ORDER, [orderId]);
  return toOrders(rows)[0];
}

const LOCK_ORDER = { name: 'order-lock', text: 'SELECT FROM orders WHERE order_id = $1 FOR UPDATE' };

/**
 * The order, locked until the transaction ends. Every transition starts here, so that one transaction decides at a time. The
 * order is read after it is locked, because a statement that waits for a lock reads the row again, but not the joined rows.
 */
export async function lockOrder(tx: Transaction, orderId: OrderId): Promise<Order | undefined> {
  const locked = await tx.rows(LOCK_ORDER, [orderId]);
  return locked.length === 0 ? undefined : findOrder(tx, orderId);
}

const FIND_ORDERS = {
  name: 'orders-find',
  text: `SELECT ${ORDER_COLUMNS}, ${TICKET_COLUMNS} FROM orders o LEFT JOIN ${ITS_TICKETS}
          WHERE o.order_id = ANY ($1::uuid[]) ORDER BY o.order_id, t.seat_label, t.seat_id`,
};

/** The orders that exist among these ids. */
export async function findOrders(executor: Executor, orderIds: readonly OrderId[]): Promise<Order[]> {
  if (orderIds.length === 0) return [];
  return toOrders(await executor.rows<OrderTicketRow>(FIND_ORDERS, [orderIds]));
}

const LOCK_ORDERS = {
  name: 'orders-lock',
  text: 'SELECT FROM orders WHERE order_id = ANY ($1::uuid[]) ORDER BY order_id FOR UPDATE',
};

/** `lockOrder` for several, in the order of their ids, so that two transactions never wait for each other. */
export async function lockOrders(tx: Transaction, orderIds: readonly OrderId[]): Promise<Order[]> {
  await tx.rows(LOCK_ORDERS, [orderIds]);
  return findOrders(tx, orderIds);
}

const ORDERS_OF_USER = {
  name: 'orders-of-user',
  text: `SELECT ${ORDER_COLUMNS}, ${TICKET_COLUMNS}
           FROM (SELECT * FROM orders WHERE user_id = $1 ORDER BY created_at DESC, order_id DESC LIMIT $2) o
           LEFT JOIN ${ITS_TICKETS}
          ORDER BY o.created_at DESC, o.order_id DESC, t.seat_label, t.seat_id`,
};

/** A user's orders, newest first, at most `limit`. */
export async function ordersOfUser(executor: Executor, userId: UserId, limit: number): Promise<Order[]> {
  return toOrders(await executor.rows<OrderTicketRow>(ORDERS_OF_USER, [userId, limit]));
}

const ATTACH_INTENT = {
  name: 'order-attach-intent',
  text: `UPDATE orders SET payment_intent_id = $3, payment_attempt = $2
          WHERE order_id = $1 AND status = 'pending' AND price = $4::numeric AND payment_attempt IN ($2 - 1, $2)
            AND (payment_attempt < $2 OR payment_intent_id = $3)
        RETURNING order_id`,
};

/**
 * Saves the PaymentIntent of an attempt at a price, once; false when the order is no longer pending, or has another price
 * or another attempt.
 */
export async function attachIntent(
  executor: Executor,
  order: Pick<Order, 'orderId' | 'price'>,
  attempt: number,
  intentId: PaymentIntentId,
): Promise<boolean> {
  const price = executor.currency.toDecimal(order.price);
  const rows = await executor.rows(ATTACH_INTENT, [order.orderId, attempt, intentId, price]);
  return rows.length > 0;
}

const ORDER_OF_INTENT = { name: 'order-of-intent', text: 'SELECT order_id FROM orders WHERE payment_intent_id = $1' };

/** The order that has this as its newest PaymentIntent. */
export async function orderOfIntent(executor: Executor, intentId: PaymentIntentId): Promise<OrderId | undefined> {
  const rows = await executor.rows<{ order_id: OrderId }>(ORDER_OF_INTENT, [intentId]);
  return rows[0]?.order_id;
}

const TICKET_PLACE = {
  name: 'ticket-place',
  text: `SELECT order_id, COALESCE(void_reason = 'organiser', false) AS by_organiser FROM tickets WHERE ticket_id = $1`,
};

/** The order of a ticket, and whether an organiser voided the ticket; undefined when there is no such ticket. */
export async function placeOfTicket(
  executor: Executor,
  ticketId: TicketId,
): Promise<{ readonly orderId: OrderId; readonly isVoidedByOrganiser: boolean } | undefined> {
  type Row = { readonly order_id: OrderId; readonly by_organiser: boolean };
  const [row] = await executor.rows<Row>(TICKET_PLACE, [ticketId]);
  return row && { orderId: row.order_id, isVoidedByOrganiser: row.by_organiser };
}

const TICKETS_PAID = {
  name: 'tickets-paid',
  text: `SELECT ticket_id, price_at_purchase FROM tickets
          WHERE order_id = $1 AND void_reason IS DISTINCT FROM 'replaced'`,
};

/** Every ticket that is part of an order's price, void or not. */
export async function ticketsPaid(
  executor: Executor,
  { orderId }: Pick<Order, 'orderId'>,
): Promise<{ readonly ticketId: TicketId; readonly price: Money }[]> {
  type Row = { readonly ticket_id: TicketId; readonly price_at_purchase: Money };
  const rows = await executor.rows<Row>(TICKETS_PAID, [orderId]);
  return rows.map((row) => ({ ticketId: row.ticket_id, price: row.price_at_purchase }));
}
