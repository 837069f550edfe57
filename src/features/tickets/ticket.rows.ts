import type { Instant } from '../../kernel/clock.ts';
import type { OrderId, SeatId, SessionId, TicketId, TierId } from '../../kernel/ids.ts';
import type { Money } from '../../kernel/money.ts';
import type { Ticket } from './ticket.ts';

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

/** What to select of `tickets t`, but for order and session, which come from the order. */
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
