import { describe, expect, test } from 'vitest';
import { OrderJson, topicFor } from '../../../src/features/orders/json.ts';
import { amend, cancel, type Order, rebook, withdraw } from '../../../src/features/orders/order.ts';
import { Currency } from '../../../src/kernel/money.ts';

import { BUILT_AT, builtTicket, completedOrder, orderAfter, pendingOrder } from '../../support/built-orders.ts';

const AT = BUILT_AT;
const lkr = new Currency('lkr');
const ofSeats = (...seats: string[]) => ({ tickets: seats.map((seat) => builtTicket(seat)) });

const placed = pendingOrder(ofSeats('A1', 'A2'));
const sold = completedOrder(ofSeats('A1', 'A2'));
const oneLeft = orderAfter(withdraw(sold, new Set([builtTicket('A1').ticketId])));
const expired = orderAfter(cancel(placed, 'expired', AT));
const disputed = orderAfter(cancel(sold, 'payment', AT));
const won = orderAfter(rebook(disputed, AT));
const moved = orderAfter(amend(sold, builtTicket('A3', { ticketId: builtTicket('A1').ticketId })));

/** Each step of an order’s life, with the messages that announce it. */
const STEPS: readonly (readonly [string, Order | undefined, Order, string, readonly string[]])[] = [
  ['a new order', undefined, placed, 'orderCreated', ['LOCKED A1,A2']],
  ['a changed pending order', placed, pendingOrder(ofSeats('A2', 'A3')), 'orderUpdated', ['LOCKED A3', 'AVAILABLE A1']],
  ['a completion', placed, sold, 'orderUpdated', ['BOOKED A1,A2']],
  ['a voided ticket', sold, oneLeft, 'orderAmended', ['AVAILABLE A1']],
  ['a moved ticket', sold, moved, 'orderAmended', ['BOOKED A3', 'AVAILABLE A1']],
  ['a part refund', sold, sold, 'orderAmended', []],
  ['the end of a hold', placed, expired, 'orderCanceled', ['AVAILABLE A1,A2']],
  [
    'the end of a completed order',
    oneLeft,
    orderAfter(cancel(oneLeft, 'admin', AT)),
    'orderCanceled',
    ['AVAILABLE A2'],
  ],
  ['late money, the first completion', expired, orderAfter(rebook(expired, AT)), 'orderUpdated', ['BOOKED A1,A2']],
  ['a dispute', sold, disputed, 'orderCanceled', ['AVAILABLE A1,A2']],
  ['a dispute that was won, the second completion', disputed, won, 'orderAmended', ['BOOKED A1,A2']],
  ['a second dispute', won, orderAfter(cancel(won, 'payment', AT)), 'orderCanceled', ['AVAILABLE A1,A2']],
];

describe('ticketly.order.amended: the topic for changes after completion', () => {
  test.each(STEPS)('each step of an order is announced on its topic: %s', (_name, before, after, topic, seats) => {
    expect(topicFor(before, after)).toBe(topic);
    const [first, ...others] = new OrderJson(lkr).announcementsOf(before, after);
    expect(first).toMatchObject({ topic, key: 'order' });
    const announced = JSON.parse(first?.value ?? '');
    expect(announced.tickets.map(({ seat_id }: { seat_id: string }) => seat_id)).toEqual(
      after.tickets.map(({ seatId }) => seatId),
    );
    expect('seat_ids' in announced).toBe(after.status === 'cancelled');
    expect(
      others.map(({ topic: of, key, value }) => {
        expect([of, key]).toEqual(['seatsStatus', 'session']);
        const { session_id, seat_ids, status } = JSON.parse(value);
        expect(session_id).toBe('session');
        return `${status} ${seat_ids}`;
      }),
    ).toEqual(seats);
  });

  test('it announces one completion of an order, whatever else happens to it', () => {
    const life: Order[] = [placed, expired];
    const rebooked = orderAfter(rebook(expired, AT));
    const again = orderAfter(cancel(rebooked, 'payment', AT));
    life.push(
      rebooked,
      again,
      orderAfter(rebook(again, AT)),
      orderAfter(cancel(orderAfter(rebook(again, AT)), 'payment', AT)),
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
