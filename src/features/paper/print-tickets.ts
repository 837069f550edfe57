import type { OrderId, SessionId, TicketId, UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Access } from '../access/index.ts';
import type { Catalogue, SessionInfo } from '../catalogue/index.ts';
import type { TicketView, ViewTickets } from '../tickets/index.ts';
import type { Drawing } from './drawing.ts';
import type { TicketPage } from './page.ts';
import { nothingToPrint, type ReadGoodOrder } from './read-good-order.ts';
import { sayTime } from './session-time.ts';

export interface PrintTicketsNeeds {
  readonly access: Access;
  readonly readGoodOrder: ReadGoodOrder;
  readonly tickets: Pick<ViewTickets, 'find' | 'viewOf' | 'viewsOf'>;
  readonly catalogue: Catalogue;
  readonly drawing: Pick<Drawing, 'draw'>;
  /** IANA time zone of printed times. */
  readonly timeZone: string;
}

/** Prints tickets for users who may see their QR codes. */
export class PrintTickets {
  readonly #needs: PrintTicketsNeeds;

  constructor(needs: PrintTicketsNeeds) {
    this.#needs = needs;
  }

  /**
   * A PDF with a page for each good ticket of an order. Throws `order_not_found`, `forbidden`, `ticket_not_paid`,
   * `ticket_cancelled`, `seating_unavailable`, `printing_busy`.
   */
  async ofOrder(orderId: OrderId, who: Principal): Promise<Buffer> {
    const order = await this.#needs.readGoodOrder(orderId, who);
    return this.#print(who.userId, order.sessionId, await this.#needs.tickets.viewsOf(order));
  }

  /** The same for one ticket; for its holder, the organiser and administrators. Also throws `ticket_not_found`. */
  async ofTicket(ticketId: TicketId, who: Principal): Promise<Buffer> {
    const { ticket, orderStatus, holderId, eventId } = await this.#needs.tickets.find(ticketId);
    await this.#needs.access.require('ticket.print', who, {
      owner: holderId,
      event: eventId,
      scannedAt: ticket.sessionId,
    });
    const view = await this.#needs.tickets.viewOf(ticket, orderStatus);
    if (view.qrText === undefined) throw nothingToPrint(orderStatus);
    return this.#print(who.userId, ticket.sessionId, [view]);
  }

  async #print(userId: UserId, sessionId: SessionId, views: readonly TicketView[]): Promise<Buffer> {
    const session = await this.#needs.catalogue.session(sessionId);
    const pages = views.map((view) => toPage(view, session, this.#needs.timeZone));
    return this.#needs.drawing.draw(userId, pages);
  }
}

/** Unknown parts are left out, because only the QR code is needed to enter. */
function toPage({ ticket, qrText = '' }: TicketView, session: SessionInfo | undefined, timeZone: string): TicketPage {
  const { name, address = '', onlineLink = '' } = session?.venue ?? { name: '' };
  return {
    title: session?.title ?? 'Ticket',
    time: session ? sayTime(session.startsAt, timeZone) : '',
    places: [name, address, onlineLink].filter((place) => place !== ''),
    seat: ticket.seatLabel,
    tier: ticket.tierName,
    ticketId: ticket.ticketId,
    orderId: ticket.orderId,
    qrText,
  };
}
