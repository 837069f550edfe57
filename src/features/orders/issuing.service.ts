import { later } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, type OrderId, type OrganizationId, type TicketId } from '../../kernel/ids.ts';
import { ZERO } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { PricedSeat } from '../pricing/index.ts';
import type { Ticket } from '../tickets/index.ts';
import type { BoxOfficeOptions, TicketWish } from './box-office.service.ts';
import { type PendingOrder, place, ticketFor } from './order.ts';
import { PLACING_HOLD_MS } from './place-order.ts';
import { quoteHeld, refusalOfTaken } from './quote-seats.ts';
import { isSeatTaken } from './seats.store.ts';

/** Issues a ticket for somebody who may: hold, both seating services and the unique index as for any buyer. */
export async function issueTicket(
  wish: TicketWish,
  who: Principal,
  options: BoxOfficeOptions,
): Promise<Ticket> {
  const { holds, labels, clock, ids } = options;
  const { sessionId, seatId } = wish;
  const organizationId = await organizationOf(wish, options);
  const orderId = as<OrderId>(ids.uuid());
  const hold = await holds.hold(sessionId, [seatId], orderId, later(clock.now(), PLACING_HOLD_MS));
  if (hold.outcome === 'taken') throw await refusalOfTaken(sessionId, hold.seatIds, labels);
  try {
    const request = { ...wish, organizationId, seatIds: [seatId], discountId: undefined };
    const { seats } = await quoteHeld(request, options);
    const order = orderFor(wish, organizationId, orderId, seatIn(seats, wish), who, options);
    const ticket = await write(order, who, options);
    // The database has the seat: a hold that cannot be extended only makes a later refusal slower.
    await holds.extend(sessionId, [seatId], orderId, order.expiresAt).catch(() => undefined);
    return ticket;
  } catch (error) {
    await holds.release(sessionId, [seatId], orderId).catch(() => undefined);
    throw isSeatTaken(error) ? await refusalOfTaken(sessionId, [seatId], labels) : error;
  }
}

/** The organisation is not the organiser's to say; nor may he name a session of somebody else's event. */
async function organizationOf(wish: TicketWish, { catalogue }: BoxOfficeOptions): Promise<OrganizationId> {
  const session = await catalogue.session(wish.sessionId);
  if (session?.eventId === wish.eventId) return session.organizationId;
  throw new AppError('seats_refused', 'There is no such session of this event.');
}

function seatIn([seat]: readonly PricedSeat[], { tierId }: TicketWish): PricedSeat {
  if (!seat) throw new Error('a quote without its seat');
  if (tierId === undefined || tierId === seat.tier.id) return seat;
  throw new AppError(
    'ticket_change_refused',
    `Seat ${seat.label} is of tier ${seat.tier.name}, not of this one.`,
  );
}

function orderFor(
  { eventId, sessionId, price, note }: TicketWish,
  organizationId: OrganizationId,
  orderId: OrderId,
  seat: PricedSeat,
  who: Principal,
  { clock, ids, holdMs }: BoxOfficeOptions,
): PendingOrder {
  const now = clock.now();
  const ticketId = as<TicketId>(ids.uuid());
  const ticket = ticketFor({ ...seat, price }, { ticketId, orderId, sessionId, issuedAt: now });
  return place({
    facts: {
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
    },
    holdMs,
  });
}

/** Order, money, completion and audit trail: all of it or nothing. */
function write(
  order: PendingOrder,
  who: Principal,
  { database, transitions, takeCash, recordAction, currency }: BoxOfficeOptions,
): Promise<Ticket> {
  return database.transaction(async (tx) => {
    const [ticket] = order.tickets;
    if (!ticket) throw new Error('an order without its ticket');
    await transitions.insert(tx, order);
    await transitions.complete(tx, order);
    if (order.price > 0) await takeCash(tx, order);
    await recordAction(tx, {
      actor: who.userId,
      action: 'ticket.issued',
      about: order,
      ticketId: ticket.ticketId,
      after: {
        seat_id: ticket.seatId,
        seat_label: ticket.seatLabel,
        tier_name: ticket.tierName,
        price: currency.toMajor(ticket.price),
        has_note: ticket.note !== undefined,
      },
    });
    tx.keepAnswer(ticket);
    return ticket;
  });
}
