import { later } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import type { SeatId, TicketId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { AuditState } from '../audit/index.ts';
import { type Ticket, toWireTicket } from '../tickets/index.ts';
import { refusedParts } from './amending.rules.ts';
import type { AmendWish, BoxOfficeOptions } from './box-office.service.ts';
import type { Order } from './order.ts';
import { PLACING_HOLD_MS } from './place-order.ts';
import { quoteHeld, refusalOfTaken } from './quote-seats.ts';
import { isSeatTaken } from './seats.store.ts';

/** Enough to see what is wrong; a body may name thousands. */
const MAX_FIELDS = 20;

/** Changes a ticket of an order for somebody who may; a new seat is held and quoted before the old one goes. */
export async function amendTicketOf(
  order: Order,
  ticketId: TicketId,
  wish: AmendWish,
  who: Principal,
  options: BoxOfficeOptions,
): Promise<Ticket> {
  const ticket = liveTicket(order, ticketId);
  refuseOtherParts(ticket, wish, options);
  const { seatId } = wish;
  if (seatId === undefined || seatId === ticket.seatId) {
    return save(order, ticket, worded(ticket, wish), who, options);
  }
  const { sessionId, orderId } = order;
  const { holds, labels, clock } = options;
  const hold = await holds.hold(sessionId, [seatId], orderId, later(clock.now(), PLACING_HOLD_MS));
  if (hold.outcome === 'taken') throw await refusalOfTaken(sessionId, hold.seatIds, labels);
  try {
    const seated = await withSeat(order, ticket, seatId, options);
    return await save(order, ticket, worded(seated, wish), who, options);
  } catch (error) {
    await holds.release(sessionId, [seatId], orderId).catch(() => undefined);
    throw isSeatTaken(error) ? await refusalOfTaken(sessionId, [seatId], labels) : error;
  }
}

function refuseOtherParts(ticket: Ticket, { rest }: AmendWish, { currency }: BoxOfficeOptions): void {
  const fields = refusedParts(rest, { ...toWireTicket(ticket, currency) });
  if (fields.length === 0) return;
  const shown = fields.slice(0, MAX_FIELDS);
  const detail = shown.map(({ field, reason }) => `${field}: ${reason}`).join('; ');
  throw new AppError('invalid_request', detail, { fields: shown });
}

function liveTicket(order: Order, ticketId: TicketId): Ticket {
  if (order.status === 'pending') {
    throw new AppError(
      'ticket_change_refused',
      'The ticket is not paid yet: its buyer may still change the order.',
    );
  }
  const ticket = order.tickets.find((each) => each.ticketId === ticketId);
  if (order.status === 'completed' && ticket) return ticket;
  throw new AppError('ticket_change_refused', 'The ticket is void. Issue another one.');
}

/** The ticket on another seat, when both seating services agree and the tier is its own. */
async function withSeat(
  { sessionId, eventId, organizationId }: Order,
  ticket: Ticket,
  seatId: SeatId,
  options: BoxOfficeOptions,
): Promise<Ticket> {
  const request = { sessionId, eventId, organizationId, seatIds: [seatId], discountId: undefined };
  const [seat] = (await quoteHeld(request, options)).seats;
  if (!seat) throw new Error('a quote without its seat');
  if (seat.tier.id !== ticket.tierId) {
    const detail = `Seat ${seat.label} is of tier ${seat.tier.name}; a ticket stays in ${ticket.tierName}. Void it and issue another one.`;
    throw new AppError('ticket_change_refused', detail);
  }
  return { ...ticket, seatId, seatLabel: seat.label };
}

function worded(ticket: Ticket, { seatLabel, note }: AmendWish): Ticket {
  return {
    ...ticket,
    seatLabel: seatLabel ?? ticket.seatLabel,
    note: note === undefined ? ticket.note : note || undefined,
  };
}

/** Saves under the lock, if the ticket still is what the change was worked out for. */
async function save(
  order: Order,
  from: Ticket,
  to: Ticket,
  who: Principal,
  { database, transitions, recordAction }: BoxOfficeOptions,
): Promise<Ticket> {
  const changes = changesOf(from, to);
  await database.transaction(async (tx) => {
    const locked = await transitions.lock(tx, order.orderId);
    const current = locked && liveTicket(locked, from.ticketId);
    if (!locked || !current || changesOf(from, current)) {
      throw new AppError('order_changed', 'Another request changed the ticket meanwhile. Look at it again.');
    }
    if (changes) {
      await transitions.amend(tx, locked, { ...to, checkedInAt: current.checkedInAt });
      const { ticketId } = from;
      await recordAction(tx, {
        actor: who.userId,
        action: 'ticket.changed',
        about: order,
        ticketId,
        ...changes,
      });
    }
    tx.keepAnswer(to);
  });
  return to;
}

/** What differs between two states of a ticket, for the trail; undefined when nothing does. */
function changesOf(
  from: Ticket,
  to: Ticket,
): { readonly before: AuditState; readonly after: AuditState } | undefined {
  const isMoved = from.seatId !== to.seatId;
  const isRelabelled = from.seatLabel !== to.seatLabel;
  const hasOtherNote = from.note !== to.note;
  if (!isMoved && !isRelabelled && !hasOtherNote) return undefined;
  const state = (ticket: Ticket): AuditState => ({
    ...(isMoved ? { seat_id: ticket.seatId } : {}),
    ...(isRelabelled ? { seat_label: ticket.seatLabel } : {}),
    ...(hasOtherNote ? { has_note: ticket.note !== undefined } : {}),
  });
  // What a note says is not for the trail, which cannot be erased.
  return { before: state(from), after: { ...state(to), ...(hasOtherNote ? { is_note_new: true } : {}) } };
}
