import { describe, expect, test } from 'vitest';
import {
  cancel,
  complete,
  holdMinutesLeft,
  holdStands,
  type Order,
  place,
  rebook,
  whyNotPending,
} from '../../../src/features/orders/order.rules.ts';
import type { Ticket } from '../../../src/features/tickets/ticket.rules.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { money } from '../../../src/kernel/money.ts';

const NOW = instant(1_000_000);
const LATER = instant(2_000_000);

function ticket(price: number): Ticket {
  return {
    ticketId: as<Ticket['ticketId']>('ticket'),
    orderId: as<Ticket['orderId']>('order'),
    sessionId: as<Ticket['sessionId']>('session'),
    seatId: as<Ticket['seatId']>('A1'),
    seatLabel: 'A1',
    colour: '#fff',
    tierId: as<Ticket['tierId']>('tier'),
    tierName: 'VIP',
    price: money(price),
    issuedAt: NOW,
    voidedAt: undefined,
    checkedInAt: undefined,
  };
}

function pending(discountAmount = 0, price = 300): Order {
  return place({
    facts: {
      orderId: as<Order['orderId']>('order'),
      userId: as<Order['userId']>('user'),
      eventId: as<Order['eventId']>('event'),
      organizationId: as<Order['organizationId']>('organization'),
      sessionId: as<Order['sessionId']>('session'),
      discount: undefined,
      discountAmount: money(discountAmount),
      price: money(price),
      createdAt: NOW,
      tickets: [ticket(100), ticket(200)],
    },
    holdMs: 300_000,
  });
}

function changed(transition: ReturnType<typeof complete>): Order {
  if (transition.outcome === 'not_possible') throw new Error(`not possible from ${transition.status}`);
  return transition.order;
}

const completed = () => changed(complete(pending(), LATER));
const cancelled = () => changed(cancel(pending(), 'expired', LATER));

describe('placing', () => {
  test('sums the seats and ends with the hold', () => {
    expect(pending(50, 250)).toMatchObject({
      status: 'pending',
      subtotal: 300,
      price: 250,
      expiresAt: NOW + 300_000,
      paymentAttempt: 0,
    });
  });

  test('refuses a price that does not add up', () => {
    expect(() => pending(50, 300)).toThrow('price 300');
  });
});

describe('transitions', () => {
  test('pending becomes completed', () => {
    expect(completed()).toMatchObject({ status: 'completed', completedAt: LATER });
    expect(completed()).not.toHaveProperty('expiresAt');
  });

  test.each(['buyer', 'expired', 'payment', 'admin'] as const)(
    'pending becomes cancelled by %s, its tickets void',
    (reason) => {
      const order = changed(cancel(pending(), reason, LATER));
      expect(order).toMatchObject({ status: 'cancelled', reason, cancelledAt: LATER });
      expect(order.tickets.map(({ voidedAt }) => voidedAt)).toEqual([LATER, LATER]);
    },
  );

  test('completed becomes cancelled by an admin only', () => {
    expect(cancel(completed(), 'buyer', LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(cancel(completed(), 'expired', LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(changed(cancel(completed(), 'admin', LATER))).toMatchObject({
      status: 'cancelled',
      reason: 'admin',
    });
  });

  test('cancelled becomes completed by rebooking, its tickets live', () => {
    const order = changed(rebook(cancelled(), LATER));
    expect(order).toMatchObject({ status: 'completed', completedAt: LATER });
    expect(order.tickets.map(({ voidedAt }) => voidedAt)).toEqual([undefined, undefined]);
    expect(order).not.toHaveProperty('reason');
  });

  test('nothing else happens', () => {
    expect(complete(completed(), LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
    expect(complete(cancelled(), LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(cancel(cancelled(), 'admin', LATER)).toEqual({ outcome: 'not_possible', status: 'cancelled' });
    expect(rebook(pending(), LATER)).toEqual({ outcome: 'not_possible', status: 'pending' });
    expect(rebook(completed(), LATER)).toEqual({ outcome: 'not_possible', status: 'completed' });
  });
});

describe('the hold', () => {
  test.each([
    [0, true, 5],
    [1, true, 4],
    [60_000, true, 4],
    [240_001, true, 0],
    [299_999, true, 0],
    [300_000, false, 0],
    [900_000, false, 0],
  ])('%i ms after placing: stands %s, %i whole minutes left', (ms, stands, minutes) => {
    expect(holdStands(pending(), instant(NOW + ms))).toBe(stands);
    expect(holdMinutesLeft(pending(), instant(NOW + ms))).toBe(minutes);
  });

  test('of an order that is not pending is over', () => {
    expect([holdStands(completed(), NOW), holdMinutesLeft(cancelled(), NOW)]).toEqual([false, 0]);
  });
});

test('every state says why it is not pending', () => {
  const words = (['pending', 'completed', 'cancelled'] as const).map(whyNotPending);
  expect(new Set(words).size).toBe(3);
});
