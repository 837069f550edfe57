import type { Instant } from '../../kernel/clock.ts';
import type { EventId, OrderId, SeatId, SessionId, TicketId, TierId, UserId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import type { OrderStatus, Ticket } from './ticket.ts';

/** The columns of a ticket, as `TICKET_COLUMNS` selects them. */
export interface TicketRow {
  readonly ticket_id: TicketId;
  readonly order_id: OrderId;
  readonly session_id: SessionId;
  readonly seat_id: SeatId;
  readonly seat_label: string;
  readonly colour: string;
  readonly tier_id: TierId;
  readonly tier_name: string;
  readonly price_at_purchase: Money;
  readonly issued_at: Instant;
  readonly voided_at: Instant | null;
  readonly checked_in_time: Instant | null;
  readonly holder_note: string | null;
}

/** The columns of `tickets t`, without order id and session id, which are selected from the order. */
export const TICKET_COLUMNS = `
  t.ticket_id, t.seat_id, t.seat_label, t.colour, t.tier_id, t.tier_name, t.price_at_purchase, t.issued_at,
  t.voided_at, t.checked_in_time, t.holder_note`;

export function toTicket(row: TicketRow): Ticket {
  return {
    ticketId: row.ticket_id,
    orderId: row.order_id,
    sessionId: row.session_id,
    seatId: row.seat_id,
    seatLabel: row.seat_label,
    colour: row.colour,
    tierId: row.tier_id,
    tierName: row.tier_name,
    price: row.price_at_purchase,
    issuedAt: row.issued_at,
    voidedAt: row.voided_at ?? undefined,
    checkedInAt: row.checked_in_time ?? undefined,
    note: row.holder_note ?? undefined,
  };
}

/** A ticket with the facts of its order that access and QR code depend on. */
export interface FoundTicket {
  readonly ticket: Ticket;
  readonly orderStatus: OrderStatus;
  readonly holderId: UserId;
  readonly eventId: EventId;
}

interface FoundTicketRow extends TicketRow {
  readonly order_status: FoundTicket['orderStatus'];
  readonly user_id: UserId;
  readonly event_id: EventId;
}

const FIND = {
  name: 'ticket-find',
  text: `SELECT o.order_id, o.session_id, ${TICKET_COLUMNS}, o.status AS order_status, o.user_id, o.event_id
           FROM tickets t JOIN orders o USING (order_id) WHERE t.ticket_id = $1`,
};

export async function findTicket(executor: Executor, ticketId: TicketId): Promise<FoundTicket | undefined> {
  const [row] = await executor.rows<FoundTicketRow>(FIND, [ticketId]);
  return row && { ticket: toTicket(row), orderStatus: row.order_status, holderId: row.user_id, eventId: row.event_id };
}

const COUNT = { name: 'tickets-count', text: 'SELECT count(*) AS total FROM tickets WHERE voided_at IS NULL' };

/** Number of live tickets, held or sold. */
export async function countLive(executor: Executor): Promise<number> {
  const [row] = await executor.rows<{ total: number }>(COUNT, []);
  return row?.total ?? 0;
}
