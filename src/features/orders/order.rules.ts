import { type Instant, later, MS_PER_MINUTE } from '../../kernel/clock.ts';
import { unreachable } from '../../kernel/errors.ts';
import type {
  DiscountId,
  EventId,
  OrderId,
  OrganizationId,
  PaymentIntentId,
  SessionId,
  UserId,
} from '../../kernel/ids.ts';
import { type Money, money, sum } from '../../kernel/money.ts';
import type { Ticket } from '../tickets/ticket.rules.ts';

/**
 * An order's life. Every way in (route, webhook, sweeper, admin) goes through `complete`, `cancel` and `rebook` below.
 *
 * | from      | what happens                                   | to                    | announced as                  |
 * |-----------|------------------------------------------------|-----------------------|-------------------------------|
 * | -         | placed: seats held and priced                  | pending               | order.created, seats LOCKED   |
 * | pending   | checked out at price 0, or its money came      | completed             | order.updated, seats BOOKED   |
 * | pending   | buyer cancels, admin cancels, hold ends        | cancelled (why)       | order.canceled, seats AVAILABLE |
 * | completed | admin cancels; what was paid is given back     | cancelled (admin)     | order.canceled, seats AVAILABLE |
 * | cancelled | money came late, its seats still free          | completed             | order.updated, seats BOOKED   |
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
  /** The newest PaymentIntent, and how many there have been. */
  readonly paymentIntentId: PaymentIntentId | undefined;
  readonly paymentAttempt: number;
  readonly tickets: readonly Ticket[];
}

export type OrderState =
  | { readonly status: 'pending'; readonly expiresAt: Instant }
  | { readonly status: 'completed'; readonly completedAt: Instant }
  | { readonly status: 'cancelled'; readonly cancelledAt: Instant; readonly reason: CancelReason };

/** `unknown` is how the earlier service left its cancelled orders. */
export type CancelReason = 'buyer' | 'expired' | 'payment' | 'refunded' | 'admin' | 'unknown';

export type PendingOrder = Extract<Order, { status: 'pending' }>;

/** A transition the state does not have: nobody's fault, somebody else was first. */
export interface NotPossible {
  readonly outcome: 'not_possible';
  readonly status: Order['status'];
}

export type Transition = { readonly outcome: 'changed'; readonly order: Order } | NotPossible;

/** A pending order becomes completed. */
export function complete(order: Order, at: Instant): Transition {
  if (order.status !== 'pending') return notPossible(order);
  return { outcome: 'changed', order: { ...factsOf(order), status: 'completed', completedAt: at } };
}

/** A pending order is cancelled for any reason; a completed one by an admin only. Its tickets are void from then on. */
export function cancel(order: Order, reason: CancelReason, at: Instant): Transition {
  const allowed = order.status === 'pending' || (order.status === 'completed' && reason === 'admin');
  if (!allowed) return notPossible(order);
  const facts = factsOf(order);
  const tickets = facts.tickets.map((ticket) => ({ ...ticket, voidedAt: ticket.voidedAt ?? at }));
  return { outcome: 'changed', order: { ...facts, tickets, status: 'cancelled', cancelledAt: at, reason } };
}

/** A cancelled order whose money came late takes its seats again. Whether they are free is the database's to say. */
export function rebook(order: Order, at: Instant): Transition {
  if (order.status !== 'cancelled') return notPossible(order);
  const facts = factsOf(order);
  const tickets = facts.tickets.map((ticket) => ({ ...ticket, voidedAt: undefined }));
  return { outcome: 'changed', order: { ...facts, tickets, status: 'completed', completedAt: at } };
}

/** Whether the buyer may still pay: pending, and the hold has not ended. */
export function holdStands(order: Order, now: Instant): boolean {
  return order.status === 'pending' && now < order.expiresAt;
}

/** What is left of the hold in whole minutes, never below 0. */
export function holdMinutesLeft(order: Order, now: Instant): number {
  if (order.status !== 'pending') return 0;
  return Math.max(0, Math.floor((order.expiresAt - now) / MS_PER_MINUTE));
}

export interface NewOrder {
  readonly facts: Omit<OrderFacts, 'paymentIntentId' | 'paymentAttempt' | 'subtotal'>;
  readonly holdMs: number;
}

/** A new pending order; its subtotal is the sum of its tickets (I8). Throws when the price does not add up: a bug. */
export function place({ facts, holdMs }: NewOrder): PendingOrder {
  const subtotal = sum(facts.tickets.map((ticket) => ticket.price));
  if (money(subtotal - facts.discountAmount) !== facts.price) {
    throw new Error(`price ${facts.price} is not ${subtotal} less ${facts.discountAmount}`);
  }
  return {
    ...facts,
    subtotal,
    paymentIntentId: undefined,
    paymentAttempt: 0,
    status: 'pending',
    expiresAt: later(facts.createdAt, holdMs),
  };
}

/** Why an order in this state can be neither paid nor cancelled, in words for its buyer. */
export function whyNotPending(status: Order['status']): string {
  switch (status) {
    case 'pending':
      return 'The hold on the seats has ended; place a new order.';
    case 'completed':
      return 'The order is already completed.';
    case 'cancelled':
      return 'The order is cancelled; place a new one.';
    default:
      return unreachable(status);
  }
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
