import { AppError } from '../../kernel/errors.ts';
import { as, type OrderId, type TicketId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Core } from '../../platform/core.ts';
import type { Transaction } from '../../platform/postgres/database.ts';
import type { Access } from '../access/index.ts';
import { type Discount, priceOrder, REFUSAL_WORDS } from '../pricing/index.ts';
import type { SeatingServices, SeatRequest } from '../seats/index.ts';
import { lockSeatsHeld } from './held-seats.store.ts';
import { requireRoomFor } from './held-seats.ts';
import type { HoldSeats, Quote } from './hold-seats.ts';
import {
  type ChangePlan,
  type ChangeRequest,
  change,
  type NewTerms,
  type Order,
  orderChanged,
  type PendingOrder,
  paymentUnknown,
  planChange,
  requireHeld,
  seatOf,
  ticketFor,
  tooManySeatsHeld,
} from './order.ts';
import type { OrderBook } from './order-book.ts';
import type { PaymentConclusion, PaymentPreparation } from './payments.ports.ts';

export interface ChangeOrderNeeds {
  readonly access: Access;
  readonly book: OrderBook;
  readonly seats: HoldSeats;
  readonly seating: Pick<SeatingServices, 'discount'>;
  readonly payments: PaymentConclusion & PaymentPreparation;
  /** Most seats that a user holds in pending orders of a session; 0: no limit. */
  readonly maxHeldSeats: number;
}

/** Each further try starts from the order as the other request left it. */
const MAX_CHANGE_ATTEMPTS = 3;

/** Changes the seats or the discount of pending orders. */
export class ChangeOrder {
  readonly #needs: ChangeOrderNeeds;
  readonly #core: Pick<Core, 'database' | 'clock' | 'ids'>;

  constructor(core: Core, needs: ChangeOrderNeeds) {
    this.#core = core;
    this.#needs = needs;
  }

  /**
   * Changes a held order for its buyer and returns it. New seats are held before old ones are freed, and the end of the hold
   * stays the same. When the price changes, the old PaymentIntent cannot be paid any more. Throws `order_not_found`,
   * `forbidden`, `order_not_pending`, `hold_ended`, `too_many_seats_held`, `order_changed`, what placing throws, `order_already_paid`,
   * `payment_refused`, `payments_unavailable`.
   */
  async change(orderId: OrderId, request: ChangeRequest, who: Principal): Promise<Order> {
    for (let attempt = 1; attempt <= MAX_CHANGE_ATTEMPTS; attempt += 1) {
      const found = await this.#needs.book.get(this.#core.database, orderId);
      await this.#needs.access.require('order.change', who, { owner: found.userId, event: found.eventId });
      const order = requireHeld(found, this.#core.clock.now());
      const plan = planChange(order, request);
      if (plan.isEmpty) return order;
      const changed = await this.#changeHolding(order, plan);
      if (changed) return changed;
    }
    throw orderChanged();
  }

  /** Holds the new seats while the change is made; undefined when another request changed the order first. */
  #changeHolding(order: PendingOrder, plan: ChangePlan): Promise<Order | undefined> {
    return this.#needs.seats.around({
      request: {
        ...placeOf(order),
        seatIds: plan.addedSeatIds,
        discountId: plan.isDiscountKept ? undefined : plan.discountId,
      },
      orderId: order.orderId,
      isOfStoredOrder: true,
      inTurnOf: order.userId,
      // A refusal must come before the payment is replaced.
      requireRoom: () => this.#requireRoomBefore(order, plan),
      write: (quote) => this.#write(order, plan, quote),
      heldUntil: (changed) => changed && order.expiresAt,
    });
  }

  async #requireRoomBefore(order: PendingOrder, { kept, addedSeatIds }: ChangePlan): Promise<void> {
    const seats = kept.length + addedSeatIds.length;
    if (seats > order.tickets.length) await requireRoomFor(this.#core, order, seats, this.#needs.maxHeldSeats);
  }

  async #write(order: PendingOrder, plan: ChangePlan, quote: Quote): Promise<Order | undefined> {
    const discount = quote.discount ?? (await this.#termsOfDiscount(order, plan));
    const repriced = this.#reprice(order, plan, { ...quote, discount });
    const isSamePrice = repriced.price === order.price;
    const payment = isSamePrice ? order : await this.#replacePayment(order, repriced);
    return this.#save(order, change(repriced, { ...repriced, payment }), discount?.maxUsage);
  }

  /** The discount that the order will have, for all its seats. */
  async #termsOfDiscount(order: PendingOrder, plan: ChangePlan): Promise<Discount | undefined> {
    const { discountId } = plan;
    if (discountId === undefined) return undefined;
    const seatIds = [...plan.kept.map((ticket) => ticket.seatId), ...plan.addedSeatIds];
    const code = plan.isDiscountKept ? order.discount?.code : undefined;
    const request = await this.#needs.seats.ofCatalogue({ ...placeOf(order), seatIds, discountId });
    const answer = await this.#needs.seating.discount(request, code);
    if (answer.outcome === 'refused') throw new AppError('discount_refused', answer.message);
    return answer.discount;
  }

  /** The order with its new tickets, discount and price; the payment is not changed yet. */
  #reprice(order: PendingOrder, plan: ChangePlan, quote: Quote): PendingOrder {
    const { database, clock, ids } = this.#core;
    const { orderId, sessionId } = order;
    const now = clock.now();
    const added = quote.seats.map((seat) =>
      ticketFor(seat, { ticketId: as<TicketId>(ids.uuid()), orderId, sessionId, issuedAt: now }),
    );
    const tickets = [...plan.kept, ...added];
    const priced = priceOrder({
      seats: tickets.map(seatOf),
      discount: quote.discount && (plan.isDiscountKept ? withoutUseLimit(quote.discount) : quote.discount),
      sessionId,
      now,
      currency: database.currency,
    });
    if (priced.outcome === 'refused') throw new AppError(priced.code, priced.detail);
    const { price, discountAmount } = priced;
    const discount = priced.discount && { id: priced.discount.id, code: priced.discount.code };
    return change(order, { tickets, discount, discountAmount, price, payment: order });
  }

  /**
   * The payment for another price. The next PaymentIntent is created before the old one is closed. So money at the old
   * price has either arrived and completed the order, or it never arrives.
   */
  async #replacePayment(order: PendingOrder, repriced: PendingOrder): Promise<NewTerms['payment']> {
    if (order.paymentIntentId === undefined) return order;
    const next =
      repriced.price > 0
        ? await this.#needs.payments.prepare(repriced)
        : { paymentIntentId: undefined, paymentAttempt: order.paymentAttempt };
    const money = await this.#needs.payments.conclude(order);
    if (money === 'paid') {
      throw new AppError('order_already_paid', 'The order was paid just now and is completed without this change.');
    }
    if (money === 'unknown') throw paymentUnknown();
    return next;
  }

  /** Saves the change under the lock; undefined when the order has changed since the change was planned. */
  #save(order: PendingOrder, next: PendingOrder, maxDiscountUses: number | undefined): Promise<Order | undefined> {
    const { database, clock } = this.#core;
    return database.transaction(async (tx) => {
      const current = requireHeld(await this.#needs.book.getLocked(tx, order.orderId), clock.now());
      if (!isSame(current, order)) return undefined;
      await this.#requireRoom(tx, current, next);
      if (!(await this.#needs.book.change(tx, current, next, maxDiscountUses))) {
        throw new AppError('discount_refused', REFUSAL_WORDS.used_up);
      }
      tx.keepAnswer(next);
      return next;
    });
  }

  /** Counts before the discount is exchanged, in the order of `INSERT_ORDER`, so that the two never wait for each other. */
  async #requireRoom(tx: Transaction, current: PendingOrder, next: PendingOrder): Promise<void> {
    const { maxHeldSeats } = this.#needs;
    const more = next.tickets.length - current.tickets.length;
    if (maxHeldSeats === 0 || more <= 0) return;
    const held = await lockSeatsHeld(tx, current, this.#core.clock.now());
    if (held + more > maxHeldSeats) throw tooManySeatsHeld(maxHeldSeats);
  }
}

function placeOf({
  sessionId,
  eventId,
  organizationId,
}: Order): Pick<SeatRequest, 'sessionId' | 'eventId' | 'organizationId'> {
  return { sessionId, eventId, organizationId };
}

/** The discount without its limit of uses: the order already counts as one use of the discount that it keeps. */
function withoutUseLimit(discount: Discount): Discount {
  return { ...discount, maxUsage: undefined };
}

/** Whether both have the same tickets, discount, price and payment. */
function isSame(a: Order, b: Order): boolean {
  const ticketsOf = (order: Order) =>
    order.tickets
      .map((ticket) => ticket.ticketId)
      .toSorted()
      .join();
  return (
    ticketsOf(a) === ticketsOf(b) &&
    a.discount?.id === b.discount?.id &&
    a.price === b.price &&
    a.paymentIntentId === b.paymentIntentId &&
    a.paymentAttempt === b.paymentAttempt
  );
}
