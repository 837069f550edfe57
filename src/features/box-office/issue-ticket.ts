import { AppError } from '../../kernel/errors.ts';
import {
  as,
  type EventId,
  type OrderId,
  type OrganizationId,
  type SeatId,
  type SessionId,
  type TicketId,
  type TierId,
} from '../../kernel/ids.ts';
import { type Money, ZERO } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { Catalogue } from '../catalogue/index.ts';
import { type HoldSeats, type OrderBook, type PendingOrder, place, ticketFor } from '../orders/index.ts';
import type { Payments } from '../payments/index.ts';
import type { PricedSeat } from '../pricing/index.ts';
import type { Ticket } from '../tickets/index.ts';

/** A ticket to issue: complimentary, or sold for cash. */
export interface TicketRequest {
  readonly eventId: EventId;
  readonly sessionId: SessionId;
  readonly seatId: SeatId;
  /** The tier that the organiser expects the seat to have; undefined when the request names none. */
  readonly tierId: TierId | undefined;
  /** 0 for a complimentary ticket, otherwise the cash received. */
  readonly price: Money;
  readonly note: string | undefined;
}

export interface IssueTicketNeeds {
  readonly access: Access;
  readonly orders: OrderBook;
  readonly seats: HoldSeats;
  readonly catalogue: Pick<Catalogue, 'place'>;
  readonly payments: Pick<Payments, 'takeCash'>;
  readonly audit: { readonly record: RecordAction };
  readonly holdMs: number;
}

/** Issues tickets. Holds, both seating services and the unique index decide as for any buyer. */
export class IssueTicket {
  readonly #core: Pick<Core, 'database' | 'clock' | 'ids'>;
  readonly #needs: IssueTicketNeeds;

  constructor(core: Core, needs: IssueTicketNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /**
   * Issues a ticket in a completed order of its own, and returns it. Throws `forbidden`, `seats_taken`, `seats_refused`,
   * `session_mismatch`, `ticket_change_refused`, `seating_unavailable`.
   */
  async issue(request: TicketRequest, who: Principal): Promise<Ticket> {
    const { access, seats } = this.#needs;
    await access.require('ticket.issue', who, { event: request.eventId });
    const organizationId = await this.#organizationOf(request);
    const orderId = as<OrderId>(this.#core.ids.uuid());
    const { ticket } = await seats.around({
      request: { ...request, organizationId, seatIds: [request.seatId], discountId: undefined },
      orderId,
      inTurnOf: who.userId,
      write: async (quote) => {
        const seat = seatOf(quote.seats, request);
        const order = this.#orderFor(request, organizationId, orderId, seat, who);
        return { ticket: await this.#write(order, who), expiresAt: order.expiresAt };
      },
      heldUntil: ({ expiresAt }) => expiresAt,
    });
    return ticket;
  }

  /** The organisation of the session. Throws `seats_refused` when there is no such session. */
  async #organizationOf({ sessionId }: TicketRequest): Promise<OrganizationId> {
    const place = await this.#needs.catalogue.place(sessionId);
    if (place) return place.organizationId;
    throw new AppError('seats_refused', 'There is no such session.');
  }

  #orderFor(
    { eventId, sessionId, price, note }: TicketRequest,
    organizationId: OrganizationId,
    orderId: OrderId,
    seat: PricedSeat,
    who: Principal,
  ): PendingOrder {
    const { clock, ids } = this.#core;
    const now = clock.now();
    const ticketId = as<TicketId>(ids.uuid());
    const ticket = ticketFor({ ...seat, price }, { ticketId, orderId, sessionId, issuedAt: now });
    const facts = {
      orderId,
      userId: who.userId,
      eventId,
      organizationId,
      sessionId,
      discount: undefined,
      discountAmount: ZERO,
      price,
      createdAt: now,
      tickets: [{ ...ticket, note }],
    };
    return place(facts, this.#needs.holdMs);
  }

  /** Writes the order, its payment and the audit entry in one transaction. */
  #write(order: PendingOrder, who: Principal): Promise<Ticket> {
    const { database } = this.#core;
    const { orders, payments, audit } = this.#needs;
    const [ticket] = order.tickets;
    if (!ticket) throw new Error('the order has no ticket');
    return database.transaction(async (tx) => {
      await orders.insert(tx, order);
      await orders.complete(tx, order);
      if (order.price > 0) await payments.takeCash(tx, order);
      await audit.record(tx, {
        actor: who.userId,
        action: 'ticket.issued',
        about: order,
        ticketId: ticket.ticketId,
        after: {
          seat_id: ticket.seatId,
          seat_label: ticket.seatLabel,
          tier_name: ticket.tierName,
          price: tx.currency.toMajor(ticket.price),
          has_note: ticket.note !== undefined,
        },
      });
      tx.keepAnswer(ticket);
      return ticket;
    });
  }
}

function seatOf([seat]: readonly PricedSeat[], { tierId }: TicketRequest): PricedSeat {
  if (!seat) throw new Error('the quote has no seat');
  if (tierId === undefined || tierId === seat.tier.id) return seat;
  throw new AppError(
    'ticket_change_refused',
    `Seat ${seat.label} is of tier ${seat.tier.name}, not of the tier in tier_id.`,
  );
}
