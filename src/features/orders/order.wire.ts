import type { Static } from 'typebox';
import { toRfc3339 } from '../../kernel/clock.ts';
import type { Announcement, TopicKey } from '../../kernel/events.ts';
import type { SeatId, SessionId } from '../../kernel/ids.ts';
import { type Currency, toMajor } from '../../kernel/money.ts';
import { toWireTicket } from '../tickets/ticket.wire.ts';
import type { Order } from './order.rules.ts';
import type { OrderSchema } from './order.schemas.ts';

/** An order as HTTP and Kafka spell it (contract section 1). */
export type WireOrder = Static<typeof OrderSchema>;

/** An order for the wire, its tickets without QR codes. */
export function toWireOrder(order: Order, currency: Currency): WireOrder {
  return {
    OrderID: order.orderId,
    UserID: order.userId,
    EventID: order.eventId,
    OrganizationID: order.organizationId,
    SessionID: order.sessionId,
    Status: order.status,
    SubTotal: toMajor(order.subtotal, currency),
    DiscountID: order.discount?.id ?? '',
    DiscountCode: order.discount?.code ?? '',
    DiscountAmount: toMajor(order.discountAmount, currency),
    Price: toMajor(order.price, currency),
    CreatedAt: toRfc3339(order.createdAt),
    PaymentIntentID: order.paymentIntentId ?? '',
    tickets: order.tickets.map((ticket) => toWireTicket(ticket, currency)),
  };
}

type SeatStatus = 'LOCKED' | 'AVAILABLE' | 'BOOKED';

/** What each state an order comes into tells the topics (contract section 2). */
const ANNOUNCED = {
  pending: { topic: 'orderCreated', seats: 'LOCKED' },
  completed: { topic: 'orderUpdated', seats: 'BOOKED' },
  cancelled: { topic: 'orderCanceled', seats: 'AVAILABLE' },
} as const satisfies Record<Order['status'], { topic: TopicKey; seats: SeatStatus }>;

/** The messages that tell of an order's new state; they are stored with the change itself (I4). */
export function announce(order: Order, currency: Currency): Announcement[] {
  const { topic, seats } = ANNOUNCED[order.status];
  const seatIds = order.tickets.map((ticket) => ticket.seatId);
  const wire = toWireOrder(order, currency);
  const message = order.status === 'cancelled' ? { ...wire, seat_ids: seatIds } : wire;
  return [
    { topic, key: order.orderId, value: JSON.stringify(message) },
    ...announceSeats(order.sessionId, seatIds, seats),
  ];
}

/** The messages that tell of an order that stays in its state but has other seats or another price. */
export function announceChange(
  order: Order,
  seats: Partial<Readonly<Record<'locked' | 'booked' | 'freed', readonly SeatId[]>>>,
  currency: Currency,
): Announcement[] {
  return [
    { topic: 'orderUpdated', key: order.orderId, value: JSON.stringify(toWireOrder(order, currency)) },
    ...announceSeats(order.sessionId, seats.locked ?? [], 'LOCKED'),
    ...announceSeats(order.sessionId, seats.booked ?? [], 'BOOKED'),
    ...announceSeats(order.sessionId, seats.freed ?? [], 'AVAILABLE'),
  ];
}

function announceSeats(sessionId: SessionId, seatIds: readonly SeatId[], status: SeatStatus): Announcement[] {
  if (seatIds.length === 0) return [];
  const message = { session_id: sessionId, seat_ids: seatIds, status };
  return [{ topic: 'seatsStatus', key: sessionId, value: JSON.stringify(message) }];
}
