import { complete, type Order, type PendingOrder, place, type Transition } from '../../src/features/orders/order.ts';
import type { Discount, DiscountTerms } from '../../src/features/pricing/discount.ts';
import type { Ticket } from '../../src/features/tickets/index.ts';
import { type Instant, instant } from '../../src/kernel/clock.ts';
import { as } from '../../src/kernel/ids.ts';
import { money } from '../../src/kernel/money.ts';

/** When the orders of these tests are placed and their tickets issued. */
export const BUILT_AT: Instant = instant(1_000_000);

/** A valid ticket for a seat that costs 1.00, except for `changes`. */
export function builtTicket(seat: string, changes: Partial<Ticket> = {}): Ticket {
  return {
    ticketId: as<Ticket['ticketId']>(`ticket-${seat}`),
    orderId: as<Ticket['orderId']>('order'),
    sessionId: as<Ticket['sessionId']>('session'),
    seatId: as<Ticket['seatId']>(seat),
    seatLabel: seat,
    colour: '#fff',
    tierId: as<Ticket['tierId']>('tier'),
    tierName: 'VIP',
    price: money(100),
    issuedAt: BUILT_AT,
    voidedAt: undefined,
    checkedInAt: undefined,
    ...changes,
  };
}

export interface OrderParts {
  readonly orderId?: string;
  readonly tickets?: readonly Ticket[];
  readonly discountAmount?: number;
  /** Minor units; by default the sum of the tickets minus the discount. */
  readonly price?: number;
}

/** A pending order of one seat, except for the given parts. */
export function pendingOrder({
  orderId = 'order',
  tickets = [builtTicket('A1')],
  discountAmount = 0,
  price = tickets.reduce((sum, ticket) => sum + ticket.price, 0) - discountAmount,
}: OrderParts = {}): PendingOrder {
  return place(
    {
      orderId: as<Order['orderId']>(orderId),
      userId: as<Order['userId']>('user'),
      eventId: as<Order['eventId']>('event'),
      organizationId: as<Order['organizationId']>('organization'),
      sessionId: as<Order['sessionId']>('session'),
      discount: undefined,
      discountAmount: money(discountAmount),
      price: money(price),
      createdAt: BUILT_AT,
      tickets,
    },
    300_000,
  );
}

/** The same order, completed. */
export const completedOrder = (parts: OrderParts = {}, at = BUILT_AT): Order =>
  orderAfter(complete(pendingOrder(parts), at));

/** The order that a transition leads to; fails when it was not possible. */
export function orderAfter(transition: Transition): Order {
  if (transition.outcome === 'not_possible') throw new Error(`not possible from ${transition.status}`);
  return transition.order;
}

/** A discount that is valid for everything, except for the given changes. */
export function builtDiscount(terms: DiscountTerms, changes: Partial<Discount> = {}): Discount {
  return {
    id: as<Discount['id']>('discount'),
    code: 'CODE',
    terms,
    activeFrom: undefined,
    expiresAt: undefined,
    maxUsage: undefined,
    currentUsage: 0,
    applicableTiers: [],
    applicableSessions: [],
    active: true,
    ...changes,
  };
}
