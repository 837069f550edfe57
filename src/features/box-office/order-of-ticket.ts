import type { TicketId } from '../../kernel/ids.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { notFound } from '../access/index.ts';
import type { Order, OrderBook } from '../orders/index.ts';

/** The order of a ticket, live or void. Throws `ticket_not_found`. */
export async function findOrderOfTicket(executor: Executor, orders: OrderBook, ticketId: TicketId): Promise<Order> {
  const place = await orders.placeOfTicket(executor, ticketId);
  const order = place && (await orders.find(executor, place.orderId));
  if (order) return order;
  throw notFound('ticket');
}
