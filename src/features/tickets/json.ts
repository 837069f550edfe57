import type { Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Currency } from '../../kernel/money.ts';
import type { DrawQr } from './qr/qr-image.ts';
import type { TicketSchema } from './schemas.ts';
import type { Ticket } from './ticket.ts';
import type { TicketView } from './view-tickets.ts';

/** What consumers of Go's zero time expect for a ticket not checked in (contract section 1). */
const NEVER = '0001-01-01T00:00:00Z';

/** A ticket as HTTP and Kafka spell it (contract section 1). */
export type WireTicket = Static<typeof TicketSchema>;

/** A ticket for the wire, without its QR code. */
export function toWireTicket(ticket: Ticket, currency: Currency): WireTicket {
  return {
    ticket_id: ticket.ticketId,
    order_id: ticket.orderId,
    seat_id: ticket.seatId,
    seat_label: ticket.seatLabel,
    colour: ticket.colour,
    tier_id: ticket.tierId,
    tier_name: ticket.tierName,
    price_at_purchase: currency.toMajor(ticket.price),
    issued_at: toRfc3339(ticket.issuedAt),
    checked_in: ticket.checkedInAt !== undefined,
    checked_in_time: ticket.checkedInAt === undefined ? NEVER : toRfc3339(ticket.checkedInAt),
  };
}

/** The same with the organiser's note, for those who may read it: it is not for the topics. */
export function withNote(wire: WireTicket, { note }: Ticket): WireTicket {
  return note === undefined ? wire : { ...wire, note };
}

export type ViewJson = (view: TicketView) => WireTicket;

/** A ticket with its note and, where it may have one, its QR code drawn. */
export function toViewJson(currency: Currency, drawQr: DrawQr): ViewJson {
  return ({ ticket, qrText }) => {
    const wire = withNote(toWireTicket(ticket, currency), ticket);
    return qrText === undefined ? wire : { ...wire, qr_code: drawQr(qrText) };
  };
}
