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

describe('a received payment', () => {
  test.each([
    ['of a pending order’s price completes the order', PENDING, {}, {}, 'complete'],
    ['that is already applied changes nothing', PENDING, { state: 'applied' }, {}, 'already_done'],
    ['that is already refunded changes nothing', PENDING, { state: 'refunded' }, {}, 'already_done'],
    ['that is due for a refund changes nothing', PENDING, { state: 'refund_due' }, {}, 'already_done'],
    ['of a cent too little is refunded', PENDING, { amountMinor: 99 }, {}, 'refund'],
    ['of a cent too much is refunded', PENDING, { amountMinor: 101 }, {}, 'refund'],
    ['in another currency is refunded', PENDING, { currency: 'usd' }, {}, 'refund'],
    ['beside another payment is refunded', PENDING, {}, { paidBy: PAID }, 'refund'],
    ['for a completed order is refunded', COMPLETED, {}, {}, 'refund'],
    ['that is late rebooks the order when its seats are free', cancelled('expired'), {}, {}, 'rebook'],
    ['that is late is refunded when the seats are sold', cancelled('expired'), {}, { seatsFree: false }, 'refund'],
    ['that is late after a failed payment rebooks the order', cancelled('payment'), {}, {}, 'rebook'],
    ['for an order that the buyer cancelled is refunded', cancelled('buyer'), {}, {}, 'refund'],
    ['for an order that an administrator cancelled is refunded', cancelled('admin'), {}, {}, 'refund'],
    ['for a refunded order is refunded', cancelled('refunded'), {}, {}, 'refund'],
    ['that is late and of another amount is refunded', cancelled('expired'), { amountMinor: 1 }, {}, 'refund'],
  ] as const)('%s', (_name, of, money, others, decision) => {
    expect(settle(of, builtPayment(money), { ...facts, ...others })).toMatchObject({ decision });
  });
});

test('intent keys differ by attempt and amount, and are equal for equal input', () => {
  const keys = [intentKey(PENDING, 1, money(100)), intentKey(PENDING, 2, money(100)), intentKey(PENDING, 1, money(99))];
  expect(new Set(keys).size).toBe(3);
  expect(intentKey(PENDING, 1, money(100))).toBe(keys[0]);
});

test('a refund is marked as late only when lateness is its reason', () => {
  const late = { ...facts, seatsFree: false };
  expect(settle(cancelled('expired'), builtPayment(), late)).toMatchObject({ decision: 'refund', isLate: true });
  expect(settle(cancelled('buyer'), builtPayment(), late)).toMatchObject({ decision: 'refund', isLate: false });
  expect(settle(PENDING, builtPayment({ amountMinor: 1 }), facts)).toMatchObject({ isLate: false });
});

describe('takeover-refunds: money of an order that was completed before the takeover', () => {
  const statuses = [PENDING, COMPLETED, cancelled('expired'), cancelled('unknown'), cancelled('admin')];
  const anyFacts = fc.record({
    currency: fc.constantFrom(new Currency('lkr'), new Currency('jpy'), new Currency('kwd')),
    paidBy: fc.constantFrom(undefined, PAID, ASSUMED, ASSUMED_ELSEWHERE, { ...PAID, takenOver: 'confirmed' as const }),
    isPaidByReceived: fc.constantFrom(undefined, true, false),
    seatsFree: fc.boolean(),
    policy: fc.constantFrom('refund' as const, 'withhold' as const, 'release' as const),
  });
  const anyPayment = fc.record({
    amountMinor: fc.integer({ min: 1, max: 200 }),
    currency: fc.constantFrom('lkr', 'jpy', 'kwd'),
    state: fc.constantFrom('received' as const, 'withheld' as const),
  });

  test('its own intent becomes its payment when it has no other, whatever the amount and the currency', () => {
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

  test('nothing is refunded under the policy that withholds, for any order', () => {
    fc.assert(
      fc.property(fc.constantFrom(OWN, ...statuses), anyPayment, anyFacts, (of, changes, others) => {
        expect(settle(of, builtPayment(changes), { ...others, policy: 'withhold' }).decision).not.toBe('refund');
      }),
    );
  });

  test('withheld money is refunded only by an operator’s decision, and otherwise used as if it arrived now', () => {
    fc.assert(
      fc.property(fc.constantFrom(OWN, ...statuses), anyPayment, anyFacts, (of, changes, others) => {
        const now = settle(of, builtPayment({ ...changes, state: 'received' }), { ...others, policy: 'refund' });
        const withheld = settle(of, builtPayment({ ...changes, state: 'withheld' }), { ...others, policy: 'refund' });
        expect(withheld).toEqual(now.decision === 'refund' ? { decision: 'withheld', reason: now.reason } : now);
      }),
    );
  });

  test.each([
    ['Stripe is asked whether it received the assumed payment of the order', ASSUMED, undefined, 'ask'],
    ['an assumed payment that Stripe never received is replaced', ASSUMED, false, 'replace'],
    ['a second payment is refunded when Stripe received the assumed one', ASSUMED, true, 'refund'],
    ['a payment assumed to be at another provider is replaced', ASSUMED_ELSEWHERE, undefined, 'replace'],
  ] as const)('%s', (_name, paidBy, isPaidByReceived, decision) => {
    expect(settle(COMPLETED, builtPayment(), { ...facts, paidBy, isPaidByReceived })).toMatchObject({ decision });
  });
});

describe('a payment of another system', () => {
  const [one, two] = [as<Order['orderId']>('one'), as<Order['orderId']>('two')];

  test('it is identified by its order and its id in that system', () => {
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

  test('it is Stripe’s when the id is Stripe’s', () => {
    expect(readReference(one, 'pi_3')).toEqual({ source: 'stripe', intentId: 'pi_3' });
  });
});
