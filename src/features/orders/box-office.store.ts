import type { OrderId, TicketId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';
import type { Executor, Transaction } from '../../platform/postgres/database.ts';
import type { Ticket } from '../tickets/index.ts';

const AMEND_TICKET = {
  name: 'ticket-amend',
  text: `UPDATE tickets SET seat_id = $2, seat_label = $3, holder_note = $4
          WHERE ticket_id = $1 AND voided_at IS NULL`,
};

/** Saves seat, label and note of a live ticket. Throws an error that `isSeatTaken` knows when the seat is somebody else's. */
export async function amendTicket(tx: Transaction, ticket: Ticket): Promise<void> {
  await tx.rows(AMEND_TICKET, [ticket.ticketId, ticket.seatId, ticket.seatLabel, ticket.note ?? null]);
}

const TICKET_PLACE = {
  name: 'ticket-place',
  text: `SELECT order_id, COALESCE(void_reason = 'organiser', false) AS by_organiser FROM tickets WHERE ticket_id = $1`,
};

/** The order a ticket is of, and whether an organiser voided it; undefined when there is no such ticket. */
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

/** Every ticket that an order's price was for, also those that are void by now. */
export async function ticketsPaid(
  tx: Transaction,
  orderId: OrderId,
): Promise<{ readonly ticketId: TicketId; readonly price: Money }[]> {
  type Row = { readonly ticket_id: TicketId; readonly price_at_purchase: Money };
  const rows = await tx.rows<Row>(TICKETS_PAID, [orderId]);
  return rows.map((row) => ({
    ticketId: row.ticket_id,
    price: row.price_at_purchase,
  }));
}
