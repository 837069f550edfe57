import { expect } from 'vitest';
import type { EventMessage } from '../../src/kernel/events.ts';
import { TOPICS } from '../support/announced.ts';
import type { Order, Sale } from './sale.ts';

/** One announcement of an order. */
interface Announcement {
  readonly topic: string;
  readonly status: Order['status'];
  readonly price: number;
  readonly seats: readonly string[];
}

const [CREATED, UPDATED, AMENDED, CANCELED, SEATS_STATUS] = TOPICS;
const OF_ORDERS: ReadonlySet<string> = new Set([CREATED, UPDATED, AMENDED, CANCELED]);
/** The states that may be announced after a state. */
const NEXT: Readonly<Record<Order['status'], readonly Order['status'][]>> = {
  pending: ['pending', 'completed', 'cancelled'],
  completed: ['completed', 'cancelled'],
  cancelled: ['completed'],
};

/**
 * The log announced each order’s states in a possible sequence that ends with its current one, and no other order (I4).
 */
export function inOrder(published: readonly EventMessage[], sale: Sale): void {
  const once = [...new Map(published.toReversed().map((message) => [message.eventId, message])).values()];
  const first = once.toReversed();
  const ofOrders = first.filter(({ topic }) => OF_ORDERS.has(topic));
  const byOrder = Map.groupBy(ofOrders, ({ key }) => key);
  expect([...byOrder.keys()].toSorted()).toEqual([...sale.orders.keys()].toSorted());
  for (const [orderId, messages] of byOrder) expectPossibleStates(orderId, messages.map(toAnnouncement), sale);
  seatsAreAnnounced(first, sale);
}

function toAnnouncement({ topic, value }: EventMessage): Announcement {
  const order = JSON.parse(value) as { Status: Order['status']; Price: number; tickets: { seat_id: string }[] };
  const seats = order.tickets.map(({ seat_id: seatId }) => seatId).toSorted();
  return { topic, status: order.Status, price: Math.round(order.Price * 100), seats };
}

function expectPossibleStates(orderId: string, announced: readonly Announcement[], sale: Sale): void {
  const words = `announcements of order ${orderId}: ${announced.map(({ status, topic }) => `${status} on ${topic}`).join(', ')}`;
  for (const [at, { topic, status }] of announced.entries()) {
    const before = announced[at - 1];
    expect(topic, words).toBe(topicOf(status, announced.slice(0, at)));
    if (before) expect(NEXT[before.status], words).toContain(status);
  }
  const order = sale.orders.get(orderId);
  expect(announced.at(-1), words).toMatchObject({ status: order?.status, price: order?.price, seats: order?.seats });
}

/** The topic for an order’s next state: each order is announced on `UPDATED` as completed once in its life. */
function topicOf(status: Order['status'], earlier: readonly Announcement[]): string {
  if (status === 'cancelled') return CANCELED;
  if (status === 'pending') return earlier.length === 0 ? CREATED : UPDATED;
  return earlier.some((each) => each.status === 'completed') ? AMENDED : UPDATED;
}

/** A consumer of the seats’ topic finally knows which are free, held and sold. */
function seatsAreAnnounced(messages: readonly EventMessage[], sale: Sale): void {
  const announced = new Map<string, string>();
  for (const { topic, value } of messages) {
    if (topic !== SEATS_STATUS) continue;
    const { seat_ids: seatIds, status } = JSON.parse(value) as { seat_ids: string[]; status: string };
    for (const seatId of seatIds) announced.set(seatId, status);
  }
  for (const [seatId, status] of announced) {
    const holder = [...sale.orders.values()].find(
      (order) => order.status !== 'cancelled' && order.seats.includes(seatId),
    );
    const expected = holder ? { pending: 'LOCKED', completed: 'BOOKED', cancelled: '' }[holder.status] : 'AVAILABLE';
    expect(status, `announced status of seat ${seatId}`).toBe(expected);
  }
}
