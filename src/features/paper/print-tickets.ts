import type { Clock } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { OrderId, TicketId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Catalogue, SessionInfo } from '../catalogue/index.ts';
import type { Order } from '../orders/index.ts';
import type { TicketService, TicketView } from '../tickets/index.ts';
import { toCalendar } from './calendar.ts';
import type { Drawing } from './drawing.ts';
import type { TicketPage } from './page.ts';
import { sayTime } from './session-time.ts';

/** Tickets to be printed and put into a calendar; for who may see their QR codes. */
export interface Paper {
  /**
   * A PDF with a page for each good ticket of an order. Throws what reading the order does, `ticket_not_paid`,
   * `ticket_cancelled`, `seating_unavailable`, `printing_busy`.
   */
  ofOrder(orderId: OrderId, who: Principal): Promise<Buffer>;
  /** The same for one ticket. Throws what reading the ticket does, too; `forbidden` for a scanner. */
  ofTicket(ticketId: TicketId, who: Principal): Promise<Buffer>;
  /** An RFC 5545 calendar with the session of an order. Throws `not_found` when the catalogue has none, too. */
  calendarOf(orderId: OrderId, who: Principal): Promise<string>;
}

export interface PaperOptions {
  readonly tickets: Pick<TicketService, 'view' | 'viewsOf'>;
  readonly readOrder: (orderId: OrderId, who: Principal) => Promise<Order>;
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>;
  readonly catalogue: Catalogue;
  readonly drawing: Pick<Drawing, 'draw'>;
  /** Zone of the IANA database that people are told the time in. */
  readonly timeZone: string;
  readonly clock: Clock;
}

export function createPaper(options: PaperOptions): Paper {
  const { tickets, readOrder, findOrder, catalogue, drawing, timeZone, clock } = options;

  async function print(views: readonly TicketView[]): Promise<Buffer> {
    const [first] = views;
    const session = first && (await catalogue.session(first.ticket.sessionId));
    return drawing.draw(views.map((view) => toPage(view, session, timeZone)));
  }

  return {
    async ofOrder(orderId, who) {
      const order = await readOrder(orderId, who);
      refuseUnlessGood(order);
      return print(await tickets.viewsOf(order));
    },
    async ofTicket(ticketId, who) {
      const view = await tickets.view(ticketId, who);
      if (view.qrText !== undefined) return print([view]);
      const order = await findOrder(view.ticket.orderId);
      if (order?.status === 'completed' && view.ticket.voidedAt === undefined) {
        throw new AppError('forbidden', 'A scanner may look at this ticket, but not print it.');
      }
      throw notGood(order?.status === 'pending');
    },
    async calendarOf(orderId, who) {
      const order = await readOrder(orderId, who);
      refuseUnlessGood(order);
      const session = await catalogue.session(order.sessionId);
      if (!session) throw new AppError('not_found', 'The catalogue has no such session any more.');
      return toCalendar(order, session, clock.now());
    },
  };
}

function refuseUnlessGood(order: Order): void {
  if (order.status !== 'completed' || order.tickets.length === 0) throw notGood(order.status === 'pending');
}

function notGood(isPending: boolean): AppError {
  return isPending
    ? new AppError('ticket_not_paid', 'The order is not paid yet: there is nothing to print.')
    : new AppError('ticket_cancelled', 'The ticket was cancelled: there is nothing to print.');
}

/** What is not known any more is left out: the code is what admits. */
function toPage(
  { ticket, qrText = '' }: TicketView,
  session: SessionInfo | undefined,
  timeZone: string,
): TicketPage {
  return {
    title: session?.title ?? 'Ticket',
    time: session ? sayTime(session.startsAt, timeZone) : '',
    venue: session?.venue.name || session?.venue.onlineLink || '',
    address: session?.venue.address ?? '',
    seat: ticket.seatLabel,
    tier: ticket.tierName,
    ticketId: ticket.ticketId,
    orderId: ticket.orderId,
    qrText,
  };
}
