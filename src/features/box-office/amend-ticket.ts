import { later } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { SeatId, TicketId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import type { Access } from '../access/index.ts';
import type { RecordAction } from '../audit/index.ts';
import type { HoldSeats, Order, OrderBook } from '../orders/index.ts';
import type { PricedSeat } from '../pricing/index.ts';
import { type Ticket, toWireTicket } from '../tickets/index.ts';
import { findOrderOfTicket } from './order-of-ticket.ts';
import { type AmendRequest, changesOf, refusedParts, relabelled } from './ticket-change.ts';

export interface AmendTicketNeeds {
  readonly access: Access;
  readonly orders: OrderBook;
  readonly seats: HoldSeats;
  readonly audit: { readonly record: RecordAction };
  readonly holdMs: number;
}

/** Most fields that a refusal names; a body may have thousands. */
const MAX_FIELDS = 20;

/** Changes tickets of completed orders. A new seat is held and quoted before the old one is freed. */
export class AmendTicket {
  readonly #core: Pick<Core, 'database' | 'clock'>;
  readonly #needs: AmendTicketNeeds;

  constructor(core: Core, needs: AmendTicketNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /**
   * Gives a ticket another seat of its tier, another label or note, and returns it. Throws `ticket_not_found`, `forbidden`,
   * `invalid_request` with the reason for each field that cannot be changed, `ticket_change_refused`, `order_changed`, and what issuing throws.
   */
  async amend(ticketId: TicketId, request: AmendRequest, who: Principal): Promise<Ticket> {
    const { access, orders } = this.#needs;
    const order = await findOrderOfTicket(this.#core.database, orders, ticketId);
    const { userId, eventId, sessionId } = order;
    await access.require('ticket.amend', who, { owner: userId, event: eventId, scannedAt: sessionId });
    const ticket = requireLiveTicket(order, ticketId);
    this.#requireChangeable(ticket, request);
    const { seatId } = request;
    return seatId === undefined || seatId === ticket.seatId
      ? this.#save(order, ticket, relabelled(ticket, request), who)
      : this.#moveTo(seatId, order, ticket, request, who);
  }

  #requireChangeable(ticket: Ticket, { rest }: AmendRequest): void {
    const fields = refusedParts(rest, { ...toWireTicket(ticket, this.#core.database.currency) });
    if (fields.length === 0) return;
    const shown = fields.slice(0, MAX_FIELDS);
    const detail = shown.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
    throw new AppError('invalid_request', detail, { fields: shown });
  }

  #moveTo(seatId: SeatId, order: Order, ticket: Ticket, request: AmendRequest, who: Principal): Promise<Ticket> {
    const { sessionId, eventId, organizationId, orderId } = order;
    return this.#needs.seats.around({
      request: { sessionId, eventId, organizationId, seatIds: [seatId], discountId: undefined },
      orderId,
      isOfStoredOrder: true,
      inTurnOf: who.userId,
      write: ({ seats: [seat] }) => {
        const moved = { ...ticket, seatId, seatLabel: requireTier(seat, ticket).label };
        return this.#save(order, ticket, relabelled(moved, request), who);
      },
      heldUntil: () => later(this.#core.clock.now(), this.#needs.holdMs),
    });
  }

  /** Saves the change under the lock, unless another request has changed the ticket since it was planned. */
  async #save(order: Order, from: Ticket, to: Ticket, who: Principal): Promise<Ticket> {
    const { orders, audit } = this.#needs;
    const changes = changesOf(from, to);
    await this.#core.database.transaction(async (tx) => {
      const locked = await orders.getLocked(tx, order.orderId);
      const current = requireLiveTicket(locked, from.ticketId);
      if (changesOf(from, current)) {
        throw new AppError(
          'order_changed',
          'Another request changed the ticket at the same time. Read the ticket again, then retry.',
        );
      }
      if (changes) {
        await orders.amend(tx, locked, { ...to, checkedInAt: current.checkedInAt });
        const { ticketId } = from;
        const action = { actor: who.userId, action: 'ticket.changed', about: order, ticketId } as const;
        await audit.record(tx, { ...action, ...changes });
      }
      tx.keepAnswer(to);
    });
    return to;
  }
}

/** The live ticket of a completed order. Throws `ticket_change_refused` when the ticket is not paid, or is void. */
function requireLiveTicket(order: Order, ticketId: TicketId): Ticket {
  if (order.status === 'pending') {
    throw new AppError(
      'ticket_change_refused',
      'The ticket is not paid yet: its buyer can still change the order. Try again when it is paid.',
    );
  }
  const ticket = order.tickets.find((each) => each.ticketId === ticketId);
  if (order.status === 'completed' && ticket) return ticket;
  throw new AppError('ticket_change_refused', 'The ticket is void. Issue a new ticket.');
}

function requireTier(seat: PricedSeat | undefined, ticket: Ticket): PricedSeat {
  if (!seat) throw new Error('the quote has no seat');
  if (seat.tier.id === ticket.tierId) return seat;
  const detail = `Seat ${seat.label} is of tier ${seat.tier.name}; this ticket stays in tier ${ticket.tierName}. Void it and issue a new ticket.`;
  throw new AppError('ticket_change_refused', detail);
}
