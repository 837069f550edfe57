import { AppError } from '../../kernel/errors.ts';
import type { OrderId, TicketId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { Order } from '../orders/index.ts';
import type { SeatingServices } from '../seats/index.ts';
import type { TicketSealer } from './qr/sealer.ts';
import type { Ticket } from './ticket.ts';
import { countLive, type FoundTicket, findTicket } from './tickets.store.ts';

/** A ticket as its holder sees it: with its QR text once the order is completed, never before. */
export interface TicketView {
  readonly ticket: Ticket;
  readonly qrText: string | undefined;
}

export interface TicketService {
  /** For the holder, the organiser, a scanner of the session, admins. Throws `ticket_not_found`, `forbidden`. */
  view(ticketId: TicketId, who: Principal): Promise<TicketView>;
  /** The tickets of an order, for who may read the order. Throws as reading the order does. */
  viewOrder(orderId: OrderId, who: Principal): Promise<TicketView[]>;
  /** An order's tickets for somebody who was let see the order already. */
  viewsOf(order: Order): Promise<TicketView[]>;
  /** How many tickets are held or sold. */
  count(): Promise<number>;
}

export interface TicketServiceOptions {
  readonly database: Database;
  readonly seating: SeatingServices;
  readonly sealer: TicketSealer;
  readonly readOrder: (orderId: OrderId, who: Principal) => Promise<Order>;
  readonly findOrder: (orderId: OrderId) => Promise<Order | undefined>;
  readonly currency: Currency;
}

export function createTicketService(options: TicketServiceOptions): TicketService {
  const { database } = options;

  async function viewsOf(order: Order): Promise<TicketView[]> {
    return Promise.all(order.tickets.map((ticket) => toView(ticket, order.status, options)));
  }

  return {
    async view(ticketId, who) {
      const found = await findTicket(database, ticketId);
      if (!found) throw new AppError('ticket_not_found', 'There is no ticket with this id.');
      const standing = await standingToTicket(found, who, options);
      if (standing === 'stranger') throw new AppError('forbidden', 'This ticket is not yours.');
      // A scanner sees whose seat it is, but gets no QR text that he could pass on.
      if (standing === 'scanner') return { ticket: found.ticket, qrText: undefined };
      return toView(found.ticket, found.orderStatus, options);
    },
    async viewOrder(orderId, who) {
      return viewsOf(await options.readOrder(orderId, who));
    },
    viewsOf,
    count: () => countLive(database),
  };
}

async function toView(
  ticket: Ticket,
  orderStatus: Order['status'],
  { sealer }: TicketServiceOptions,
): Promise<TicketView> {
  const isGood = orderStatus === 'completed' && ticket.voidedAt === undefined;
  return { ticket, qrText: isGood ? await sealer.seal(ticket) : undefined };
}

async function standingToTicket(
  { ticket, holderId }: FoundTicket,
  who: Principal,
  { seating, findOrder }: TicketServiceOptions,
): Promise<'holder' | 'admin' | 'organiser' | 'scanner' | 'stranger'> {
  if (holderId === who.userId) return 'holder';
  if (who.isAdmin) return 'admin';
  const order = await findOrder(ticket.orderId);
  if (order && (await seating.ownsEvent(order.eventId, who.userId))) return 'organiser';
  return (await seating.isScanner(ticket.sessionId, who.userId)) ? 'scanner' : 'stranger';
}
