import { expect } from 'vitest';
import type { EventMessage } from '../../src/kernel/events.ts';
import type { Order, Sale } from './sale.ts';

/** What consumers were told of an order. */
interface Told {
  readonly topic: string;
  readonly status: Order['status'];
  readonly price: number;
  readonly seats: readonly string[];
}

const CREATED = 'ticketly.order.created';
const UPDATED = 'ticketly.order.updated';
const AMENDED = 'ticketly.order.amended';
const CANCELED = 'ticketly.order.canceled';
const SEATS_STATUS = 'ticketly.seats.status';
const OF_ORDERS: ReadonlySet<string> = new Set([CREATED, UPDATED, AMENDED, CANCELED]);
/** The states that may be told of after a state. */
const NEXT: Readonly<Record<Order['status'], readonly Order['status'][]>> = {
  pending: ['pending', 'completed', 'cancelled'],
  completed: ['completed', 'cancelled'],
  cancelled: ['completed'],
};

/** The log told each order's states in an order they can have, the last one as it is; and of no other order (I4). */
export function inOrder(published: readonly EventMessage[], sale: Sale): void {
  const once = [...new Map(published.toReversed().map((message) => [message.eventId, message])).values()];
  const first = once.toReversed();
  const ofOrders = first.filter(({ topic }) => OF_ORDERS.has(topic));
  const byOrder = Map.groupBy(ofOrders, ({ key }) => key);
  expect([...byOrder.keys()].toSorted()).toEqual([...sale.orders.keys()].toSorted());
  for (const [orderId, messages] of byOrder) isALife(orderId, messages.map(toTold), sale);
  seatsAreAsTold(first, sale);
}

function toTold({ topic, value }: EventMessage): Told {
  const order = JSON.parse(value) as {
    Status: Order['status'];
    Price: number;
    tickets: { seat_id: string }[];
  };
  const seats = order.tickets.map(({ seat_id: seatId }) => seatId).toSorted();
  return { topic, status: order.Status, price: Math.round(order.Price * 100), seats };
}

function isALife(orderId: string, told: readonly Told[], sale: Sale): void {
  const words = `order ${orderId} as it was told: ${told.map(({ status, topic }) => `${status} on ${topic}`).join(', ')}`;
  for (const [at, { topic, status }] of told.entries()) {
    const before = told[at - 1];
    expect(topic, words).toBe(topicOf(status, told.slice(0, at)));
    if (before) expect(NEXT[before.status], words).toContain(status);
  }
  const order = sale.orders.get(orderId);
  const last = told.at(-1);
  expect({ status: last?.status, price: last?.price, seats: last?.seats }, words).toEqual({
    status: order?.status,
    price: order?.price,
    seats: order?.seats,
  });
}

/** The topic for an order's next state: each order is announced on `UPDATED` as completed once in its life. */
function topicOf(status: Order['status'], earlier: readonly Told[]): string {
  if (status === 'cancelled') return CANCELED;
  if (status === 'pending') return earlier.length === 0 ? CREATED : UPDATED;
  return earlier.some((each) => each.status === 'completed') ? AMENDED : UPDATED;
}

/** Whoever listens to the seats knows in the end which are free, held and sold. */
function seatsAreAsTold(messages: readonly EventMessage[], sale: Sale): void {
  const told = new Map<string, string>();
  for (const { topic, value } of messages) {
    if (topic !== SEATS_STATUS) continue;
    const { seat_ids: seatIds, status } = JSON.parse(value) as { seat_ids: string[]; status: string };
    for (const seatId of seatIds) told.set(seatId, status);
  }
  for (const [seatId, status] of told) {
    const holder = [...sale.orders.values()].find(
      (order) => order.status !== 'cancelled' && order.seats.includes(seatId),
    );
    const expected = holder
      ? { pending: 'LOCKED', completed: 'BOOKED', cancelled: '' }[holder.status]
      : 'AVAILABLE';
    expect(status, `seat ${seatId} as it was told`).toBe(expected);
  }
}
