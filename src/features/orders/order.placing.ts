import { type Clock, later } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import {
  as,
  type IdSource,
  type OrderId,
  type SeatId,
  type TicketId,
  type UserId,
} from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database } from '../../platform/postgres/database.ts';
import type { PricedSeat } from '../pricing/discount.rules.ts';
import { type Priced, priceOrder } from '../pricing/pricing.rules.ts';
import type { SeatHolds, SeatingServices, SeatQuote, SeatRequest } from '../seats/seats.ports.ts';
import { type PendingOrder, place } from './order.rules.ts';
import { insertOrder, isSeatTaken, liveSeats } from './order.store.ts';
import { announce } from './order.wire.ts';

export interface PlacingOptions {
  readonly database: Database;
  readonly holds: SeatHolds;
  readonly seating: SeatingServices;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly currency: Currency;
  readonly holdMs: number;
  readonly onCommitted: () => void;
}

/** Places orders (design section 3, "Place"). */
export interface OrderPlacing {
  /**
   * A pending order on all the seats, or none. Throws `seats_taken` with the seats, `seats_refused` in the seating
   * service's words, `discount_refused`, `price_not_chargeable`, `seating_unavailable`.
   */
  place(request: SeatRequest, userId: UserId): Promise<PendingOrder>;
}

/** How long a process that dies between holding and writing keeps others from the seats. */
const PLACING_HOLD_MS = 15_000;

export function createOrderPlacing(options: PlacingOptions): OrderPlacing {
  const { clock, holds } = options;
  return {
    async place(request, userId) {
      const orderId = as<OrderId>(options.ids.uuid());
      const until = later(clock.now(), PLACING_HOLD_MS);
      const hold = await holds.hold(request.sessionId, request.seatIds, orderId, until);
      if (hold.outcome === 'taken') throw seatsTaken(hold.seatIds);
      try {
        const order = await placeHeld(request, orderId, userId, options);
        options.onCommitted();
        // The database has the order: a hold that cannot be extended only makes a later refusal slower.
        await holds
          .extend(request.sessionId, request.seatIds, orderId, order.expiresAt)
          .catch(() => undefined);
        return order;
      } catch (error) {
        await holds.release(request.sessionId, request.seatIds, orderId).catch(() => undefined);
        throw error;
      }
    },
  };
}

async function placeHeld(
  request: SeatRequest,
  orderId: OrderId,
  userId: UserId,
  options: PlacingOptions,
): Promise<PendingOrder> {
  const [quote, agreement] = await Promise.all([
    options.seating.quote(request),
    options.seating.agree(request),
  ]);
  if (quote.outcome === 'refused') throw await refusedBySeating(quote.message, request, options);
  if (agreement.outcome === 'refused') throw await refusedBySeating(agreement.message, request, options);
  const now = options.clock.now();
  const priced = priceOrder({ ...quote, sessionId: request.sessionId, now, currency: options.currency });
  if (priced.outcome === 'refused') throw new AppError(priced.code, priced.detail);
  const order = place({
    facts: {
      orderId,
      userId,
      eventId: request.eventId,
      organizationId: request.organizationId,
      sessionId: request.sessionId,
      discount: priced.discount && { id: priced.discount.id, code: priced.discount.code },
      discountAmount: priced.discountAmount,
      price: priced.price,
      createdAt: now,
      tickets: quote.seats.map((seat) => toTicket(seat, request, orderId, now, options.ids)),
    },
    holdMs: options.holdMs,
  });
  await write(order, priced, options);
  return order;
}

function toTicket(
  seat: PricedSeat,
  { sessionId }: SeatRequest,
  orderId: OrderId,
  now: PendingOrder['createdAt'],
  ids: IdSource,
): PendingOrder['tickets'][number] {
  return {
    ticketId: as<TicketId>(ids.uuid()),
    orderId,
    sessionId,
    seatId: seat.seatId,
    seatLabel: seat.label,
    colour: seat.tier.color,
    tierId: seat.tier.id,
    tierName: seat.tier.name,
    price: seat.price,
    issuedAt: now,
    voidedAt: undefined,
    checkedInAt: undefined,
  };
}

async function write(order: PendingOrder, priced: Priced, options: PlacingOptions): Promise<void> {
  const { database, currency } = options;
  const messages = announce(order, currency);
  try {
    const written = await insertOrder(database, order, messages, priced.discount?.maxUsage, currency);
    if (!written) throw new AppError('discount_refused', 'The discount is used up.');
  } catch (error) {
    if (!isSeatTaken(error)) throw error;
    const seatIds = order.tickets.map((ticket) => ticket.seatId);
    const taken = await liveSeats(database, order.sessionId, seatIds);
    // Freed between the two statements: then which one it was cannot be said, and all of them are worth a new try.
    throw seatsTaken(taken.length > 0 ? taken : seatIds);
  }
}

/** The seating service often knows of a sold seat first; then the buyer is told which, as in every other case. */
async function refusedBySeating(
  message: Extract<SeatQuote, { outcome: 'refused' }>['message'],
  request: SeatRequest,
  { database }: PlacingOptions,
): Promise<AppError> {
  const taken = await liveSeats(database, request.sessionId, request.seatIds);
  return taken.length > 0 ? seatsTaken(taken) : new AppError('seats_refused', message);
}

function seatsTaken(seatIds: readonly SeatId[]): AppError {
  return new AppError('seats_taken', `Already taken: ${seatIds.join(', ')}. Choose other seats.`, {
    seatIds,
  });
}
