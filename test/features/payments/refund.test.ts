import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Payment } from '../../../src/features/payments/payment.ts';
import {
  firstRefundState,
  leftOf,
  paidByPerson,
  type Refund,
  stateAfter,
} from '../../../src/features/payments/refund.ts';
import { builtPayment } from '../../support/built-payments.ts';

const refund = (amountMinor: number, origin: Refund['origin'] = 'service'): Refund => ({
  refundId: 'refund',
  amountMinor,
  origin,
  state: 'done',
  providerId: 're_1',
  paidBy: 'provider',
});
const due = (amountMinor: number): Refund => ({
  refundId: 'refund',
  amountMinor,
  origin: 'service',
  state: 'due',
});
const taken = (amountMinor: number) => refund(amountMinor, 'dispute');

describe('refunds', () => {
  test('leave what neither went back nor is about to', () => {
    expect(leftOf(builtPayment(), [])).toBe(100);
    expect(leftOf(builtPayment(), [refund(30), due(20), taken(10)])).toBe(40);
  });

  test.each<[string, Payment['state'], Refund[], Payment['state']]>([
    ['nothing', 'received', [], 'received'],
    ['nothing', 'applied', [], 'applied'],
    ['a part that is due', 'applied', [due(99)], 'applied'],
    ['a part that went', 'applied', [refund(99)], 'applied'],
    ['all, due', 'applied', [due(100)], 'refund_due'],
    ['a part gone and the rest due', 'applied', [refund(40), due(60)], 'refund_due'],
    ['all, gone', 'applied', [refund(100)], 'refunded'],
    ['all, gone in parts', 'refund_due', [refund(40), refund(60)], 'refunded'],
    ['all, taken by a bank', 'applied', [taken(100)], 'disputed'],
    ['a part gone and the rest taken', 'refund_due', [refund(40), taken(60)], 'disputed'],
    ['a part taken', 'applied', [taken(40)], 'applied'],
    ['one that bounced', 'refunded', [due(100)], 'refund_due'],
    ['one that bounced, of two', 'refunded', [refund(40), due(60)], 'refund_due'],
    ['a part of what is due', 'refund_due', [refund(40)], 'refund_due'],
    ['a dispute that was won', 'disputed', [], 'received'],
    ['a dispute that was won, after a part', 'disputed', [refund(40)], 'received'],
  ])('%s: a payment that was %s', (_name, state, refunds, after) => {
    expect(stateAfter(builtPayment({ state }), refunds)).toBe(after);
  });

  test('that were counted once give the same state when they are counted again', () => {
    const states = fc.constantFrom<Payment['state']>('applied', 'refund_due', 'refunded');
    const some = fc.array(
      fc.record({ amount: fc.integer({ min: 1, max: 60 }), kind: fc.constantFrom(refund, due, taken) }),
      { maxLength: 4 },
    );
    fc.assert(
      fc.property(states, some, (state, made) => {
        const refunds = made.map(({ amount, kind }) => kind(amount));
        const after = stateAfter(builtPayment({ state }), refunds);
        expect(stateAfter(builtPayment({ state: after }), refunds)).toBe(after);
      }),
    );
  });
});

test('only Stripe sends refunds by itself, and only of money that it has', () => {
  expect(firstRefundState('stripe')).toBe('due');
  expect(firstRefundState('cash')).toBe('manual');
  expect(firstRefundState('external')).toBe('manual');
});

test('a refund that a person paid says so, and by which reference', () => {
  expect(paidByPerson('refund-1', 'transfer 17')).toEqual({
    state: 'done',
    paidBy: 'person',
    providerId: 'manual:refund-1:transfer 17',
  });
});
