import { type Instant, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import { AppError, unreachable } from '../../kernel/errors.ts';
import type {
  DiscountId,
  EventId,
  OrderId,
  OrganizationId,
  PaymentIntentId,
  SeatId,
  SessionId,
  UserId,
} from '../../kernel/ids.ts';
import { type Money, money, sum } from '../../kernel/money.ts';
import type { PricedSeat } from '../pricing/index.ts';
import type { Ticket } from '../tickets/index.ts';

/**
 * The states of an order. Every transition (by a route, webhook, payment topic, sweeper or administrator) is one of the
 * functions below.
 *
 * | from                | what happens                                   | function   | to                   | announced as                    |
 * |---------------------|------------------------------------------------|------------|----------------------|---------------------------------|
 * | -                   | placed: seats held and priced                  | `place`    | pending              | order.created, seats LOCKED     |
 * | pending             | buyer takes other seats or another discount    | `change`   | pending, same end    | order.updated, seats LOCKED and AVAILABLE |
 * | pending             | checked out or asked to pay at price 0, or its money came | `complete` | completed            | order.updated, seats BOOKED     |
 * | pending             | buyer cancels, admin cancels, hold ends        | `cancel`   | cancelled (why)      | order.canceled, seats AVAILABLE |
 * | completed           | admin cancels; what was paid is refunded       | `cancel`   | cancelled (admin)    | order.canceled, seats AVAILABLE |
 * | completed           | all its money was refunded                     | `cancel`   | cancelled (refunded) | order.canceled, seats AVAILABLE |
 * | completed           | the buyer's bank took the money back           | `cancel`   | cancelled (payment)  | order.canceled, seats AVAILABLE |
 * | completed           | its last ticket is voided, and nothing pays for it | `cancel` | cancelled (organiser) | order.canceled, seats AVAILABLE |
 * | completed           | the money of some of its tickets was refunded | `withdraw` | completed           | order.amended, seats AVAILABLE  |
 * | completed           | an organiser voids a ticket                    | `withdraw` | completed            | order.amended, seats AVAILABLE  |
 * | completed           | an organiser changes a ticket                  | `amend`    | completed            | order.amended, seats BOOKED and AVAILABLE |
 * | completed           | a part of its money was refunded, its tickets stay valid | - | completed           | order.amended                   |
 * | cancelled (expired, payment) | money came late, its seats still free | `rebook`   | completed            | order.updated, seats BOOKED     |
 * | cancelled (payment), completed before | the dispute was won, its seats still free | `rebook` | completed | order.amended, seats BOOKED |
 * | cancelled (expired, payment) | money came late, a seat is sold       | `refundLate` | cancelled (refunded) | -                             |
 */
export type Order = OrderFacts & OrderState;

export interface OrderFacts {
  readonly orderId: OrderId;
  readonly userId: UserId;
  readonly eventId: EventId;
  readonly organizationId: OrganizationId;
  readonly sessionId: SessionId;
  readonly subtotal: Money;
  readonly discount: { readonly id: DiscountId; readonly code: string } | undefined;
  readonly discountAmount: Money;
  readonly price: Money;
  readonly createdAt: Instant;
  /** The newest PaymentIntent; `paymentAttempt` counts all of them. */
  readonly paymentIntentId: PaymentIntentId | undefined;
  readonly paymentAttempt: number;
  readonly tickets: readonly Ticket[];
}

export type OrderState =
  | { readonly status: 'pending'; readonly expiresAt: Instant }
  | { readonly status: 'completed'; readonly completedAt: Instant }
  | {
      readonly status: 'cancelled';
      readonly cancelledAt: Instant;
      readonly reason: CancelReason;
      /** The time at which it completed; undefined when it was cancelled while pending. */
      readonly completedAt: Instant | undefined;
    };

/** `unknown`: the earlier service cancelled the order, and stored no reason. */
export type CancelReason = 'buyer' | 'expired' | 'payment' | 'refunded' | 'admin' | 'organiser' | 'unknown';

export type PendingOrder = Extract<Order, { status: 'pending' }>;

/** An order before and after a transition. */
export interface OrderChange {
  readonly from: Order;
  readonly to: Order;
}

/** The order's state does not allow the transition: another one came first. */
export interface NotPossible {
  readonly outcome: 'not_possible';
  readonly status: Order['status'];
}

export type Transition = { readonly outcome: 'changed'; readonly order: Order } | NotPossible;

/** Completes a pending order. */
export function complete(order: Order, at: Instant): Transition {
  if (order.status !== 'pending') return notPossible(order);
  return { outcome: 'changed', order: { ...factsOf(order), status: 'completed', completedAt: at } };
}

/** The reasons that can cancel a completed order. */
const ENDS_COMPLETED: ReadonlySet<CancelReason> = new Set(['admin', 'organiser', 'refunded', 'payment']);

/** Cancels a pending order for any reason, a completed one for some. Its tickets become void. */
export function cancel(order: Order, reason: CancelReason, at: Instant): Transition {
  const allowed = order.status === 'pending' || (order.status === 'completed' && ENDS_COMPLETED.has(reason));
  if (!allowed) return notPossible(order);
  const facts = factsOf(order);
  const tickets = facts.tickets.map((ticket) => ({ ...ticket, voidedAt: ticket.voidedAt ?? at }));
  const completedAt = completedAtOf(order);
  const cancelled: Order = { ...facts, tickets, status: 'cancelled', cancelledAt: at, reason, completedAt };
  return { outcome: 'changed', order: cancelled };
}

/** The time at which an order last completed, also of an order cancelled since; undefined when it never did. */
export function completedAtOf(order: Order): Instant | undefined {
  return order.status === 'pending' ? undefined : order.completedAt;
}

/** Whether late money may still complete a cancelled order: no person cancelled it. */
export function acceptsLateMoney(order: Order): boolean {
  return order.status === 'cancelled' && (order.reason === 'expired' || order.reason === 'payment');
}

/** Completes a cancelled order whose money came late, with its seats. The database decides whether they are free. */
export function rebook(order: Order, at: Instant): Transition {
  if (!acceptsLateMoney(order)) return notPossible(order);
  const facts = factsOf(order);
  const tickets = facts.tickets.map((ticket) => ({ ...ticket, voidedAt: undefined }));
  return { outcome: 'changed', order: { ...facts, tickets, status: 'completed', completedAt: at } };
}

/** Gives a cancelled order whose money came after its seats were sold the reason `refunded`. */
export function refundLate(order: Order): Transition {
  if (order.status !== 'cancelled' || !acceptsLateMoney(order)) return notPossible(order);
  return { outcome: 'changed', order: { ...order, reason: 'refunded' } };
}

/** Why tickets of a completed order are void: their money was refunded, or an organiser voided them. */
export type WithdrawReason = 'refunded' | 'organiser';

/**
 * Removes tickets from a completed order; its price stays. Only an organiser may remove the last one: the order stays
 * completed, because its money is kept (I2).
 */
export function withdraw(
  order: Order,
  ticketIds: ReadonlySet<Ticket['ticketId']>,
  reason: WithdrawReason = 'refunded',
): Transition {
  if (order.status !== 'completed') return notPossible(order);
  const tickets = order.tickets.filter((ticket) => !ticketIds.has(ticket.ticketId));
  if (tickets.length === 0 && reason === 'refunded') {
    throw new Error(`order ${order.orderId} would be left without a ticket`);
  }
  return { outcome: 'changed', order: { ...order, tickets } };
}

/** Changes the seat, label or note of a ticket of a completed order; its tier and its price stay. */
export function amend(order: Order, ticket: Ticket): Transition {
  if (order.status !== 'completed') return notPossible(order);
  const tickets = order.tickets.map((each) => (each.ticketId === ticket.ticketId ? ticket : each));
  return { outcome: 'changed', order: { ...order, tickets } };
}

/** A change of an order by its buyer; a field that is undefined is not changed. */
export interface ChangeRequest {
  readonly seatIds: readonly SeatId[] | undefined;
  readonly discount: { readonly id: DiscountId | undefined } | undefined;
}

/** How an order's tickets and discount change by a request. */
export interface ChangePlan {
  readonly kept: readonly Ticket[];
  readonly removed: readonly Ticket[];
  readonly addedSeatIds: readonly SeatId[];
  readonly discountId: DiscountId | undefined;
  readonly isDiscountKept: boolean;
  /** The order is already what the request asks for. */
  readonly isEmpty: boolean;
}

export function planChange(order: Order, request: ChangeRequest): ChangePlan {
  const wanted = new Set(request.seatIds ?? order.tickets.map((ticket) => ticket.seatId));
  const held = new Set(order.tickets.map((ticket) => ticket.seatId));
  const removed = order.tickets.filter((ticket) => !wanted.has(ticket.seatId));
  const addedSeatIds = [...wanted].filter((seatId) => !held.has(seatId));
  const discountId = request.discount ? request.discount.id : order.discount?.id;
  const isDiscountKept = discountId === order.discount?.id;
  return {
    kept: order.tickets.filter((ticket) => wanted.has(ticket.seatId)),
    removed,
    addedSeatIds,
    discountId,
    isDiscountKept,
    isEmpty: removed.length === 0 && addedSeatIds.length === 0 && isDiscountKept,
  };
}

/** The terms of an order after a change. */
export interface NewTerms {
  readonly tickets: readonly Ticket[];
  readonly discount: OrderFacts['discount'];
  readonly discountAmount: Money;
  readonly price: Money;
  readonly payment: Pick<OrderFacts, 'paymentIntentId' | 'paymentAttempt'>;
}

/** A pending order with new terms and the same end of its hold. Throws when the price does not add up. */
export function change(order: PendingOrder, terms: NewTerms): PendingOrder {
  const { tickets, discount, discountAmount, price, payment } = terms;
  const { paymentIntentId, paymentAttempt } = payment;
  const changed = { tickets, discount, discountAmount, price, paymentIntentId, paymentAttempt };
  return { ...order, ...changed, subtotal: addUp(terms) };
}

/** The order, which must be pending and held. Throws `order_not_pending`, or `hold_ended` when the hold has ended. */
export function requireHeld(order: Order, now: Instant): PendingOrder {
  if (order.status === 'pending' && now < order.expiresAt) return order;
  throw notPending(order);
}

/** The refusal to pay, change or cancel an order in its state. */
export function notPending({ status }: Pick<Order, 'status'>): AppError {
  switch (status) {
    case 'pending':
      return new AppError('hold_ended', 'The hold on the seats has ended; place a new order.');
    case 'completed':
      return new AppError('order_not_pending', 'The order is already completed.');
    case 'cancelled':
      return new AppError('order_not_pending', 'The order is cancelled; place a new one.');
    default:
      return unreachable(status);
  }
}

/** The refusal after several tries, each of which another request overtook. */
export function orderChanged(): AppError {
  const detail = 'Another request changed the order at the same time. Read the order again, then retry.';
  return new AppError('order_changed', detail);
}

/** The refusal of more seats than a user may hold in pending orders of a session. */
export function tooManySeatsHeld(maxHeldSeats: number): AppError {
  const detail = `You can hold at most ${maxHeldSeats} seats of a session until they are paid. Pay for an order of this session or cancel one, then try again.`;
  return new AppError('too_many_seats_held', detail);
}

/** The refusal while nobody knows whether an order was paid. */
export function paymentUnknown(): AppError {
  const detail = 'Stripe cannot say right now whether the order was paid. Try again shortly.';
  return new AppError('payments_unavailable', detail);
}

/** Minutes left of the hold, rounded up: 0 only when it has ended, because the front end reads 0 as "not known". */
export function holdMinutesLeft(order: Order, now: Instant): number {
  if (order.status !== 'pending') return 0;
  return Math.max(0, Math.ceil((order.expiresAt - now) / MS_PER_MINUTE));
}

/**
 * A new pending order, held for `holdMs`; its subtotal is the sum of its tickets (I8). Throws when the price does not
 * add up: a bug.
 */
export function place(
  facts: Omit<OrderFacts, 'paymentIntentId' | 'paymentAttempt' | 'subtotal'>,
  holdMs: number,
): PendingOrder {
  return {
    ...facts,
    subtotal: addUp(facts),
    paymentIntentId: undefined,
    paymentAttempt: 0,
    status: 'pending',
    expiresAt: later(facts.createdAt, holdMs),
  };
}

/** The sum of the ticket prices. Throws when the order's price is not that sum less the discount. */
function addUp(terms: Pick<OrderFacts, 'tickets' | 'discountAmount' | 'price'>): Money {
  const subtotal = sum(terms.tickets.map((ticket) => ticket.price));
  if (money(subtotal - terms.discountAmount) !== terms.price) {
    throw new Error(`price ${terms.price} is not ${subtotal} less ${terms.discountAmount}`);
  }
  return subtotal;
}

/** A new ticket for a seat at its price. */
export function ticketFor(
  seat: PricedSeat,
  { ticketId, orderId, sessionId, issuedAt }: Pick<Ticket, 'ticketId' | 'orderId' | 'sessionId' | 'issuedAt'>,
): Ticket {
  return {
    ticketId,
    orderId,
    sessionId,
    seatId: seat.seatId,
    seatLabel: seat.label,
    colour: seat.tier.color,
    tierId: seat.tier.id,
    tierName: seat.tier.name,
    price: seat.price,
    issuedAt,
    voidedAt: undefined,
    checkedInAt: undefined,
  };
}

/** The seat of a ticket at the price for which it was sold. */
export function seatOf(ticket: Ticket): PricedSeat {
  return {
    seatId: ticket.seatId,
    label: ticket.seatLabel,
    tier: { id: ticket.tierId, name: ticket.tierName, color: ticket.colour },
    price: ticket.price,
  };
}

/** The seats that an order holds: none when it is cancelled. */
export function seatsHeldBy(order: Order | undefined): SeatId[] {
  if (!order || order.status === 'cancelled') return [];
  return order.tickets.map(({ seatId }) => seatId);
}

/** The seats that an order held before and does not hold after. */
export function seatsFreedBy(from: Order, to: Order): SeatId[] {
  const kept = new Set(seatsHeldBy(to));
  return seatsHeldBy(from).filter((seatId) => !kept.has(seatId));
}

function notPossible(order: Order): NotPossible {
  return { outcome: 'not_possible', status: order.status };
}

function factsOf(order: Order): OrderFacts {
  return {
    orderId: order.orderId,
    userId: order.userId,
    eventId: order.eventId,
    organizationId: order.organizationId,
    sessionId: order.sessionId,
    subtotal: order.subtotal,
    discount: order.discount,
    discountAmount: order.discountAmount,
    price: order.price,
    createdAt: order.createdAt,
    paymentIntentId: order.paymentIntentId,
    paymentAttempt: order.paymentAttempt,
    tickets: order.tickets,
  };
}
