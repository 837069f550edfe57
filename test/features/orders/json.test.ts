import { describe, expect, test } from 'vitest';
import { OrderJson, topicFor } from '../../../src/features/orders/json.ts';
import {
  amend,
  cancel,
  complete,
  type Order,
  type PendingOrder,
  place,
  rebook,
  type Transition,
  withdraw,
} from '../../../src/features/orders/order.ts';
import type { Ticket } from '../../../src/features/tickets/ticket.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { Currency, money } from '../../../src/kernel/money.ts';

const AT = instant(1_000_000);
const lkr = new Currency('lkr');

function ticket(seat: string): Ticket {
  return {
    ticketId: as<Ticket['ticketId']>(`ticket ${seat}`),
    orderId: as<Ticket['orderId']>('order'),
    sessionId: as<Ticket['sessionId']>('session'),
    seatId: as<Ticket['seatId']>(seat),
    seatLabel: seat,
    colour: '#fff',
    tierId: as<Ticket['tierId']>('tier'),
    tierName: 'VIP',
    price: money(100),
    issuedAt: AT,
    voidedAt: undefined,
    checkedInAt: undefined,
  };
}

function pending(...seats: string[]): PendingOrder {
  return place({
    facts: {
      orderId: as<Order['orderId']>('order'),
      userId: as<Order['userId']>('user'),
      eventId: as<Order['eventId']>('event'),
      organizationId: as<Order['organizationId']>('organization'),
      sessionId: as<Order['sessionId']>('session'),
      discount: undefined,
      discountAmount: money(0),
      price: money(100 * seats.length),
      createdAt: AT,
      tickets: seats.map(ticket),
    },
    holdMs: 300_000,
  });
}

function changed(transition: Transition): Order {
  if (transition.outcome === 'not_possible') throw new Error(`not possible from ${transition.status}`);
  return transition.order;
}

const placed = pending('A1', 'A2');
const sold = changed(complete(placed, AT));
const oneLeft = changed(withdraw(sold, new Set([ticket('A1').ticketId])));
const expired = changed(cancel(placed, 'expired', AT));
const disputed = changed(cancel(sold, 'payment', AT));
const won = changed(rebook(disputed, AT));
const moved = changed(amend(sold, { ...ticket('A3'), ticketId: ticket('A1').ticketId }));

/** Each step of an order's life, with the messages that announce it. */
const STEPS: readonly (readonly [string, Order | undefined, Order, string, readonly string[]])[] = [
  ['a new order', undefined, placed, 'orderCreated', ['LOCKED A1,A2']],
  ['a changed pending order', placed, pending('A2', 'A3'), 'orderUpdated', ['LOCKED A3', 'AVAILABLE A1']],
  ['a completion', placed, sold, 'orderUpdated', ['BOOKED A1,A2']],
  ['a voided ticket', sold, oneLeft, 'orderAmended', ['AVAILABLE A1']],
  ['a moved ticket', sold, moved, 'orderAmended', ['BOOKED A3', 'AVAILABLE A1']],
  ['a part refund', sold, sold, 'orderAmended', []],
  ['the end of a hold', placed, expired, 'orderCanceled', ['AVAILABLE A1,A2']],
  [
    'the end of a completed order',
    oneLeft,
    changed(cancel(oneLeft, 'admin', AT)),
    'orderCanceled',
    ['AVAILABLE A2'],
  ],
  [
    'late money, the first completion',
    expired,
    changed(rebook(expired, AT)),
    'orderUpdated',
    ['BOOKED A1,A2'],
  ],
  ['a dispute', sold, disputed, 'orderCanceled', ['AVAILABLE A1,A2']],
  ['a dispute that was won, the second completion', disputed, won, 'orderAmended', ['BOOKED A1,A2']],
  ['a second dispute', won, changed(cancel(won, 'payment', AT)), 'orderCanceled', ['AVAILABLE A1,A2']],
];

describe('ticketly.order.amended: the topic for what became of an order', () => {
  test.each(STEPS)('it announces %s', (_name, before, after, topic, seats) => {
    expect(topicFor(before, after)).toBe(topic);
    const [first, ...others] = new OrderJson(lkr).announcementsOf(before, after);
    expect(first).toMatchObject({ topic, key: 'order' });
    const told = JSON.parse(first?.value ?? '');
    expect(told.tickets.map(({ seat_id }: { seat_id: string }) => seat_id)).toEqual(
      after.tickets.map(({ seatId }) => seatId),
    );
    expect('seat_ids' in told).toBe(after.status === 'cancelled');
    expect(
      others.map(({ topic: of, key, value }) => {
        expect([of, key]).toEqual(['seatsStatus', 'session']);
        const { session_id, seat_ids, status } = JSON.parse(value);
        expect(session_id).toBe('session');
        return `${status} ${seat_ids}`;
      }),
    ).toEqual(seats);
  });

  test('it announces one completion of an order whatever else happens to it', () => {
    const life: Order[] = [placed, expired];
    const rebooked = changed(rebook(expired, AT));
    const again = changed(cancel(rebooked, 'payment', AT));
    life.push(
      rebooked,
      again,
      changed(rebook(again, AT)),
      changed(cancel(changed(rebook(again, AT)), 'payment', AT)),
    );
    const topics = life.map((order, at) => topicFor(life[at - 1], order));
    expect(topics).toEqual([
      'orderCreated',
      'orderCanceled',
      'orderUpdated',
      'orderCanceled',
      'orderAmended',
      'orderCanceled',
    ]);
  });
});
