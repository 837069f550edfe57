import { type Clock, later } from '../../kernel/clock.ts';
import { createBatches } from '../../kernel/concurrency.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, type IdSource, type OrderId, type TicketId, type UserId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Database, Writer } from '../../platform/postgres/database.ts';
import { type Priced, priceOrder, REFUSAL_WORDS } from '../pricing/index.ts';
import type { SeatHolds, SeatingServices, SeatLabels, SeatRequest } from '../seats/index.ts';
import { announcementsOf } from './json.ts';
import { insertOrder, insertOrders, isForEachAlone, type NewOrder } from './new-orders.store.ts';
import { type PendingOrder, place, ticketFor } from './order.ts';
import { quoteHeld, refusalOfTaken } from './quote-seats.ts';
import { isSeatTaken, liveSeats } from './seats.store.ts';

export interface PlacingOptions {
  readonly database: Database;
  readonly holds: SeatHolds;
  readonly seating: SeatingServices;
  readonly labels: SeatLabels;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly currency: Currency;
  readonly holdMs: number;
  /** Most orders that are written by one statement. */
  readonly ordersPerStatement: number;
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
export const PLACING_HOLD_MS = 15_000;

/** More would carry no more, and a statement with fewer orders in it costs more for each. */
const STATEMENTS_UNDER_WAY = 2;

export function createOrderPlacing(options: PlacingOptions): OrderPlacing {
  const { clock, holds, labels } = options;
  const write = createWrite(options);
  return {
    async place(request, userId) {
      const orderId = as<OrderId>(options.ids.uuid());
      const until = later(clock.now(), PLACING_HOLD_MS);
      const hold = await holds.hold(request.sessionId, request.seatIds, orderId, until);
      if (hold.outcome === 'taken') throw await refusalOfTaken(request.sessionId, hold.seatIds, labels);
      try {
        const order = await placeHeld(request, orderId, userId, { ...options, write });
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
  options: PlacingOptions & { readonly write: Write },
): Promise<PendingOrder> {
  const quote = await quoteHeld(request, options);
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
      tickets: quote.seats.map((seat) =>
        ticketFor(seat, {
          ticketId: as<TicketId>(options.ids.uuid()),
          orderId,
          sessionId: request.sessionId,
          issuedAt: now,
        }),
      ),
    },
    holdMs: options.holdMs,
  });
  await options.write(order, priced);
  return order;
}

/** Throws `seats_taken`, `discount_refused`. */
type Write = (order: PendingOrder, priced: Priced) => Promise<void>;

/**
 * One statement, which orders that come together share; with an answer to keep it is one transaction of two. A discount is
 * one row that all who use it wait for, so whoever has one goes alone.
 */
function createWrite({ database, labels, currency, ordersPerStatement }: PlacingOptions): Write {
  const insert = async (executor: Writer, added: NewOrder, maxUses?: number) => {
    if (!(await insertOrder(executor, added, maxUses)))
      throw new AppError('discount_refused', REFUSAL_WORDS.used_up);
  };
  const insertShared = createBatches<NewOrder>(
    { size: ordersPerStatement, underWay: STATEMENTS_UNDER_WAY },
    async (added) => {
      try {
        await insertOrders(database, added);
        return true;
      } catch (error) {
        if (isForEachAlone(error, added.length)) return false;
        throw error;
      }
    },
    (added) => insert(database, added),
  );
  return async (order, priced) => {
    const added = {
      order,
      announcements: announcementsOf(undefined, order, currency),
      traceparent: database.traceparent(),
    };
    const maxUses = priced.discount?.maxUsage;
    try {
      if (database.isKeyed())
        await database.transaction(async (tx) => {
          await insert(tx, added, maxUses);
          tx.keepAnswer(order);
        });
      else if (order.discount || ordersPerStatement === 1) await insert(database, added, maxUses);
      else await insertShared(added);
    } catch (error) {
      if (!isSeatTaken(error)) throw error;
      const seatIds = order.tickets.map((ticket) => ticket.seatId);
      const taken = await liveSeats(database, order.sessionId, seatIds);
      // Freed between the two statements: then which one it was cannot be said, and all of them are worth a new try.
      throw await refusalOfTaken(order.sessionId, taken.length > 0 ? taken : seatIds, labels);
    }
  };
}
