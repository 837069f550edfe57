import { describe, expect, test } from 'vitest';
import type { Order } from '../../../src/features/orders/order.rules.ts';
import { intentKey, type Payment, settle } from '../../../src/features/payments/payment.rules.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { currencyOf, money } from '../../../src/kernel/money.ts';

const AT = instant(0);
const facts = { currency: currencyOf('lkr'), paidByAnother: false, seatsFree: true };
const payment = (changes: Partial<Payment> = {}): Payment => ({
  intentId: as<Payment['intentId']>('pi_1'),
  amountMinor: 100,
  currency: 'lkr',
  state: 'received',
  ...changes,
});

function order(state: object): Order {
  return {
    orderId: as<Order['orderId']>('order'),
    userId: as<Order['userId']>('user'),
    eventId: as<Order['eventId']>('event'),
    organizationId: as<Order['organizationId']>('organization'),
    sessionId: as<Order['sessionId']>('session'),
    subtotal: money(100),
    discount: undefined,
    discountAmount: money(0),
    price: money(100),
    createdAt: AT,
    paymentIntentId: undefined,
    paymentAttempt: 1,
    tickets: [],
    ...(state as { status: 'pending'; expiresAt: typeof AT }),
  };
}

const PENDING = order({ status: 'pending', expiresAt: AT });
const COMPLETED = order({ status: 'completed', completedAt: AT });
const cancelled = (reason: string) => order({ status: 'cancelled', cancelledAt: AT, reason });

describe('money that came', () => {
  test.each([
    ['the price of a pending order', PENDING, {}, {}, 'complete'],
    ['told of again', PENDING, { state: 'applied' }, {}, 'already_done'],
    ['given back already', PENDING, { state: 'refunded' }, {}, 'already_done'],
    ['due to be given back', PENDING, { state: 'refund_due' }, {}, 'already_done'],
    ['a cent too little', PENDING, { amountMinor: 99 }, {}, 'refund'],
    ['a cent too much', PENDING, { amountMinor: 101 }, {}, 'refund'],
    ['another currency', PENDING, { currency: 'usd' }, {}, 'refund'],
    ['a second payment', PENDING, {}, { paidByAnother: true }, 'refund'],
    ['for a completed order', COMPLETED, {}, {}, 'refund'],
    ['late, seats free', cancelled('expired'), {}, {}, 'rebook'],
    ['late, seats sold', cancelled('expired'), {}, { seatsFree: false }, 'refund'],
    ['late after a failed payment', cancelled('payment'), {}, {}, 'rebook'],
    ['after the buyer cancelled', cancelled('buyer'), {}, {}, 'refund'],
    ['after an admin cancelled', cancelled('admin'), {}, {}, 'refund'],
    ['after a refund', cancelled('refunded'), {}, {}, 'refund'],
    ['late, of another amount', cancelled('expired'), { amountMinor: 1 }, {}, 'refund'],
  ] as const)('%s', (_name, of, money, others, decision) => {
    expect(settle(of, payment(money), { ...facts, ...others })).toMatchObject({ decision });
  });
});

test('keys differ by attempt and amount, and are the same for the same', () => {
  const keys = [
    intentKey(PENDING, 1, money(100)),
    intentKey(PENDING, 2, money(100)),
    intentKey(PENDING, 1, money(99)),
  ];
  expect(new Set(keys).size).toBe(3);
  expect(intentKey(PENDING, 1, money(100))).toBe(keys[0]);
});
