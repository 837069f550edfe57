import { LRUCache } from 'lru-cache';
import type { OrderId, TicketId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Executor } from '../../platform/postgres/database.ts';
import { type Access, notFound } from '../access/index.ts';
import type { TicketSealer } from './qr/sealer.ts';
import { isGood, type OrderStatus, type Ticket, type TicketOrder } from './ticket.ts';
import { countLive, type FoundTicket, findTicket } from './tickets.store.ts';

/** A ticket as its holder sees it. It has a QR text only if it is good, and so only after its order is completed. */
export interface TicketView {
  readonly ticket: Ticket;
  readonly qrText: string | undefined;
}

/** Throws `order_not_found`. */
export type GetTicketOrder = (orderId: OrderId) => Promise<TicketOrder>;

/** Anybody may ask for the number of tickets, and counting takes longer the more there are. */
const COUNT_KEPT_MS = 10_000;

/** Finds tickets and their QR texts. */
export class ViewTickets {
  readonly #database: Executor;
  readonly #access: Access;
  readonly #sealer: Pick<TicketSealer, 'seal'>;
  readonly #getOrder: GetTicketOrder;
  readonly #count = new LRUCache<'live', number>({
    max: 1,
    ttl: COUNT_KEPT_MS,
    allowStale: true,
    fetchMethod: () => countLive(this.#database),
  });

  constructor(database: Executor, access: Access, sealer: Pick<TicketSealer, 'seal'>, getOrder: GetTicketOrder) {
    this.#database = database;
    this.#access = access;
    this.#sealer = sealer;
    this.#getOrder = getOrder;
  }

  /** For the holder, the organiser, scanners of the session and administrators. Throws `ticket_not_found`, `forbidden`. */
  async view(ticketId: TicketId, who: Principal): Promise<TicketView> {
    const found = await this.find(ticketId);
    const { ticket, orderStatus, holderId, eventId } = found;
    const role = await this.#access.require('ticket.read', who, {
      owner: holderId,
      event: eventId,
      scannedAt: ticket.sessionId,
    });
    // A scanner sees the seat, but gets no QR text that could be passed on.
    return role === 'scanner' ? { ticket, qrText: undefined } : this.viewOf(ticket, orderStatus);
  }

  /** The tickets of an order, for those who may read it. Throws `order_not_found`, `forbidden`. */
  async viewOrder(orderId: OrderId, who: Principal): Promise<TicketView[]> {
    const order = await this.#getOrder(orderId);
    await this.#access.require('order.read', who, { owner: order.userId, event: order.eventId });
    return this.viewsOf(order);
  }

  /** An order's tickets; the caller has checked access. */
  viewsOf({ tickets, status }: Pick<TicketOrder, 'tickets' | 'status'>): Promise<TicketView[]> {
    return Promise.all(tickets.map((ticket) => this.viewOf(ticket, status)));
  }

  /** A ticket with its QR text; the caller has checked access. */
  async viewOf(ticket: Ticket, orderStatus: OrderStatus): Promise<TicketView> {
    return { ticket, qrText: isGood(ticket, orderStatus) ? await this.#sealer.seal(ticket) : undefined };
  }

  /** A ticket with the facts of its order, without an access check. Throws `ticket_not_found`. */
  async find(ticketId: TicketId): Promise<FoundTicket> {
    const found = await findTicket(this.#database, ticketId);
    if (!found) throw notFound('ticket');
    return found;
  }

  /** Number of tickets held or sold, as of some seconds ago. While it is counted again, callers get the count before. */
  count(): Promise<number> {
    return this.#count.forceFetch('live');
  }
}
