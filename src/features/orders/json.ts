import type { Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import { unreachable } from '../../kernel/errors.ts';
import type { Announcement, TopicKey } from '../../kernel/events.ts';
import type { SeatId } from '../../kernel/ids.ts';
import type { Currency } from '../../kernel/money.ts';
import { toWireTicket } from '../tickets/index.ts';
import { completedAtOf, type Order, seatsFreedBy, seatsHeldBy } from './order.ts';
import type { OrderSchema } from './schemas.ts';

/** An order as HTTP and Kafka spell it (contract section 1). */
export type WireOrder = Static<typeof OrderSchema>;

/** Port: the tickets of an order for the wire, with the QR codes that its reader may see. */
export interface TicketsForReader {
  toJson(order: Order): Promise<NonNullable<WireOrder['tickets']>>;
}

type SeatStatus = 'LOCKED' | 'AVAILABLE' | 'BOOKED';

const SEATS_HELD_AS = { pending: 'LOCKED', completed: 'BOOKED' } as const satisfies Record<
  Exclude<Order['status'], 'cancelled'>,
  SeatStatus
>;

/**
 * The topic that announces a change of an order (contract section 2). Consumers count a completed order on `orderUpdated`
 * as a new sale, so only the first completion goes there; every later state of an order that has completed before is an
 * amendment or a cancellation. `before` is undefined for a new order.
 */
export function topicFor(before: Order | undefined, after: Order): TopicKey {
  switch (after.status) {
    case 'pending':
      return before ? 'orderUpdated' : 'orderCreated';
    case 'completed':
      return before && completedAtOf(before) !== undefined ? 'orderAmended' : 'orderUpdated';
    case 'cancelled':
      return 'orderCanceled';
    default:
      return unreachable(after);
  }
}

/** Orders as HTTP and Kafka spell them, in one currency. */
export class OrderJson {
  readonly #currency: Currency;

  constructor(currency: Currency) {
    this.#currency = currency;
  }

  /** An order for the wire, its tickets without QR codes. */
  toWire(order: Order): WireOrder {
    const currency = this.#currency;
    return {
      OrderID: order.orderId,
      UserID: order.userId,
      EventID: order.eventId,
      OrganizationID: order.organizationId,
      SessionID: order.sessionId,
      Status: order.status,
      SubTotal: currency.toMajor(order.subtotal),
      DiscountID: order.discount?.id ?? '',
      DiscountCode: order.discount?.code ?? '',
      DiscountAmount: currency.toMajor(order.discountAmount),
      Price: currency.toMajor(order.price),
      CreatedAt: toRfc3339(order.createdAt),
      PaymentIntentID: order.paymentIntentId ?? '',
      tickets: order.tickets.map((ticket) => toWireTicket(ticket, currency)),
    };
  }

  /**
   * The messages that announce a change of an order: the order itself, the seats that it gained or holds in a new state, and
   * the seats that it freed. They are stored in the transaction of the change (I4). `before` is undefined for a new order.
   */
  announcementsOf(before: Order | undefined, after: Order): Announcement[] {
    const wire = this.toWire(after);
    const message =
      after.status === 'cancelled' ? { ...wire, seat_ids: after.tickets.map(({ seatId }) => seatId) } : wire;
    const had = seatsHeldBy(before);
    const has = seatsHeldBy(after);
    const gained = before?.status === after.status ? has.filter((seatId) => !had.includes(seatId)) : has;
    const freed = before ? seatsFreedBy(before, after) : [];
    return [
      { topic: topicFor(before, after), key: after.orderId, value: JSON.stringify(message) },
      ...(after.status === 'cancelled' ? [] : announceSeats(after, gained, SEATS_HELD_AS[after.status])),
      ...announceSeats(after, freed, 'AVAILABLE'),
    ];
  }
}

function announceSeats({ sessionId }: Order, seatIds: readonly SeatId[], status: SeatStatus): Announcement[] {
  if (seatIds.length === 0) return [];
  const message = { session_id: sessionId, seat_ids: seatIds, status };
  return [{ topic: 'seatsStatus', key: sessionId, value: JSON.stringify(message) }];
}
