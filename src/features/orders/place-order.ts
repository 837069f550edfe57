import { AppError, type ErrorTable } from '../../kernel/errors.ts';
import { as, type OrderId, type TicketId, type UserId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import { type Access, accessErrors } from '../access/index.ts';
import { priceOrder, pricingErrors } from '../pricing/index.ts';
import { type SeatRequest, seatErrors } from '../seats/index.ts';
import { orderErrors } from './errors.ts';
import { requireRoomFor } from './held-seats.ts';
import type { HoldSeats, Quote } from './hold-seats.ts';
import { type PendingOrder, place, ticketFor } from './order.ts';
import { WriteOrders, type WriteOrdersLimits } from './write-orders.ts';

/** Errors that the request causes; any other error is a failure of the service. */
const REFUSALS: ErrorTable = { ...accessErrors, ...seatErrors, ...pricingErrors, ...orderErrors };

export interface PlaceOrderNeeds extends WriteOrdersLimits {
  readonly access: Access;
  readonly seats: HoldSeats;
  /** How long a new order's seats are held. */
  readonly holdMs: number;
}

/** Places orders. */
export class PlaceOrder {
  readonly #core: Pick<Core, 'database' | 'clock' | 'ids' | 'metrics'>;
  readonly #needs: PlaceOrderNeeds;
  readonly #orders: WriteOrders;

  constructor(core: Core, needs: PlaceOrderNeeds) {
    this.#core = core;
    this.#needs = needs;
    this.#orders = new WriteOrders(core.database, needs);
  }

  /**
   * Places a pending order for all the seats. Throws `seats_taken` with the seats, `seats_refused` in the seating
   * service's words, `discount_refused`, `price_not_chargeable`, `too_many_seats_held`, `session_mismatch`,
   * `seating_unavailable`.
   */
  async place(request: SeatRequest, who: Principal): Promise<PendingOrder> {
    const { access, seats, maxHeldSeats } = this.#needs;
    const { ids, metrics } = this.#core;
    await access.require('order.place', who);
    const orderId = as<OrderId>(ids.uuid());
    const added = { orderId, userId: who.userId, sessionId: request.sessionId };
    try {
      const order = await seats.around({
        request,
        orderId,
        requireRoom: () => requireRoomFor(this.#core, added, request.seatIds.length, maxHeldSeats),
        write: (quote) => this.#write(request, quote, orderId, who.userId),
        heldUntil: ({ expiresAt }) => expiresAt,
      });
      metrics.order('placed');
      return order;
    } catch (error) {
      const isRefusal = error instanceof AppError && REFUSALS[error.code]?.retry === false;
      metrics.order(isRefusal ? 'refused' : 'failed');
      throw error;
    }
  }

  async #write(
    { sessionId, eventId, organizationId }: SeatRequest,
    quote: Quote,
    orderId: OrderId,
    userId: UserId,
  ): Promise<PendingOrder> {
    const { database, clock, ids } = this.#core;
    const now = clock.now();
    const priced = priceOrder({ ...quote, sessionId, now, currency: database.currency });
    if (priced.outcome === 'refused') throw new AppError(priced.code, priced.detail);
    const { discount, discountAmount, price } = priced;
    const facts = {
      orderId,
      userId,
      eventId,
      organizationId,
      sessionId,
      discount: discount && { id: discount.id, code: discount.code },
      discountAmount,
      price,
      createdAt: now,
      tickets: quote.seats.map((seat) =>
        ticketFor(seat, { ticketId: as<TicketId>(ids.uuid()), orderId, sessionId, issuedAt: now }),
      ),
    };
    const order = place(facts, this.#needs.holdMs);
    await this.#orders.write(order, discount?.maxUsage);
    return order;
  }
}
