import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cancel, type Order } from '../../../src/features/orders/order.ts';
import {
  intentKey,
  type Payment,
  readReference,
  type SettlementFacts,
  settle,
} from '../../../src/features/payments/payment.ts';
import { instant } from '../../../src/kernel/clock.ts';
import { as } from '../../../src/kernel/ids.ts';
import { Currency, money } from '../../../src/kernel/money.ts';
import { completedOrder, orderAfter, pendingOrder } from '../../support/built-orders.ts';
import { builtPayment } from '../../support/built-payments.ts';

const AT = instant(0);
const facts: SettlementFacts = { currency: new Currency('lkr'), paidBy: undefined, seatsFree: true };

const PENDING = pendingOrder();
const COMPLETED = completedOrder({}, AT);
const cancelled = (reason: Parameters<typeof cancel>[1]) => orderAfter(cancel(PENDING, reason, AT));

const PAID = builtPayment({ intentId: as<Payment['intentId']>('pi_2'), state: 'applied' });
const OWN = { ...COMPLETED, paymentIntentId: builtPayment().intentId };
const ASSUMED = { ...PAID, takenOver: 'assumed' } as const;
const ASSUMED_ELSEWHERE = { ...ASSUMED, ...readReference(OWN.orderId, undefined) };

describe('money that came', () => {
  test.each([
    ['the price of a pending order', PENDING, {}, {}, 'complete'],
    ['told of again', PENDING, { state: 'applied' }, {}, 'already_done'],
    ['given back already', PENDING, { state: 'refunded' }, {}, 'already_done'],
    ['due to be given back', PENDING, { state: 'refund_due' }, {}, 'already_done'],
    ['a cent too little', PENDING, { amountMinor: 99 }, {}, 'refund'],
    ['a cent too much', PENDING, { amountMinor: 101 }, {}, 'refund'],
    ['another currency', PENDING, { currency: 'usd' }, {}, 'refund'],
    ['a second payment', PENDING, {}, { paidBy: PAID }, 'refund'],
    ['for a completed order', COMPLETED, {}, {}, 'refund'],
    ['late, seats free', cancelled('expired'), {}, {}, 'rebook'],
    ['late, seats sold', cancelled('expired'), {}, { seatsFree: false }, 'refund'],
    ['late after a failed payment', cancelled('payment'), {}, {}, 'rebook'],
    ['after the buyer cancelled', cancelled('buyer'), {}, {}, 'refund'],
    ['after an admin cancelled', cancelled('admin'), {}, {}, 'refund'],
    ['after a refund', cancelled('refunded'), {}, {}, 'refund'],
    ['late, of another amount', cancelled('expired'), { amountMinor: 1 }, {}, 'refund'],
  ] as const)('%s', (_name, of, money, others, decision) => {
    expect(settle(of, builtPayment(money), { ...facts, ...others })).toMatchObject({ decision });
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

test('only money that was refused for its lateness is late', () => {
  const late = { ...facts, seatsFree: false };
  expect(settle(cancelled('expired'), builtPayment(), late)).toMatchObject({
    decision: 'refund',
    isLate: true,
  });
  expect(settle(cancelled('buyer'), builtPayment(), late)).toMatchObject({
    decision: 'refund',
    isLate: false,
  });
  expect(settle(PENDING, builtPayment({ amountMinor: 1 }), facts)).toMatchObject({ isLate: false });
});

describe('takeover-refunds: money of an order that was completed before this service had it', () => {
  const statuses = [PENDING, COMPLETED, cancelled('expired'), cancelled('unknown'), cancelled('admin')];
  const anyFacts = fc.record({
    currency: fc.constantFrom(new Currency('lkr'), new Currency('jpy'), new Currency('kwd')),
    paidBy: fc.constantFrom(undefined, PAID, ASSUMED, ASSUMED_ELSEWHERE, {
      ...PAID,
      takenOver: 'confirmed' as const,
    }),
    isPaidByReceived: fc.constantFrom(undefined, true, false),
    seatsFree: fc.boolean(),
    policy: fc.constantFrom('refund' as const, 'withhold' as const, 'release' as const),
  });
  const anyPayment = fc.record({
    amountMinor: fc.integer({ min: 1, max: 200 }),
    currency: fc.constantFrom('lkr', 'jpy', 'kwd'),
    state: fc.constantFrom('received' as const, 'withheld' as const),
  });

  test('its own intent is its payment when nothing else is, whatever the amount and the currency', () => {
    fc.assert(
      fc.property(anyPayment, anyFacts, (changes, others) => {
        const policy = changes.state === 'withheld' ? ('release' as const) : others.policy;
        const settlement = settle(OWN, builtPayment(changes), { ...others, policy, paidBy: undefined });
        expect(settlement).toEqual({ decision: 'apply' });
      }),
    );
  });

  test('its own intent is refunded only when another payment was really received', () => {
    fc.assert(
      fc.property(anyPayment, anyFacts, (changes, others) => {
        const { decision } = settle(OWN, builtPayment(changes), others);
        const isPaid =
          others.paidBy?.takenOver === 'assumed'
            ? others.paidBy === ASSUMED && others.isPaidByReceived === true
            : others.paidBy !== undefined;
        if (!isPaid) expect(['apply', 'replace', 'ask', 'already_done']).toContain(decision);
      }),
    );
  });

  test('nothing is refunded under a policy that withholds, of any order', () => {
    fc.assert(
      fc.property(fc.constantFrom(OWN, ...statuses), anyPayment, anyFacts, (of, changes, others) => {
        expect(settle(of, builtPayment(changes), { ...others, policy: 'withhold' }).decision).not.toBe(
          'refund',
        );
      }),
    );
  });

  test('what was withheld goes back only on a person’s word, and is used by anybody as if it came now', () => {
    fc.assert(
      fc.property(fc.constantFrom(OWN, ...statuses), anyPayment, anyFacts, (of, changes, others) => {
        const now = settle(of, builtPayment({ ...changes, state: 'received' }), {
          ...others,
          policy: 'refund',
        });
        const withheld = settle(of, builtPayment({ ...changes, state: 'withheld' }), {
          ...others,
          policy: 'refund',
        });
        expect(withheld).toEqual(
          now.decision === 'refund' ? { decision: 'withheld', reason: now.reason } : now,
        );
      }),
    );
  });

  test.each([
    ['an assumed payment that Stripe was not asked about', ASSUMED, undefined, 'ask'],
    ['an assumed payment that Stripe never received', ASSUMED, false, 'replace'],
    ['an assumed payment that Stripe received', ASSUMED, true, 'refund'],
    ['a payment assumed to be elsewhere', ASSUMED_ELSEWHERE, undefined, 'replace'],
  ] as const)('beside %s', (_name, paidBy, isPaidByReceived, decision) => {
    expect(settle(COMPLETED, builtPayment(), { ...facts, paidBy, isPaidByReceived })).toMatchObject({
      decision,
    });
  });
});

describe('money of another system', () => {
  const [one, two] = [as<Order['orderId']>('one'), as<Order['orderId']>('two')];

  test('is known by its order and its id there', () => {
    const references = [
      readReference(one, '1'),
      readReference(two, '1'),
      readReference(one, '2'),
      readReference(one, undefined),
      readReference(two, undefined),
    ];
    expect(new Set(references.map(({ intentId }) => intentId)).size).toBe(references.length);
    expect(references.every(({ source }) => source === 'external')).toBe(true);
    expect(readReference(one, '1')).toEqual(references[0]);
  });

  test('is Stripe’s when the id is', () => {
    expect(readReference(one, 'pi_3')).toEqual({ source: 'stripe', intentId: 'pi_3' });
  });
});
