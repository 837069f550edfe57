import type { Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { DrawQr } from './qr/qr-image.ts';
import type { TicketSchema } from './schemas.ts';
import type { Ticket } from './ticket.ts';
import type { TicketView } from './view-tickets.ts';

/** Go's zero time: the value of `checked_in_time` before the check-in (contract section 1). */
const NEVER = '0001-01-01T00:00:00Z';

/** A ticket as HTTP and Kafka spell it (contract section 1). */
export type WireTicket = Static<typeof TicketSchema>;

/** A ticket in the shared JSON form, without note and QR code. */
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

/** Adds the organiser's note, which belongs in HTTP responses and never on a topic. */
export function withNote(wire: WireTicket, { note }: Ticket): WireTicket {
  return note === undefined ? wire : { ...wire, note };
}

/** Tickets in the JSON of HTTP responses, in the service's currency. */
export class TicketJson {
  readonly #currency: Currency;
  readonly #drawQr: DrawQr;

  constructor(currency: Currency, drawQr: DrawQr) {
    this.#currency = currency;
    this.#drawQr = drawQr;
  }

  /** A ticket with its note and without a QR code. */
  ticket(ticket: Ticket): WireTicket {
    return withNote(toWireTicket(ticket, this.#currency), ticket);
  }

  /** A ticket with its note and, if the view has one, its QR code, drawn for this reader. */
  async view({ ticket, qrText }: TicketView, reader: UserId): Promise<WireTicket> {
    const wire = this.ticket(ticket);
    return qrText === undefined ? wire : { ...wire, qr_code: await this.#drawQr(qrText, reader) };
  }

  /** The same for a list. */
  views(views: readonly TicketView[], reader: UserId): Promise<WireTicket[]> {
    return Promise.all(views.map((view) => this.view(view, reader)));
  }
}
