import type { Static } from 'typebox';
import { AppError } from '../../kernel/errors.ts';
import { as, type EventId, type SeatId, type SessionId, type TierId } from '../../kernel/ids.ts';
import { type Currency, HIGHEST_PRICE } from '../../kernel/money.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { type Ticket, toWireTicket, type WireTicket, withNote } from '../tickets/index.ts';
import type { TicketRequest } from './issue-ticket.ts';
import type { TicketIssueSchema } from './schemas.ts';

/** Tickets of the box office as HTTP spells them (contract section 1), in the database's currency. */
export class BoxOfficeJson {
  readonly #currency: Currency;

  constructor({ currency }: Pick<Database, 'currency'>) {
    this.#currency = currency;
  }

  ticket(ticket: Ticket): WireTicket {
    return withNote(toWireTicket(ticket, this.#currency), ticket);
  }

  /** Reads a request. Throws `price_too_high`, and `invalid_request` when the price has more decimals than the currency. */
  issueRequest(body: Static<typeof TicketIssueSchema>): TicketRequest {
    const currency = this.#currency;
    const code = currency.code.toUpperCase();
    const price = currency.fromMajor(body.price);
    if (price === undefined) {
      const reason = `has more decimals than ${code}, or is too large`;
      throw new AppError('invalid_request', `body/price: ${reason}`, { fields: [{ field: 'body/price', reason }] });
    }
    if (price > HIGHEST_PRICE) {
      const most = `${currency.toDecimal(HIGHEST_PRICE)} ${code}`;
      throw new AppError('price_too_high', `A ticket costs at most ${most}. Send the price in major units.`);
    }
    return {
      eventId: as<EventId>(body.event_id.toLowerCase()),
      sessionId: as<SessionId>(body.session_id.toLowerCase()),
      seatId: as<SeatId>(body.seat_id),
      tierId: body.tier_id === undefined ? undefined : as<TierId>(body.tier_id.toLowerCase()),
      price,
      note: body.note || undefined,
    };
  }
}
