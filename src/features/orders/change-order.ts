import { type Clock, type Instant, later } from '../../kernel/clock.ts';
import { AppError } from '../../kernel/errors.ts';
import { as, type IdSource, type OrderId, type TicketId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Database } from '../../platform/postgres/database.ts';
import { type Discount, priceOrder, REFUSAL_WORDS } from '../pricing/index.ts';
import type { SeatHolds, SeatingServices, SeatLabels, SeatRequest } from '../seats/index.ts';
import { mayChange } from './order.access.rules.ts';
import {
  type ChangePlan,
  change,
  holdStands,
  type NewTerms,
  type Order,
  type OrderWish,
  type PendingOrder,
  planChange,
  seatOf,
  ticketFor,
  whyNotPending,
} from './order.ts';
import type { OrderBook } from './order-book.ts';
import { findOrder } from './orders.store.ts';
import type { PaymentConclusion, PaymentPreparation } from './payments.ports.ts';
import { PLACING_HOLD_MS } from './place-order.ts';
import { type Quote, quoteHeld, refusalOfTaken, termsOfDiscount } from './quote-seats.ts';
import { isSeatTaken, liveSeats } from './seats.store.ts';

export interface ChangingOptions {
  readonly database: Database;
  readonly holds: SeatHolds;
  readonly seating: SeatingServices;
  readonly labels: SeatLabels;
  readonly transitions: OrderBook;
  readonly payments: PaymentConclusion & PaymentPreparation;
  readonly clock: Clock;
  readonly ids: IdSource;
  readonly currency: Currency;
}

export interface OrderChanging {
  /**
   * The order with other seats or another discount, or unchanged: new seats are held before old ones go, the hold's
   * end stays, and the old PaymentIntent can no longer be paid when the price is another. Throws `order_not_found`,
   * `forbidden`, `order_not_pending`, `hold_ended`, `order_changed`, what placing throws, `order_already_paid`,
   * `payment_refused`, `payments_unavailable`.
   */
  change(orderId: OrderId, wish: OrderWish, who: Principal): Promise<Order>;
}

/** Each further try starts from what the other request made of the order. */
const MAX_CHANGE_ATTEMPTS = 3;

export function createOrderChanging(options: ChangingOptions): OrderChanging {
  const { database, clock } = options;

  async function loadOwn(orderId: OrderId, who: Principal): Promise<PendingOrder> {
    const order = await findOrder(database, orderId);
    if (!order) throw new AppError('order_not_found', 'There is no order with this id.');
    if (!mayChange(order, who)) throw new AppError('forbidden', 'This order is not yours.');
    return pendingOrFail(order, clock.now());
  }

  return {
    async change(orderId, wish, who) {
      for (let attempt = 1; attempt <= MAX_CHANGE_ATTEMPTS; attempt += 1) {
        const order = await loadOwn(orderId, who);
        const plan = planChange(order, wish);
        if (plan.isEmpty) return order;
        const changed = await changeHeld(order, plan, options);
        if (changed) return changed;
      }
      throw new AppError('order_changed', 'Another request changed the order meanwhile. Look at it again.');
    },
  };
}

/** Holds the new seats while the change is made; undefined when the order was another one by then. */
async function changeHeld(
  order: PendingOrder,
  plan: ChangePlan,
  options: ChangingOptions,
): Promise<Order | undefined> {
  const { holds, labels, clock } = options;
  const { sessionId, orderId } = order;
  const added = plan.addedSeatIds;
  const until = later(clock.now(), PLACING_HOLD_MS);
  const hold = added.length > 0 && (await holds.hold(sessionId, added, orderId, until));
  if (hold && hold.outcome === 'taken') throw await refusalOfTaken(sessionId, hold.seatIds, labels);
  let changed: Order | undefined;
  try {
    changed = await changeTerms(order, plan, options);
  } finally {
    // The database has decided: a hold that is not as it should be makes an answer slower, not wrong.
    const settled = changed
      ? holds.extend(sessionId, added, orderId, order.expiresAt)
      : holds.release(sessionId, added, orderId);
    await settled.catch(() => undefined);
  }
  return changed;
}

async function changeTerms(
  order: PendingOrder,
  plan: ChangePlan,
  options: ChangingOptions,
): Promise<Order | undefined> {
  const quote = await quoteChange(order, plan, options);
  const repriced = reprice(order, plan, quote, options);
  const isSamePrice = repriced.price === order.price;
  const payment = isSamePrice ? order : await replacePayment(order, repriced, options.payments);
  const next = change(repriced, { ...repriced, payment });
  return save(order, next, quote.discount?.maxUsage, options);
}

/** What the new seats cost, and the terms of the discount for all of them. */
async function quoteChange(order: PendingOrder, plan: ChangePlan, options: ChangingOptions): Promise<Quote> {
  const request = (seatIds: SeatRequest['seatIds']) => ({
    sessionId: order.sessionId,
    eventId: order.eventId,
    organizationId: order.organizationId,
    seatIds,
  });
  const { discountId } = plan;
  const isNew = !plan.isDiscountKept && discountId !== undefined;
  const seats =
    plan.addedSeatIds.length === 0
      ? { seats: [], discount: undefined }
      : await quoteHeld(
          { ...request(plan.addedSeatIds), discountId: isNew ? discountId : undefined },
          options,
        );
  if (discountId === undefined || seats.discount) return seats;
  const all = [...plan.kept.map((ticket) => ticket.seatId), ...plan.addedSeatIds];
  const code = plan.isDiscountKept ? order.discount?.code : undefined;
  return {
    seats: seats.seats,
    discount: await termsOfDiscount({ ...request(all), discountId }, code, options),
  };
}

/** The order with its new tickets at their price, its payment as it was. */
function reprice(
  order: PendingOrder,
  plan: ChangePlan,
  quote: Quote,
  { clock, ids, currency }: ChangingOptions,
): PendingOrder {
  const now = clock.now();
  const added = quote.seats.map((seat) =>
    ticketFor(seat, {
      ticketId: as<TicketId>(ids.uuid()),
      orderId: order.orderId,
      sessionId: order.sessionId,
      issuedAt: now,
    }),
  );
  const tickets = [...plan.kept, ...added];
  const priced = priceOrder({
    seats: tickets.map(seatOf),
    discount: quote.discount && (plan.isDiscountKept ? withOwnUse(quote.discount) : quote.discount),
    sessionId: order.sessionId,
    now,
    currency,
  });
  if (priced.outcome === 'refused') throw new AppError(priced.code, priced.detail);
  const { price, discountAmount } = priced;
  const discount = priced.discount && { id: priced.discount.id, code: priced.discount.code };
  return change(order, { tickets, discount, discountAmount, price, payment: order });
}

/** The order counts as one use of the discount it has: that use is not one too many. */
function withOwnUse(discount: Discount): Discount {
  return { ...discount, maxUsage: undefined };
}

/**
 * The payment for another price: the next PaymentIntent is made first, then the old one can no longer be paid. So
 * money at the old price either came before, and the order is completed by it, or never comes.
 */
async function replacePayment(
  order: PendingOrder,
  repriced: PendingOrder,
  payments: ChangingOptions['payments'],
): Promise<NewTerms['payment']> {
  if (order.paymentIntentId === undefined) return order;
  const next =
    repriced.price > 0
      ? await payments.prepare(repriced)
      : { paymentIntentId: undefined, paymentAttempt: order.paymentAttempt };
  const money = await payments.conclude(order);
  if (money === 'paid') {
    throw new AppError('order_already_paid', 'The order was paid just now and is completed as it was.');
  }
  if (money === 'unknown') {
    throw new AppError(
      'payments_unavailable',
      'Whether the order was paid cannot be known right now. Try again shortly.',
    );
  }
  return next;
}

/** Saves under the lock what was worked out before it; undefined when the order is no longer what that was for. */
async function save(
  order: PendingOrder,
  next: PendingOrder,
  maxDiscountUses: number | undefined,
  { database, labels, transitions, clock }: ChangingOptions,
): Promise<Order | undefined> {
  try {
    return await database.transaction(async (tx) => {
      const locked = await transitions.lock(tx, order.orderId);
      if (!locked) throw new Error(`order ${order.orderId} is gone`);
      const current = pendingOrFail(locked, clock.now());
      if (!isSame(current, order)) return undefined;
      if (!(await transitions.change(tx, current, next, maxDiscountUses))) {
        throw new AppError('discount_refused', REFUSAL_WORDS.used_up);
      }
      tx.keepAnswer(next);
      return next;
    });
  } catch (error) {
    if (!isSeatTaken(error)) throw error;
    const added = next.tickets.filter((ticket) => !order.tickets.includes(ticket)).map((each) => each.seatId);
    const taken = await liveSeats(database, order.sessionId, added);
    throw await refusalOfTaken(order.sessionId, taken.length > 0 ? taken : added, labels);
  }
}

function pendingOrFail(order: Order, now: Instant): PendingOrder {
  if (order.status === 'pending' && holdStands(order, now)) return order;
  const code = order.status === 'pending' ? 'hold_ended' : 'order_not_pending';
  throw new AppError(code, whyNotPending(order.status));
}

/** Whether nothing that a change starts from is another thing now. */
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
